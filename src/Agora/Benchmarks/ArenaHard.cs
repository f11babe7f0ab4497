using System.Text.RegularExpressions;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>
/// Arena-Hard v0.1 (arXiv:2406.11939). Rows, as in the official <c>question.jsonl</c>: <c>question_id</c> and <c>turns</c>; the baseline's answers lie beside
/// it in <c>model_answer/gpt-4-0314.jsonl</c>, or in each row as <c>baseline</c>.
/// </summary>
/// <remarks>
/// Two games with positions swapped; a strong verdict counts as three battles, a tie as half. An item's grade is its own share of battles won, so the mean weighs
/// questions alike, where the official figure pools all battles. The judge's prompt is the project's own.
/// </remarks>
internal static partial class ArenaHard
{
    private const string BaselineFile = "model_answer/gpt-4-0314.jsonl";

    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder)
    {
        var file = BenchmarkRows.Read(spec.File, rootFolder, spec.Limit);
        var inRows = file.Rows.Any(row => row.Has("baseline"));
        var baselinePath = Path.Combine(Path.GetDirectoryName(spec.File) ?? "", BaselineFile);
        var baselines = inRows ? [] : ReadBaselines(baselinePath, rootFolder);
        PairwiseItem[] items =
        [
            .. file.Rows.Select(row =>
            {
                var item = new BenchmarkItem(row.Id("question_id"), row.Has("prompt") ? row.Text("prompt") : FirstTurn(row, "turns"));
                if (inRows)
                    return new PairwiseItem(item, row.Text("baseline"));
                if (!baselines.TryGetValue(item.Id, out var baseline))
                    row.Fault($"{baselinePath} has no answer to \"{item.Id}\"");
                return new PairwiseItem(item, baseline ?? "");
            }),
        ];
        file.ThrowIfFaulty();
        return new PairwiseBenchmark(spec.Name, file.Hash, [.. items], new PairwiseRules
        {
            Prompt = JudgePrompt.Of("arena_hard"),
            MaxNewTokens = 4096,
            Games = static (_, _) => [false, true],
            Read = Read,
            AskAgain = "You gave no verdict. Reply with one of the five labels and nothing else.",
        });
    }

    /// <summary>The rule of v0.1: one distinct label counts, several make the game void, and a label outside the five counts for nothing.</summary>
    internal static PairwiseVerdict Read(string words)
    {
        var labels = Label().Matches(words).Select(match => match.Groups[1].Value).Distinct(StringComparer.Ordinal).ToArray();
        return labels switch
        {
            [] => new PairwiseVerdict(null, 0, "no label", true),
            ["A>>B"] => new PairwiseVerdict(1, 3, labels[0], false),
            ["A>B"] => new PairwiseVerdict(1, 1, labels[0], false),
            ["A=B"] => new PairwiseVerdict(0.5, 1, labels[0], false),
            ["B>A"] => new PairwiseVerdict(0, 1, labels[0], false),
            ["B>>A"] => new PairwiseVerdict(0, 3, labels[0], false),
            [var unknown] => new PairwiseVerdict(null, 0, $"unknown label {unknown}", false),
            _ => new PairwiseVerdict(null, 0, $"several labels: {string.Join(", ", labels)}", false),
        };
    }

    private static Dictionary<string, string> ReadBaselines(string path, string rootFolder)
    {
        var file = BenchmarkRows.Read(path, rootFolder, limit: null);
        var answers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var row in file.Rows)
            answers[row.Id("question_id")] = FirstTurn(row, "choices");
        file.ThrowIfFaulty();
        return answers;
    }

    /// <summary><c>turns: [{content}]</c>, or <c>choices: [{turns: [{content}]}]</c>: of several, the first.</summary>
    private static string FirstTurn(BenchmarkRow row, string member)
    {
        var first = row.Objects(member).FirstOrDefault();
        if (first.ValueKind == System.Text.Json.JsonValueKind.Undefined)
            return "";      // the fault is recorded
        if (member == "choices" && first.TryGetProperty("turns", out var turns) && turns.ValueKind == System.Text.Json.JsonValueKind.Array && turns.GetArrayLength() > 0)
            first = turns[0];
        if (first.ValueKind == System.Text.Json.JsonValueKind.Object && first.TryGetProperty("content", out var content) && content.ValueKind == System.Text.Json.JsonValueKind.String
            && content.GetString() is { Length: > 0 } text)
            return text;
        row.Fault($"\"{member}\" holds no content");
        return "";
    }

    [GeneratedRegex(@"\[\[([AB<>=]+)\]\]", RegexOptions.NonBacktracking)]
    private static partial Regex Label();
}
