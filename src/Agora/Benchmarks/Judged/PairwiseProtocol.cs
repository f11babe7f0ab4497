using System.Collections.Immutable;
using Agora.Experiments;
using Agora.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.Benchmarks.Judged;

/// <param name="Baseline">What the answer is compared with.</param>
/// <param name="BaselineName">Of the model that wrote it, for official files.</param>
/// <param name="Source">The part of the set that the item is from, where the file says so.</param>
internal sealed record PairwiseItem(BenchmarkItem Item, string Baseline, string BaselineName = "baseline", string? Source = null);

/// <summary>What a judge said of two answers.</summary>
internal sealed record PairwiseVerdict
{
    /// <summary>Share that goes to the first answer, 0 to 1; null where the words hold no verdict.</summary>
    public required double? First { get; init; }
    /// <summary>Battles that the verdict counts for; 0 where there is none.</summary>
    public required int Battles { get; init; }
    /// <summary>As the judge gave it, or why there is none.</summary>
    public required string Label { get; init; }
    /// <summary>All that the judge wrote, requests joined by line breaks.</summary>
    public string Words { get; init; } = "";
    /// <summary>Requests that it took.</summary>
    public int Requests { get; init; } = 1;
    public ImmutableArray<TokenAlternatives> Tokens { get; init; } = [];
}

/// <summary>One game: who judged, who stood first, what came of it.</summary>
/// <param name="Judge">Place among the judges.</param>
internal sealed record JudgedGame(int Judge, bool ModelFirst, PairwiseVerdict Verdict)
{
    /// <summary>From 0 to 1; null where the game is void.</summary>
    public double? ModelShare => Verdict.First is { } first ? (ModelFirst ? first : 1 - first) : null;
}

/// <summary>An answer with all its games.</summary>
/// <param name="WithoutJudge">Why nobody was asked; null where judges were.</param>
internal sealed record JudgedAnswer(PairwiseItem Item, int Index, string Answer, ImmutableArray<JudgedGame> Games, string? WithoutJudge);

/// <summary>Score of a set of judged answers.</summary>
/// <param name="Percent">The benchmark's official figure; null where nothing was judged readably.</param>
/// <param name="Contributions">Of each answer in order, in the unit 0 to 1; null where it has no verdict. Their mean is the score.</param>
internal sealed record PairwiseScore(double? Percent, ImmutableArray<double?> Contributions)
{
    public AlpacaEvalScore? AlpacaEval { get; init; }
    public ArenaHardScore? ArenaHard { get; init; }
    public StyleControlledScore? StyleControl { get; init; }
    /// <summary>Why it is missing though there are battles; null elsewhere.</summary>
    public string? NoStyleControl { get; init; }
}

/// <summary>How the judges of a pairwise benchmark are asked, read and summed up.</summary>
internal abstract class PairwiseProtocol
{
    /// <summary>All that decides grades besides the items: part of the grader's version.</summary>
    public abstract string Version { get; }

    /// <summary>For each game of an instruction, whether the model's answer stands first.</summary>
    public abstract ImmutableArray<bool> Games(string instruction);

    /// <summary>The verdict on an answer that is lost (0) or drawn (0.5) without a judge, as if the first answer were the model's.</summary>
    public abstract PairwiseVerdict Undisputed(double first, string why);

    public abstract Task<PairwiseVerdict> AskAsync(IChatClient judge, string instruction, string first, string second, JudgingSpec judging, CancellationToken cancellationToken);

    /// <param name="judge">Whose games count; all where null.</param>
    public abstract PairwiseScore Score(IReadOnlyList<JudgedAnswer> answers, int? judge, RandomStreams random);

    /// <summary>The judge's games in the benchmark's official format.</summary>
    /// <returns>The file's name and its lines.</returns>
    public abstract (string Name, IEnumerable<string> Lines) OfficialFile(IReadOnlyList<JudgedAnswer> answers, int judge, string judgeName);

    /// <summary>Asks until there is a verdict, a bounded number of times; each time all that was said before is read together with the new words.</summary>
    protected static async Task<PairwiseVerdict> AskInWordsAsync(
        IChatClient judge, List<ChatMessage> messages, ChatOptions options, string reminder, Func<string, (PairwiseVerdict Verdict, bool AskAgain)> read, int attempts, CancellationToken cancellationToken)
    {
        var words = "";
        for (var request = 1; ; request++)
        {
            var said = (await judge.GetResponseAsync(messages, options, cancellationToken)).Text;
            words = request == 1 ? said : $"{words}\n{said}";
            var (verdict, askAgain) = read(words);
            verdict = verdict with { Words = words, Requests = request };
            if (!askAgain || request >= attempts)
                return verdict;
            messages.Add(new ChatMessage(ChatRole.Assistant, said));
            messages.Add(new ChatMessage(ChatRole.User, reminder));
        }
    }

    protected static string Shortened(string words)
    {
        var line = string.Join(' ', words.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= 60 ? line : line[..60] + "...";
    }
}
