using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.Benchmarks;

/// <param name="Baseline">What the answer is compared with.</param>
internal sealed record PairwiseItem(BenchmarkItem Item, string Baseline);

/// <summary>How the judges of a pairwise benchmark are asked, and how their words are read.</summary>
internal sealed record PairwiseRules
{
    public required JudgePrompt Prompt { get; init; }
    public required int MaxNewTokens { get; init; }
    /// <summary>For each game of an item, whether the model's answer stands first.</summary>
    public required Func<RandomStreams, int, ImmutableArray<bool>> Games { get; init; }
    /// <summary>Reads a judge's words: how much they favour the first answer, or why they cannot be read.</summary>
    public required Func<string, PairwiseVerdict> Read { get; init; }
    /// <summary>Said to a judge that gave no verdict, once; null where it is not asked again.</summary>
    public required string? AskAgain { get; init; }
}

/// <summary>A verdict of one game.</summary>
/// <param name="First">Share of the game that goes to the first answer, from 0 to 1; null where the words hold no verdict.</param>
/// <param name="Weight">Battles that the game counts for; 0 where it is void.</param>
/// <param name="Label">As the judge gave it, or why there is none.</param>
/// <param name="MayAskAgain">Whether another request may bring a verdict.</param>
internal readonly record struct PairwiseVerdict(double? First, int Weight, string Label, bool MayAskAgain);

/// <summary>Answers are shown to judges beside a baseline's; an item's grade is the share that the answer won.</summary>
/// <remarks>
/// A plain win rate: length control and Bradley-Terry ratings are not computed here. An empty answer loses without a judge, an answer equal to the
/// baseline's draws without one, and where no judge gave a readable verdict the item is unscored.
/// </remarks>
internal sealed class PairwiseBenchmark : IBenchmark
{
    /// <summary>Raised with every change to asking or reading that may alter a grade.</summary>
    private const int Rules = 1;

    private readonly FrozenDictionary<string, (int Index, PairwiseItem Item)> items;
    private readonly PairwiseRules rules;

    public PairwiseBenchmark(string name, string fileHash, ImmutableArray<PairwiseItem> items, PairwiseRules rules)
    {
        Name = name;
        Items = [.. items.Select(item => item.Item)];
        GraderVersion = $"{name}/{Rules}/{fileHash}/{rules.Prompt.Hash}";
        this.items = items.Select((item, index) => (Index: index, Item: item)).ToFrozenDictionary(i => i.Item.Item.Id, StringComparer.Ordinal);
        this.rules = rules;
    }

    public string Name { get; }
    public Domain Domain => Domain.InstructionFollowing;
    public ImmutableArray<BenchmarkItem> Items { get; }
    public string GraderVersion { get; }
    public bool NeedsJudge => true;
    /// <summary>None: the baseline's answers are what others are measured against, and would draw.</summary>
    public ImmutableArray<BenchmarkAnswer> ReferenceAnswers => [];

    /// <exception cref="AgoraException">The experiment names no judge.</exception>
    public async Task<ImmutableArray<GradedAnswer>> GradeAsync(IReadOnlyList<BenchmarkAnswer> answers, GradingContext context, CancellationToken cancellationToken)
    {
        var asked = answers.Select(answer => items.TryGetValue(answer.ItemId, out var item) ? item : throw new InvalidOperationException($"benchmark {Name} has no item \"{answer.ItemId}\"")).ToArray();
        if (answers.Count > 0 && context.Judges.IsEmpty)
            throw new AgoraException($"benchmark {Name} needs a judge, and the experiment names none", "judges", "name a chat model under judges") { ExitCode = 2 };
        var graded = new GradedAnswer[answers.Count];
        var done = 0;
        var options = new ParallelOptions { MaxDegreeOfParallelism = context.Parallel, CancellationToken = cancellationToken };
        await Parallel.ForAsync(0, answers.Count, options, async (i, stop) =>
        {
            graded[i] = await GradeAsync(asked[i].Item, asked[i].Index, answers[i].Completion.Trim(), context, stop);
            context.Progress?.Report((Interlocked.Increment(ref done), answers.Count));
        });
        return ImmutableArray.Create(graded);
    }

    private async Task<GradedAnswer> GradeAsync(PairwiseItem item, int index, string answer, GradingContext context, CancellationToken cancellationToken)
    {
        var id = item.Item.Id;
        if (answer.Length == 0)
            return new GradedAnswer(id, null, new Grade.Scored(0), "empty answer: lost without a judge");
        if (answer == item.Baseline.Trim())
            return new GradedAnswer(id, answer, new Grade.Scored(0.5), "equal to the baseline's answer: a draw without a judge");
        var (won, battles) = (0.0, 0);
        var said = new List<string>();
        foreach (var (judge, number) in context.Judges.Select((judge, number) => (judge, number + 1)))
        {
            foreach (var modelFirst in rules.Games(context.Random, index))
            {
                var (first, second) = modelFirst ? (answer, item.Baseline) : (item.Baseline, answer);
                var verdict = await AskAsync(judge, rules.Prompt.Fill(item.Item.Prompt, first, second), cancellationToken);
                if (verdict.First is { } share)
                {
                    won += verdict.Weight * (modelFirst ? share : 1 - share);
                    battles += verdict.Weight;
                }
                said.Add(string.Create(CultureInfo.InvariantCulture, $"judge {number}, answer {(modelFirst ? "first" : "second")}: {verdict.Label}"));
            }
        }
        var detail = string.Join("; ", said);
        return new GradedAnswer(id, answer, battles > 0 ? new Grade.Scored(won / battles) : new Grade.Unscored($"no readable verdict ({detail})"), detail);
    }

    private async Task<PairwiseVerdict> AskAsync(IChatClient judge, string prompt, CancellationToken cancellationToken)
    {
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = rules.MaxNewTokens };
        List<ChatMessage> messages = [new(ChatRole.User, prompt)];
        var words = (await judge.GetResponseAsync(messages, options, cancellationToken)).Text;
        var verdict = rules.Read(words);
        if (verdict.First is not null || !verdict.MayAskAgain || rules.AskAgain is not { } reminder)
            return verdict;
        messages.Add(new ChatMessage(ChatRole.Assistant, words));
        messages.Add(new ChatMessage(ChatRole.User, reminder));
        var more = (await judge.GetResponseAsync(messages, options, cancellationToken)).Text;
        return rules.Read($"{words}\n{more}");      // both texts together: a second, different label makes the game void
    }
}
