using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Experiments;
using Agora.LanguageModels;

namespace Agora.Benchmarks.Judged;

/// <summary>A row of AlpacaEval's <c>annotations.json</c>; its second output is the model's.</summary>
public sealed record AlpacaAnnotation
{
    public required string Instruction { get; init; }
    public required string Baseline { get; init; }
    public required string BaselineName { get; init; }
    public required string Output { get; init; }
    public required string ModelName { get; init; }
    public string? Dataset { get; init; }
    public required string Annotator { get; init; }
    /// <summary>1 to 2; null where the judge could not be read.</summary>
    public required double? Preference { get; init; }
    internal ImmutableArray<TokenAlternatives> Tokens { get; init; } = [];
}

/// <summary>Reads and writes the official layouts <c>annotations.json</c> and <c>model_outputs.json</c>.</summary>
public static class AlpacaAnnotations
{
    private static readonly JsonSerializerOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One model's judgments by one judge.</summary>
    /// <exception cref="AgoraException">The file is in no known format, names several models or judges, or has faulty or duplicate rows; all faults are listed.</exception>
    public static ImmutableArray<AlpacaAnnotation> Read(string path)
    {
        var file = BenchmarkRows.Read(path, Environment.CurrentDirectory, limit: null);
        file.ThrowIfFaulty();
        if (!file.Rows.Any(row => row.Has("instruction") && row.Has("output_2") || row.Has("preference")))
            throw new AgoraException("the file is in no format of AlpacaEval's annotations", path,
                "give an annotations.json: objects with instruction, output_1, generator_1, output_2, generator_2, annotator, preference")
            { ExitCode = 2 };
        var annotations = file.Rows.Select(row => (Row: row, Annotation: new AlpacaAnnotation
        {
            Instruction = row.Text("instruction"),
            Baseline = row.PresentText("output_1"),
            BaselineName = row.Text("generator_1"),
            Output = row.PresentText("output_2"),
            ModelName = row.Text("generator_2"),
            Dataset = row.Has("dataset") ? row.Text("dataset") : null,
            Annotator = row.Has("annotator") ? row.Text("annotator") : "unknown",
            Preference = Preference(row),
        })).ToArray();
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        var first = annotations[0].Annotation;
        foreach (var (row, annotation) in annotations)
        {
            if (!lines.TryAdd(annotation.Instruction, row.Line))
                row.Fault($"the instruction of line {lines[annotation.Instruction]} again");
            if (annotation.ModelName != first.ModelName || annotation.BaselineName != first.BaselineName)
                row.Fault($"\"{annotation.ModelName}\" against \"{annotation.BaselineName}\", where the first row has \"{first.ModelName}\" against \"{first.BaselineName}\": one file holds one pair of models");
            if (annotation.Annotator != first.Annotator)
                row.Fault($"judged by \"{annotation.Annotator}\", the first row by \"{first.Annotator}\": one file holds one judge");
        }
        file.ThrowIfFaulty();
        return [.. annotations.Select(pair => pair.Annotation)];
    }

    /// <summary>Lengths in code points of all outputs of a <c>model_outputs.json</c>, judged or not.</summary>
    /// <exception cref="AgoraException">The file is faulty.</exception>
    public static ImmutableArray<int> ReadOutputLengths(string path)
    {
        var file = BenchmarkRows.Read(path, Environment.CurrentDirectory, limit: null);
        ImmutableArray<int> lengths = [.. file.Rows.Select(row => CodePoints.Count(row.PresentText("output")))];
        file.ThrowIfFaulty();
        return lengths;
    }

    /// <summary>The instructions of the official <c>alpaca_eval.json</c> in their order, which difficulties are numbered by.</summary>
    public static ImmutableArray<string> ReadInstructions(string path)
    {
        var file = BenchmarkRows.Read(path, Environment.CurrentDirectory, limit: null);
        ImmutableArray<string> instructions = [.. file.Rows.Select(row => row.Text("instruction"))];
        file.ThrowIfFaulty();
        return instructions;
    }

    /// <summary>The lines of an <c>annotations.json</c>.</summary>
    public static IEnumerable<string> Lines(IEnumerable<AlpacaAnnotation> annotations) => InArray(annotations.Select(annotation =>
    {
        var row = new JsonObject
        {
            ["instruction"] = annotation.Instruction,
            ["output_1"] = annotation.Baseline,
            ["generator_1"] = annotation.BaselineName,
            ["dataset"] = annotation.Dataset,
            ["output_2"] = annotation.Output,
            ["generator_2"] = annotation.ModelName,
            ["annotator"] = annotation.Annotator,
            // As the published files round it.
            ["preference"] = annotation.Preference is { } preference ? Math.Round(preference, 10) : null,
        };
        if (!annotation.Tokens.IsDefaultOrEmpty)
            row["raw_completion"] = new JsonObject { ["logprobs"] = new JsonObject { ["content"] = new JsonArray([.. annotation.Tokens.Select(Token)]) } };
        return row;
    }));

    /// <summary>The lines of a <c>model_outputs.json</c>.</summary>
    public static IEnumerable<string> OutputLines(string model, IEnumerable<(string Instruction, string Output, string? Dataset)> outputs) => InArray(outputs.Select(output =>
        new JsonObject { ["dataset"] = output.Dataset, ["instruction"] = output.Instruction, ["output"] = output.Output, ["generator"] = model }));

    private static double? Preference(BenchmarkRow row)
    {
        if (!row.Has("preference"))
            return null;
        if (row.Real("preference") is not { } preference)
            return null;
        if (preference is not (0 or (>= 1 and <= 2)))
            row.Fault(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"\"preference\" must be from 1 to 2, 0 for a draw or null, got {preference}"));
        return preference;
    }

    private static JsonObject Token(TokenAlternatives token)
    {
        var written = token.Alternatives.FirstOrDefault(likely => likely.Token == token.Token);
        return new JsonObject
        {
            ["token"] = token.Token,
            ["logprob"] = written.Token is null ? null : written.LogProbability,
            ["top_logprobs"] = new JsonArray([.. token.Alternatives.Select(likely => (JsonNode)new JsonObject { ["token"] = likely.Token, ["logprob"] = likely.LogProbability })]),
        };
    }

    private static IEnumerable<string> InArray(IEnumerable<JsonObject> rows)
    {
        yield return "[";
        string? pending = null;
        foreach (var row in rows)
        {
            if (pending is not null)
                yield return pending + ",";
            pending = row.ToJsonString(Format);
        }
        if (pending is not null)
            yield return pending;
        yield return "]";
    }
}
