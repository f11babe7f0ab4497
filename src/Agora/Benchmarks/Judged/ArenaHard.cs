using System.Collections.Immutable;
using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.Benchmarks.Judged;

/// <summary>
/// Arena-Hard v0.1 (arXiv:2406.11939). Rows, as in the official <c>question.jsonl</c>: <c>question_id</c> and <c>turns</c>; the baseline's answers lie beside
/// it in <c>model_answer/gpt-4-0314.jsonl</c>, or in each row as <c>baseline</c>.
/// </summary>
/// <remarks>
/// Two games with positions swapped; a strong verdict counts as three battles, a tie as half. The score pools all battles, as published. The judge's prompt is the project's own.
/// </remarks>
internal sealed class ArenaHard : PairwiseProtocol
{
    public const string DefaultBaseline = "gpt-4-0314";

    private const string BaselineFile = $"model_answer/{DefaultBaseline}.jsonl";
    private const int Rounds = 100;
    private const int QuestionRounds = 1000;

    private readonly JudgePrompt prompt = JudgePrompt.Of("arena_hard");

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
                var item = new BenchmarkItem(row.Id("question_id"), row.Has("prompt") ? row.Text("prompt") : ArenaTurns.First(row, "turns"));
                if (inRows)
                    return new PairwiseItem(item, row.Text("baseline"));
                if (!baselines.TryGetValue(item.Id, out var baseline))
                    row.Fault($"{baselinePath} has no answer to \"{item.Id}\"");
                return new PairwiseItem(item, baseline ?? "", DefaultBaseline);
            }),
        ];
        file.ThrowIfFaulty();
        return new PairwiseBenchmark(spec.Name, file.Hash, [.. items], new ArenaHard());
    }

    private static Dictionary<string, string> ReadBaselines(string path, string rootFolder)
    {
        var file = BenchmarkRows.Read(path, rootFolder, limit: null);
        var answers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var row in file.Rows)
            answers[row.Id("question_id")] = ArenaTurns.First(row, "choices");
        file.ThrowIfFaulty();
        return answers;
    }

    public override string Version => prompt.Hash;

    public override ImmutableArray<bool> Games(string instruction) => [false, true];

    public override PairwiseVerdict Undisputed(double first, string why)
    {
        var label = first == 0 ? ArenaVerdicts.MuchBetterB : ArenaVerdicts.Tie;
        return new PairwiseVerdict { First = first, Battles = ArenaVerdicts.Worth(label, ArenaRules.V01)!.Value.Battles, Label = why, Requests = 0 };
    }

    public override Task<PairwiseVerdict> AskAsync(IChatClient judge, string instruction, string first, string second, JudgingSpec judging, CancellationToken cancellationToken) =>
        AskInWordsAsync(judge, prompt.Fill(instruction, first, second), new ChatOptions { Temperature = 0, MaxOutputTokens = 4096 },
            "You gave no verdict. Reply with one of the five labels and nothing else.", ReadWords, judging.Attempts, cancellationToken);

    private static (PairwiseVerdict Verdict, bool AskAgain) ReadWords(string words)
    {
        var (label, askAgain) = ArenaVerdicts.ReadV01(words);
        var worth = ArenaVerdicts.Worth(label, ArenaRules.V01);
        return (new PairwiseVerdict
        {
            First = worth?.Won / worth?.Battles,
            Battles = worth?.Battles ?? 0,
            Label = worth is not null ? label! : label is not null ? $"unknown label {Shortened(label)}" : askAgain ? "no label" : "several labels",
        }, askAgain);
    }

    public override PairwiseScore Score(IReadOnlyList<JudgedAnswer> answers, int? judge, RandomStreams random)
    {
        var games = Enumerable.Range(0, answers.Count == 0 ? 0 : answers[0].Games.Length / 2).Where(j => judge is null || j == judge)
            .SelectMany(j => answers.Select(answer => Games(answer, j))).ToArray();
        var score = ArenaHardScore.Of([("model", games)], ArenaRules.V01, Rounds, QuestionRounds, random)[0] with { Questions = answers.Count };
        var counts = answers.Select(answer => answer.Games.Where(game => judge is null || game.Judge == judge)
            .Aggregate((Won: 0.0, Battles: 0), (sum, game) => (sum.Won + game.Verdict.Battles * (game.ModelShare ?? 0), sum.Battles + game.Verdict.Battles))).ToArray();
        var battles = counts.Where(count => count.Battles > 0).Select(count => (double)count.Battles).DefaultIfEmpty(1).Average();
        // The share of pooled battles is a quotient of two sums; this is its derivative by the question's weight, docs/statistics.md.
        return new PairwiseScore(score.WinRate,
            [.. counts.Select(count => count.Battles == 0 ? (double?)null : score.WinRate!.Value / 100 + (count.Won - score.WinRate.Value / 100 * count.Battles) / battles)])
        { ArenaHard = score, StyleControl = StyleControlled(answers, games), NoStyleControl = Uncounted(answers) };
    }

    /// <summary>The win rate at equal length and Markdown, from this model's battles alone; lengths are in code points, as not all answers say theirs in tokens.</summary>
    /// <returns>Null without a battle, or where an answer is too long for its style to be counted.</returns>
    private static StyleControlledScore? StyleControlled(IReadOnlyList<JudgedAnswer> answers, ArenaGames[] games)
    {
        if (Uncounted(answers) is not null || ArenaBattles.Of([("model", games)], ArenaRules.V01).All.IsEmpty)
            return null;
        var styles = answers.DistinctBy(answer => answer.Item.Item.Id).ToDictionary(answer => answer.Item.Item.Id,
            answer => (Model: Style(answer.Answer), Baseline: Style(answer.Item.Baseline)), StringComparer.Ordinal);
        return StyleControl.Of([("model", games)], ArenaRules.V01, (model, question) => model < 0 ? styles[question].Baseline : styles[question].Model, StyleFeatures.LengthAndMarkdown, Rounds).Models[0];

        static AnswerStyle Style(string answer) => AnswerStyle.Of(answer, CodePoints.Count(answer));
    }

    /// <summary>Why there is no figure at equal style though there are battles; null where there is one.</summary>
    private static string? Uncounted(IReadOnlyList<JudgedAnswer> answers) =>
        answers.FirstOrDefault(answer => Math.Max(answer.Answer.Length, answer.Item.Baseline.Length) > AnswerStyle.LongestAnswer) is { } one
            ? $"an answer to \"{one.Item.Item.Id}\" has more than {AnswerStyle.LongestAnswer} characters, too many for its style to be counted" : null;

    private static ArenaGames Games(JudgedAnswer answer, int judge)
    {
        var (first, second) = (answer.Games[2 * judge], answer.Games[2 * judge + 1]);
        return new ArenaGames(answer.Item.Item.Id, Label(first.Verdict), Label(second.Verdict));
    }

    // What the verdict counts for, spelled as the official files do.
    private static string? Label(PairwiseVerdict verdict) => (verdict.First, verdict.Battles) switch
    {
        (1, 3) => ArenaVerdicts.MuchBetterA,
        (1, 1) => ArenaVerdicts.BetterA,
        (0.5, _) => ArenaVerdicts.Tie,
        (0, 1) => ArenaVerdicts.BetterB,
        (0, 3) => ArenaVerdicts.MuchBetterB,
        _ => null,
    };

    public override (string Name, IEnumerable<string> Lines) OfficialFile(IReadOnlyList<JudgedAnswer> answers, int judge, string judgeName) => ("model_judgment.jsonl",
        answers.Select(answer =>
        {
            var games = Games(answer, judge);
            return ArenaJudgments.Line(new ArenaJudgment(games.QuestionId, "model", judgeName, games.BaselineFirst, games.ModelFirst)
            {
                BaselineFirstWords = answer.WithoutJudge ?? answer.Games[2 * judge].Verdict.Words,
                ModelFirstWords = answer.WithoutJudge ?? answer.Games[2 * judge + 1].Verdict.Words,
            });
        }));
}
