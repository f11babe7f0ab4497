using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;
using Agora.LanguageModels;

namespace Agora.Benchmarks.Judged;

/// <summary>Answers are shown to judges beside a baseline's; an item's grade is its contribution to the benchmark's official score.</summary>
/// <remarks>
/// An empty answer loses without a judge, an answer equal to the baseline's draws without one, and where no judge gave a readable verdict the item is unscored. Several
/// judges' verdicts are pooled; what each of them would have made of the answers is in the <see cref="JudgingSummary"/>.
/// </remarks>
internal sealed class PairwiseBenchmark : IBenchmark
{
    /// <summary>Raised with every change to asking or reading that may alter a grade.</summary>
    private const int Rules = 2;

    private readonly FrozenDictionary<string, (int Index, PairwiseItem Item)> items;
    private readonly PairwiseProtocol protocol;

    public PairwiseBenchmark(string name, string fileHash, ImmutableArray<PairwiseItem> items, PairwiseProtocol protocol)
    {
        Name = name;
        Items = [.. items.Select(item => item.Item)];
        GraderVersion = $"{name}/{Rules}/{fileHash}/{protocol.Version}";
        ReferenceAnswers = [.. items.Select(item => new BenchmarkAnswer { ItemId = item.Item.Id, Prompt = item.Item.Prompt, Completion = item.Baseline, Finished = true })];
        this.items = items.Select((item, index) => (Index: index, Item: item)).ToFrozenDictionary(i => i.Item.Item.Id, StringComparer.Ordinal);
        this.protocol = protocol;
    }

    public string Name { get; }
    public Domain Domain => Domain.InstructionFollowing;
    public ImmutableArray<BenchmarkItem> Items { get; }
    public string GraderVersion { get; }
    public bool NeedsJudge => true;
    /// <summary>The baseline's answers, which draw without a judge.</summary>
    public ImmutableArray<BenchmarkAnswer> ReferenceAnswers { get; }
    public double ReferenceGrade => 0.5;

    /// <exception cref="AgoraException">The experiment names no judge.</exception>
    public async Task<ImmutableArray<GradedAnswer>> GradeAsync(IReadOnlyList<BenchmarkAnswer> answers, GradingContext context, CancellationToken cancellationToken)
    {
        var asked = answers.Select(answer => items.TryGetValue(answer.ItemId, out var item) ? item : throw new InvalidOperationException($"benchmark {Name} has no item \"{answer.ItemId}\"")).ToArray();
        if (answers.Count == 0)
            return [];
        if (context.Judges.IsEmpty)
            throw new AgoraException($"benchmark {Name} needs a judge, and the experiment names none", "judges", "name a chat model under judges") { ExitCode = 2 };
        var judged = new JudgedAnswer[answers.Count];
        var done = 0;
        var options = new ParallelOptions { MaxDegreeOfParallelism = context.Parallel, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, answers.Count, options, async (i, stop) =>
        {
            judged[i] = await JudgeAsync(asked[i].Item, asked[i].Index, answers[i].Completion, context, stop);
            context.Progress?.Report((Interlocked.Increment(ref done), answers.Count));
        });

        var score = protocol.Score(judged, judge: null, context.Random);
        var names = context.Judges.Select((_, judge) => judge < context.JudgeNames.Length ? context.JudgeNames[judge] : string.Create(CultureInfo.InvariantCulture, $"judge {judge + 1}")).ToImmutableArray();
        context.Judged?.Invoke(JudgingSummary.Of(Name, judged, names, score, protocol, context.Random));
        for (var judge = 0; judge < names.Length && context.Keep is not null; judge++)
        {
            var (file, lines) = protocol.OfficialFile(judged, judge, names[judge]);
            context.Keep(string.Create(CultureInfo.InvariantCulture, $"judge-{judge + 1}.{file}"), lines);
        }
        return [.. judged.Zip(score.Contributions, Graded)];
    }

    private async Task<JudgedAnswer> JudgeAsync(PairwiseItem item, int index, string completion, GradingContext context, CancellationToken cancellationToken)
    {
        var games = ImmutableArray.CreateBuilder<JudgedGame>();
        var orders = protocol.Games(item.Item.Prompt);
        var undisputed = string.IsNullOrWhiteSpace(completion) ? protocol.Undisputed(0, "empty answer: lost without a judge")
            : completion.Trim() == item.Baseline.Trim() ? protocol.Undisputed(0.5, "equal to the baseline's answer: a draw without a judge")
            : null;
        for (var judge = 0; judge < context.Judges.Length; judge++)
        {
            foreach (var modelFirst in orders)
            {
                var (first, second) = modelFirst ? (completion, item.Baseline) : (item.Baseline, completion);
                var verdict = undisputed is not null ? modelFirst ? undisputed : undisputed with { First = 1 - undisputed.First }
                    : await AskAsync(judge, first, second);
                games.Add(new JudgedGame(judge, modelFirst, verdict));
            }
        }
        return new JudgedAnswer(item, index, completion, games.ToImmutable(), undisputed?.Label);

        async Task<PairwiseVerdict> AskAsync(int judge, string first, string second)
        {
            try
            {
                return await protocol.AskAsync(context.Judges[judge], item.Item.Prompt, first, second, context.Judging, cancellationToken);
            }
            catch (PromptRefusedException refused)
            {
                return new PairwiseVerdict { First = null, Battles = 0, Label = $"the judge refused the prompt ({refused.Message})" };
            }
        }
    }

    private static GradedAnswer Graded(JudgedAnswer judged, double? contribution)
    {
        var answer = judged.Answer.Trim();
        var detail = judged.WithoutJudge ?? string.Join("; ", judged.Games.Select(game => string.Create(CultureInfo.InvariantCulture,
            $"judge {game.Judge + 1}, answer {(game.ModelFirst ? "first" : "second")}: {game.Verdict.Label}")));
        // Rounded, so that the processor's last bit does not reach the file.
        return new GradedAnswer(judged.Item.Item.Id, answer.Length == 0 ? null : answer,
            contribution is { } value ? new Grade.Scored(Math.Round(value, 12)) : new Grade.Unscored($"no readable verdict ({detail})"), detail);
    }
}
