using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Agora.Benchmarks;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.Training;

namespace Agora.Runs;

/// <summary>Names and formats of the files in the steps' results; docs/run-folder.md describes them.</summary>
public static class StepFiles
{
    /// <summary>generate: one <see cref="SyntheticInstance"/> a line, with the keys <c>instruction</c>, <c>response</c>, <c>config</c> of the published data sets.</summary>
    public const string Instances = "instances.jsonl";
    /// <summary>generate: one <see cref="RejectedCompletion"/> a line.</summary>
    public const string Rejects = "rejects.jsonl";
    /// <summary>generate with decontamination: one <see cref="DataGeneration.Filters.DroppedSeed"/> a line.</summary>
    public const string DroppedSeeds = "dropped-seeds.jsonl";
    /// <summary>generate: a <see cref="GenerationSummary"/>.</summary>
    public const string Generation = "generation.json";
    /// <summary>measure: a <see cref="IntrinsicMetrics.DataSetProfile"/>.</summary>
    public const string Profile = "profile.json";
    /// <summary>measure: one <see cref="IntrinsicMetrics.InstanceValues"/> a line.</summary>
    public const string Values = "values.jsonl";
    /// <summary>instances: one <see cref="IntrinsicMetrics.MeasuredInstance"/> a line.</summary>
    public const string GivenInstances = "given-instances.jsonl";
    /// <summary>train: the student's folder in Hugging Face format.</summary>
    public const string Model = "model";
    /// <summary>train: a <see cref="TrainingSummary"/>.</summary>
    public const string Training = "training.json";
    /// <summary>train: one <see cref="StepLoss"/> a line.</summary>
    public const string Losses = "losses.jsonl";
    /// <summary>answer: one <see cref="BenchmarkAnswer"/> a line.</summary>
    public const string Answers = "answers.jsonl";
    /// <summary>grade: one <see cref="GradedAnswer"/> a line, with <c>score</c> or with <c>unscored</c> and the reason.</summary>
    public const string Grades = "grades.jsonl";
    /// <summary>grade, where judges were asked: a <see cref="Benchmarks.Judged.JudgingSummary"/>. Beside it lie the judges' verdicts in the benchmark's official format.</summary>
    public const string Judging = "judging.json";

    /// <summary>grade, where programs were run: a <see cref="SandboxFacts"/>.</summary>
    public const string Sandbox = "sandbox.json";

    public static IEnumerable<string> Lines<T>(IEnumerable<T> records) => records.Select(record => JsonSerializer.Serialize(record, Options));

    public static string Line<T>(T record) => JsonSerializer.Serialize(record, Options);

    /// <summary>Reads a file with one record.</summary>
    public static T Read<T>(StepResult step, string file) => Parse<T>(File.ReadAllText(step.PathOf(file)), step, file);

    /// <summary>Reads a file with one record a line.</summary>
    public static ImmutableArray<T> ReadLines<T>(StepResult step, string file) => [.. Stream<T>(step, file)];

    /// <summary>As <see cref="ReadLines"/>, but one record at a time, and anew at every enumeration.</summary>
    public static IEnumerable<T> Stream<T>(StepResult step, string file) => File.ReadLines(step.PathOf(file)).Select(line => Parse<T>(line, step, file));

    /// <summary>The records of some lines, counted from 0; the others are passed over unread.</summary>
    public static IEnumerable<(int Place, T Record)> Stream<T>(StepResult step, string file, IReadOnlySet<int> places) => places.Count == 0 ? []
        : File.ReadLines(step.PathOf(file)).Take(places.Max() + 1).Index().Where(line => places.Contains(line.Index)).Select(line => (line.Index, Parse<T>(line.Item, step, file)));

    // The file's hash has been checked, so that what cannot be read was written so: by another version without another step version.
    private static T Parse<T>(string json, StepResult step, string file)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json, Options) ?? throw new JsonException("the value is null");
        }
        catch (JsonException error)
        {
            throw new AgoraException($"a result cannot be read: {CanonicalJson.Fault(error)}", step.PathOf(file),
                "remove the folder that holds the file and give the same command again", error);
        }
    }

    private static readonly JsonSerializerOptions Options = new(CanonicalJson.Options)
    {
        Converters = { new GradedAnswerConverter() },
    };

    private sealed class GradedAnswerConverter : JsonConverter<GradedAnswer>
    {
        public override GradedAnswer Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            var row = JsonSerializer.Deserialize<Row>(ref reader, options) ?? throw new JsonException("not a grade");
            Grade grade = row switch
            {
                { Score: { } score, Unscored: null } => new Grade.Scored(score),
                { Score: null, Unscored: { } reason } => new Grade.Unscored(reason),
                _ => throw new JsonException("a grade has either \"score\" or \"unscored\""),
            };
            return new GradedAnswer(row.ItemId, row.Extracted, grade, row.Detail);
        }

        public override void Write(Utf8JsonWriter writer, GradedAnswer value, JsonSerializerOptions options) => JsonSerializer.Serialize(writer, new Row(
            value.ItemId, value.Extracted, (value.Grade as Grade.Scored)?.Value, (value.Grade as Grade.Unscored)?.Reason, value.Detail), options);

        private sealed record Row(
            string ItemId,
            string? Extracted,
            [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Score,
            [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Unscored,
            [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Detail);
    }
}

/// <summary>What came of a generation.</summary>
public sealed record GenerationSummary
{
    public required int Wanted { get; init; }
    public required int Valid { get; init; }
    /// <summary>Why there are fewer than wanted; null where there are not.</summary>
    public string? Shortfall { get; init; }
    public required GenerationBill Bill { get; init; }
    /// <summary>US dollars for all completions; null where no price is known.</summary>
    public decimal? Dollars { get; init; }
    /// <summary>Seeds that were left out because they stand in a test set.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int DroppedSeeds { get; init; }
}
