using System.Collections.Immutable;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Agora.Benchmarks;

namespace Agora.Reports;

/// <summary>One JSONL file per model and benchmark, and two per data set, so that every sample can be read beside the report.</summary>
internal sealed class SampleFiles
{
    private static readonly JsonSerializerOptions Format = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public SampleFiles(RunReport report)
    {
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);      // some file systems fold case
        Answers = [.. report.Answers.Select(samples => (samples, Path("answers", $"{samples.Model}.{samples.Benchmark}", taken)))];
        Instances = [.. report.Instances.Select(samples => (samples, Path("instances", $"{samples.Generator}.{samples.Setting}", taken)))];
        Rejects = [.. report.Instances.Select(samples => (samples, Path("rejects", $"{samples.Generator}.{samples.Setting}", taken)))];
    }

    /// <summary>Paths are relative to the report, with forward slashes.</summary>
    public ImmutableArray<(AnswerSamples Samples, string Path)> Answers { get; }
    public ImmutableArray<(InstanceSamples Samples, string Path)> Instances { get; }
    public ImmutableArray<(InstanceSamples Samples, string Path)> Rejects { get; }

    public IEnumerable<string> Paths => [.. Answers.Select(file => file.Path), .. Instances.Select(file => file.Path), .. Rejects.Select(file => file.Path)];

    /// <summary>Each file's path and its lines, written as they are read.</summary>
    public IEnumerable<(string Path, IEnumerable<string> Lines)> Contents =>
    [
        .. Answers.Select(file => (file.Path, file.Samples.Samples.Select(Line))),
        .. Instances.Select(file => (file.Path, file.Samples.Instances.Select(Line))),
        .. Rejects.Select(file => (file.Path, file.Samples.Rejects.Select(Line))),
    ];

    private static string Line(AnswerSample sample) => JsonSerializer.Serialize(new
    {
        Id = sample.Answer.ItemId,
        sample.Answer.Prompt,
        sample.Answer.Completion,
        sample.Answer.Finished,
        sample.Graded.Extracted,
        Score = (sample.Graded.Grade as Grade.Scored)?.Value,
        Unscored = (sample.Graded.Grade as Grade.Unscored)?.Reason,
        sample.Graded.Detail,
    }, Format);

    private static string Line(InstanceSample sample) => JsonSerializer.Serialize(new
    {
        sample.Index,
        sample.Instruction,
        sample.Response,
        Origin = sample.Origin.ToDictionary(fact => fact.Name, fact => fact.Value),
    }, Format);

    private static string Line(RejectSample sample) => JsonSerializer.Serialize(sample, Format);

    private static string Path(string folder, string name, HashSet<string> taken)
    {
        var safe = new StringBuilder();
        foreach (var letter in name)
            safe.Append(char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-' or '_' ? letter : '_');
        // Long names of models stay below what file systems take.
        var stem = safe.Length <= 150 ? safe.ToString() : safe.ToString(0, 150);
        var path = $"samples/{folder}/{stem}.jsonl";
        for (var number = 2; !taken.Add(path); number++)
            path = $"samples/{folder}/{stem}-{number}.jsonl";
        return path;
    }
}
