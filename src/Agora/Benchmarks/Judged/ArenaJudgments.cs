using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Experiments;

namespace Agora.Benchmarks.Judged;

/// <summary>A row of Arena-Hard's <c>model_judgment</c> files: a question's two games.</summary>
/// <param name="BaselineFirst">Label of the game in which the baseline is A; null where its words held none.</param>
/// <param name="ModelFirst">Label of the game in which the model is A.</param>
public sealed record ArenaJudgment(string QuestionId, string Model, string Judge, string? BaselineFirst, string? ModelFirst)
{
    public string BaselineFirstWords { get; init; } = "";
    public string ModelFirstWords { get; init; } = "";
}

/// <summary>Reads and writes the official judgment files, of v0.1 and of the code of 2025.</summary>
public static class ArenaJudgments
{
    private static readonly JsonSerializerOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One model's judgments by one judge.</summary>
    /// <remarks>The label that the file gives is taken; where a game has none of its own, <paramref name="rules"/> read it from the judge's words.</remarks>
    /// <exception cref="AgoraException">The file is in no known format, names several models or judges, or has faulty or duplicate rows; all faults are listed.</exception>
    public static ImmutableArray<ArenaJudgment> Read(string path, ArenaRules rules)
    {
        var file = BenchmarkRows.Read(path, Environment.CurrentDirectory, limit: null);
        file.ThrowIfFaulty();
        if (!file.Rows.Any(row => row.Has("games")))
            throw new AgoraException("the file is in no format of Arena-Hard's judgments", path, "give a model_judgment file: objects with question_id (or uid), model, judge, games") { ExitCode = 2 };
        var judgments = file.Rows.Select(row =>
        {
            var games = row.Elements("games");
            if (games.Length != 2)
                row.Fault($"\"games\" must hold two games, got {games.Length}");
            var (first, second) = games.Length == 2 ? (Game(row, games[0], rules), Game(row, games[1], rules)) : default;
            return (Row: row, Judgment: new ArenaJudgment(row.Id(row.Has("uid") && !row.Has("question_id") ? "uid" : "question_id"), row.Text("model"), row.Has("judge") ? row.Text("judge") : "unknown", first.Label, second.Label)
            {
                BaselineFirstWords = first.Words ?? "",
                ModelFirstWords = second.Words ?? "",
            });
        }).ToArray();
        foreach (var (row, judgment) in judgments)
            if (judgment.Model != judgments[0].Judgment.Model || judgment.Judge != judgments[0].Judgment.Judge)
                row.Fault($"\"{judgment.Model}\" judged by \"{judgment.Judge}\", the first row \"{judgments[0].Judgment.Model}\" by \"{judgments[0].Judgment.Judge}\": one file holds one model and one judge");
        file.ThrowIfFaulty();
        return [.. judgments.Select(pair => pair.Judgment)];
    }

    /// <summary>One line of a <c>model_judgment</c> file of v0.1.</summary>
    public static string Line(ArenaJudgment judgment) => new JsonObject
    {
        ["question_id"] = judgment.QuestionId,
        ["model"] = judgment.Model,
        ["judge"] = judgment.Judge,
        ["games"] = new JsonArray(
            new JsonObject { ["judgment"] = judgment.BaselineFirstWords, ["score"] = judgment.BaselineFirst },
            new JsonObject { ["judgment"] = judgment.ModelFirstWords, ["score"] = judgment.ModelFirst }),
    }.ToJsonString(Format);

    /// <summary>One line of a <c>model_answer</c> file; lengths in tokens of the official tokenizer are left out.</summary>
    public static string AnswerLine(string questionId, string model, string answer) => new JsonObject
    {
        ["question_id"] = questionId,
        ["model_id"] = model,
        ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["turns"] = new JsonArray(new JsonObject { ["content"] = answer }) }),
    }.ToJsonString(Format);

    /// <summary>Answers of a <c>model_answer</c> file with their style; the length is what the file says in tokens, null where it does not.</summary>
    internal static (string Model, ImmutableArray<(string QuestionId, string Answer, int? Tokens)> Answers) ReadAnswers(string path)
    {
        var file = BenchmarkRows.Read(path, Environment.CurrentDirectory, limit: null);
        var rows = file.Rows.Select(row => (Model: row.Has("model_id") ? row.Text("model_id") : Path.GetFileNameWithoutExtension(path), Id: row.Id("question_id"), Answer: ArenaTurns.First(row, "choices", mayBeEmpty: true), Tokens: ArenaTurns.Tokens(row))).ToArray();
        file.ThrowIfFaulty();
        return (rows[0].Model, [.. rows.Select(row => (row.Id, row.Answer, row.Tokens))]);
    }

    private static (string? Label, string? Words) Game(BenchmarkRow row, JsonElement game, ArenaRules rules)
    {
        if (game.ValueKind == JsonValueKind.Null)
            return default;
        if (game.ValueKind != JsonValueKind.Object)
        {
            row.Fault("a game must be an object or null");
            return default;
        }
        string? words = null;
        if (game.TryGetProperty("judgment", out var judgment))
            words = judgment.ValueKind == JsonValueKind.String ? row.Read(judgment, "judgment")
                : judgment.ValueKind == JsonValueKind.Object && judgment.TryGetProperty("answer", out var answer) && answer.ValueKind == JsonValueKind.String ? row.Read(answer, "judgment")
                : null;
        if (game.TryGetProperty("score", out var score))
        {
            if (score.ValueKind is JsonValueKind.String or JsonValueKind.Null)
                return (score.ValueKind == JsonValueKind.Null ? null : row.Read(score, "score"), words);
            row.Fault("\"score\" must be a label or null");
            return default;
        }
        if (words is null)
            row.Fault("a game has neither \"score\" nor \"judgment\"");
        return (words is null ? null : rules == ArenaRules.V01 ? ArenaVerdicts.ReadV01(words).Label : ArenaVerdicts.ReadHead2025(words), words);
    }
}
