using System.Collections.Immutable;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Benchmarks;
using Agora.Benchmarks.Judged;
using Agora.Experiments;

namespace Agora.Runs;

/// <summary>One evaluation's folder: the scores, every sample, and for code a file that EvalPlus reads.</summary>
public sealed class EvaluationFolder
{
    public const string RecordFileName = "evaluation.json";
    internal const string StepsFileName = "steps.json";

    private static readonly JsonSerializerOptions Official = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly DurableFiles files = DurableFiles.Instance;

    internal EvaluationFolder(string path)
    {
        FullPath = path;
        Id = Path.GetFileName(path);
    }

    public string Id { get; }
    public string FullPath { get; }

    public string PathOf(string file) => Path.Combine(FullPath, file);

    /// <summary>Where the answers to a benchmark and their grades lie.</summary>
    public string SamplesOf(string benchmark) => PathOf($"{benchmark}.jsonl");

    /// <exception cref="AgoraException">There is none, or it is damaged.</exception>
    public EvaluationRecord Record() => Read<EvaluationRecord>(RecordFileName);

    /// <summary>The grades of a benchmark, from its samples.</summary>
    /// <exception cref="AgoraException">They are not there, or damaged.</exception>
    public ImmutableArray<GradedAnswer> Grades(string benchmark)
    {
        var file = SamplesOf(benchmark);
        try
        {
            return [.. File.ReadLines(file).Select(line => JsonSerializer.Deserialize<Sample>(line, CanonicalJson.Options) ?? throw new JsonException("a line is null")).Select(sample => sample.Graded())];
        }
        catch (Exception fault) when (fault is IOException or JsonException)
        {
            throw new AgoraException($"the samples cannot be read: {CanonicalJson.Fault(fault)}", file, "evaluate again: what is in the store is not asked for again", fault);
        }
    }

    /// <summary>Held while a process spends the evaluation's budget: two would each spend all of it.</summary>
    /// <exception cref="AgoraException">Another process holds it.</exception>
    internal FileLock HoldBudget() => FileLock.TryExclusive(PathOf("spending"))
        ?? throw new AgoraException("another process spends the budget of this evaluation", FullPath, "wait until it ends: a limit of dollars holds for one process at a time");

    internal ImmutableArray<string> Steps() => File.Exists(PathOf(StepsFileName)) ? Read<ImmutableArray<string>>(StepsFileName) : [];

    internal void Begin(ImmutableArray<string> keys)
    {
        files.CreateFolder(FullPath);
        Write(StepsFileName, keys);
    }

    internal void Keep(EvaluationRecord record) => Write(RecordFileName, record);

    /// <param name="isCode">Whether EvalPlus has a format for them.</param>
    internal void WriteSamples(string benchmark, ImmutableArray<BenchmarkAnswer> answers, ImmutableArray<GradedAnswer> grades, bool isCode)
    {
        WriteLines(SamplesOf(benchmark), answers.Zip(grades, (answer, grade) => JsonSerializer.Serialize(Sample.Of(answer, grade), CanonicalJson.Options)));
        if (isCode)
            WriteLines(PathOf($"{benchmark}.evalplus.jsonl"), answers.Zip(grades, (answer, grade) => SampleFile.EvalPlusLine(benchmark, answer, grade)));
    }

    /// <summary>The judges' verdicts in the benchmark's official layout, under the model's own name; also the answers, as the benchmark's own tools read them.</summary>
    internal void WriteJudgments(IBenchmark benchmark, string model, ImmutableArray<BenchmarkAnswer> answers, StepResult graded)
    {
        foreach (var file in Directory.EnumerateFiles(graded.Folder, "judge-*").Order(StringComparer.Ordinal))
            WriteLines(PathOf($"{benchmark.Name}.{Path.GetFileName(file)}"), File.ReadLines(file).Select(line => Named(line, model)));
        if (benchmark.Name == "alpaca_eval")
            WriteLines(PathOf($"{benchmark.Name}.model_outputs.json"), AlpacaAnnotations.OutputLines(model, answers.Select(answer => (answer.Prompt, answer.Completion, (string?)null))));
        else if (benchmark.Name == "arena_hard")
            WriteLines(PathOf($"{benchmark.Name}.model_answer.jsonl"), answers.Select(answer => ArenaJudgments.AnswerLine(answer.ItemId, model, answer.Completion)));
    }

    /// <summary>A line of an official file with the model's name, which the store leaves out as results are shared.</summary>
    private static string Named(string line, string model)
    {
        if (!line.StartsWith('{'))
            return line;
        var row = JsonNode.Parse(line.TrimEnd(','))!.AsObject();
        row[row.ContainsKey("generator_2") ? "generator_2" : "model"] = model;
        return row.ToJsonString(Official) + (line.EndsWith(',') ? "," : "");
    }

    private void WriteLines(string path, IEnumerable<string> lines) =>
        files.WriteWhole(path, Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n"))));

    private void Write<T>(string file, T value) => files.WriteWhole(PathOf(file), (byte[])[.. JsonSerializer.SerializeToUtf8Bytes(value, CanonicalJson.Indented), (byte)'\n']);

    private T Read<T>(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllBytes(PathOf(file)), CanonicalJson.Options) ?? throw new JsonException("the value is null");
        }
        catch (Exception error) when (error is IOException or JsonException)
        {
            throw new AgoraException($"the evaluation's folder cannot be read: {CanonicalJson.Fault(error)}", PathOf(file), "evaluate again, or remove the folder", error);
        }
    }

    /// <summary>One answer with its grade, as every reader of samples wants them.</summary>
    private sealed record Sample(string Id, string Prompt, string Completion, bool Finished, string? Extracted, double? Score, string? Unscored, string? Detail)
    {
        public static Sample Of(BenchmarkAnswer answer, GradedAnswer grade) => new(answer.ItemId, answer.Prompt, answer.Completion, answer.Finished, grade.Extracted,
            (grade.Grade as Grade.Scored)?.Value, (grade.Grade as Grade.Unscored)?.Reason, grade.Detail);

        public GradedAnswer Graded() => new(Id, Extracted, Score is { } score ? new Grade.Scored(score) : new Grade.Unscored(Unscored ?? "no reason is recorded"), Detail);
    }
}
