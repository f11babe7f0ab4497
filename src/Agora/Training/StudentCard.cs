using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Agora.Experiments;

namespace Agora.Training;

/// <summary>A student's score on one benchmark.</summary>
/// <param name="Mean">From 0 to 1; null where no answer could be graded.</param>
/// <param name="Graded">Answers that the mean is over.</param>
/// <param name="Ungraded">Answers that could not be graded, which count in no mean.</param>
public sealed record StudentScore(string Benchmark, double? Mean, int Graded, int Ungraded);

/// <summary>The <c>README.md</c> in a student's folder: what it was trained from, on what, how, and how it scores. It holds no times and no paths, so the same training gives the same card.</summary>
public sealed record StudentCard
{
    public const string FileName = "README.md";

    /// <summary>Scores come after training, and stand behind this line.</summary>
    private const string ScoresHeading = "\n## Scores\n\n";

    /// <summary>A name of the hub, or of a folder.</summary>
    public required string BaseModel { get; init; }
    /// <summary>As config.json names it, such as LlamaForCausalLM.</summary>
    public required string Architecture { get; init; }
    public required long Parameters { get; init; }
    /// <summary>What the weights are stored in, such as BF16.</summary>
    public required string StoredType { get; init; }
    public required StudentRecipe Recipe { get; init; }
    public required long Seed { get; init; }
    public required int Rows { get; init; }
    /// <summary>From <see cref="HashOf"/>.</summary>
    public required string DataHash { get; init; }
    public required TrainingSummary Summary { get; init; }

    /// <returns>SHA-256, in hexadecimal, of each row's instruction, a zero byte, its response, a zero byte, in UTF-8 and in the given order.</returns>
    public static string HashOf(IEnumerable<TrainingPair> rows)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var row in rows)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(row.Instruction + "\0"));
            hash.AppendData(Encoding.UTF8.GetBytes(row.Response + "\0"));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The hub's name of a model whose folder lies in the hub's cache, else the folder's own.</summary>
    public static string NameOf(string modelFolder)
    {
        // models--meta-llama--Llama-3.1-8B/snapshots/REVISION
        const string Prefix = "models--";
        var folder = new DirectoryInfo(Path.TrimEndingDirectorySeparator(Path.GetFullPath(modelFolder)));
        var cached = folder.Parent is { Name: "snapshots", Parent: { } repository } && repository.Name.StartsWith(Prefix, StringComparison.Ordinal) ? repository.Name : null;
        return cached is null ? folder.Name : cached[Prefix.Length..].Replace("--", "/", StringComparison.Ordinal);
    }

    public string Text()
    {
        var card = new StringBuilder();
        card.Append(CultureInfo.InvariantCulture, $"""
            ---
            base_model: {JsonSerializer.Serialize(BaseModel, Relaxed)}
            library_name: transformers
            pipeline_tag: text-generation
            tags:
            - agora
            - sft
            ---

            # A student of {OneLine(BaseModel)}

            Trained with Agora, which measures language models as generators of training data: supervised fine-tuning on instruction-response pairs, the loss on response
            tokens only. What it was taught is what the pairs say; nobody has checked them one by one.

            | | |
            | --- | --- |
            | base model | {OneLine(BaseModel)} |
            | architecture | {OneLine(Architecture)}, {Parameters:N0} parameters, stored as {StoredType} |
            | rows | {Rows:N0}, of which {Summary.SkippedTooLong:N0} were left out as too long |
            | SHA-256 of the rows | `{DataHash}` |
            | training seed | {Seed} |
            | optimiser steps | {Summary.Steps:N0} |
            | tokens, response tokens | {Summary.Tokens:N0}, {Summary.ResponseTokens:N0} |
            | loss of the first and last step (nats per response token) | {Summary.FirstLossNats:F4}, {Summary.FinalLossNats:F4} |

            The hash is over each row's instruction, a zero byte, its response and a zero byte, in UTF-8 and in the order they were given.

            ## Recipe

            ```json
            {JsonSerializer.Serialize(Recipe, Recorded)}
            ```

            ## Licence

            That of the base model, whose licence files lie here where its folder had them; the terms of the models that wrote the data may restrict use further.
            {ScoresHeading}Not measured when this card was written.

            """);
        return card.ToString().ReplaceLineEndings("\n");
    }

    /// <summary>The card with its scores, in place of those it had.</summary>
    /// <param name="card">What <see cref="Text"/> gave, perhaps with scores.</param>
    public static string WithScores(string card, IReadOnlyList<StudentScore> scores)
    {
        var end = card.IndexOf(ScoresHeading, StringComparison.Ordinal);
        var text = new StringBuilder(end < 0 ? card.TrimEnd() + "\n" : card[..end]).Append(ScoresHeading);
        if (scores.Count == 0)
            return text.Append("Not measured when this card was written.\n").ToString();
        text.Append("| benchmark | score (%) | graded answers | answers that could not be graded |\n| --- | --- | --- | --- |\n");
        foreach (var score in scores)
        {
            var mean = score.Mean is { } value ? (100 * value).ToString("F1", CultureInfo.InvariantCulture) : "none";
            text.Append(CultureInfo.InvariantCulture, $"| {OneLine(score.Benchmark)} | {mean} | {score.Graded:N0} | {score.Ungraded:N0} |\n");
        }
        return text.ToString();
    }

    // Names may hold anything; none may break out of its cell.
    private static string OneLine(string text) => text.ReplaceLineEndings(" ").Replace("|", "\\|", StringComparison.Ordinal);

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly JsonSerializerOptions Recorded = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };
}
