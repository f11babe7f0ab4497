using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;

namespace Agora.Benchmarks.Judged;

/// <summary>What one judge did with a model's answers.</summary>
public sealed record JudgeConduct
{
    public required string Judge { get; init; }
    /// <summary>Games that it was asked about.</summary>
    public required int Games { get; init; }
    /// <summary>Games with a verdict that counts.</summary>
    public required int Readable { get; init; }
    /// <summary>Games that took more than one request.</summary>
    public required int AskedAgain { get; init; }
    /// <summary>The benchmark's official figure from this judge alone, in percent; null where none of its verdicts counts.</summary>
    public required double? Score { get; init; }
    /// <summary>
    /// Points that the model's share gains by standing first instead of second, on average over its games: 0 for a judge that does not look at positions, 100 for one that
    /// looks at nothing else; null where it stood in one place only.
    /// </summary>
    public required double? PositionGain { get; init; }
    /// <summary>Standard error of <see cref="PositionGain"/>, games taken as independent; null with fewer than two games in either place.</summary>
    public required double? PositionGainError { get; init; }
    /// <summary>The one verdict that all its games got, where there are at least <see cref="LeastGames"/> of them; null where it varies.</summary>
    public required string? AlwaysSame { get; init; }

    internal const int LeastGames = 10;

    /// <summary>Readable of asked, 0 to 1; 1 where nothing was asked.</summary>
    public double Coverage => Games == 0 ? 1 : (double)Readable / Games;

    internal static JudgeConduct Of(string judge, IReadOnlyCollection<JudgedGame> games, double? score)
    {
        double[] Shares(bool modelFirst) => [.. games.Where(game => game.ModelFirst == modelFirst).Select(game => game.ModelShare).OfType<double>()];
        var (first, second) = (Shares(true), Shares(false));
        // Verdicts by position: a judge of sense varies, since the better answer does not always stand in the same place.
        var verdicts = games.Select(game => game.Verdict.First is { } share ? share > 0.5 ? "the first answer" : share < 0.5 ? "the second answer" : "a tie" : "nothing readable").Distinct().Take(2).ToArray();
        return new JudgeConduct
        {
            Judge = judge,
            Games = games.Count,
            Readable = games.Count(game => game.Verdict.First is not null),
            AskedAgain = games.Count(game => game.Verdict.Requests > 1),
            Score = score,
            PositionGain = first.Length == 0 || second.Length == 0 ? null : 100 * (first.Average() - second.Average()),
            PositionGainError = first.Length < 2 || second.Length < 2 ? null : 100 * Math.Sqrt(Variance(first) / first.Length + Variance(second) / second.Length),
            AlwaysSame = games.Count >= LeastGames && verdicts is [var only] ? only : null,
        };
    }

    private static double Variance(double[] values)
    {
        var mean = values.Average();
        return values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1);
    }
}

/// <summary>What the judges of a model's answers said, how they went about it, and what to be wary of.</summary>
public sealed record JudgingSummary
{
    public required string Benchmark { get; init; }
    public required int Answers { get; init; }
    /// <summary>Answers without a readable verdict.</summary>
    public required int Unscored { get; init; }
    /// <summary>The benchmark's official figure over all judges, in percent; null where nothing was judged readably.</summary>
    public required double? Score { get; init; }
    public AlpacaEvalScore? AlpacaEval { get; init; }
    public ArenaHardScore? ArenaHard { get; init; }
    /// <summary>Arena-Hard: the win rate at equal style, from a fit of this model alone; null elsewhere, without a battle, where <see cref="NoStyleControl"/> says why, and in results that were stored before it was computed.</summary>
    public StyleControlledScore? StyleControl { get; init; }
    /// <summary>Why there is no win rate at equal style though there are battles; null elsewhere.</summary>
    public string? NoStyleControl { get; init; }
    public required ImmutableArray<JudgeConduct> Judges { get; init; }
    /// <summary>One entry per pair of judges.</summary>
    public required ImmutableArray<JudgeAgreement> Agreements { get; init; }
    public required ImmutableArray<OutputFlag> Flags { get; init; }

    /// <summary>The same with the judges called as people call them, in their order; what is stored calls them by what they are.</summary>
    public JudgingSummary Naming(IReadOnlyList<string> names)
    {
        var called = Judges.Select((judge, place) => (judge.Judge, Name: place < names.Count ? names[place] : judge.Judge)).DistinctBy(pair => pair.Judge).ToDictionary(pair => pair.Judge, pair => pair.Name);
        return this with
        {
            Judges = [.. Judges.Select((judge, place) => judge with { Judge = place < names.Count ? names[place] : judge.Judge })],
            Agreements = [.. Agreements.Select(pair => pair with { First = called[pair.First], Second = called[pair.Second] })],
        };
    }

    /// <summary>What a reader of the score must know, a sentence each.</summary>
    public IEnumerable<string> Warnings()
    {
        foreach (var flag in Flags)
            yield return OutputWarnings.Sentence(flag, Answers);
        foreach (var judge in Judges)
        {
            if (judge.AlwaysSame is { } verdict)
                yield return $"{judge.Judge} said {verdict} every time: its verdicts say nothing about the answers";
            if (judge.Readable < judge.Games)
                yield return string.Create(CultureInfo.InvariantCulture, $"{judge.Games - judge.Readable} of {judge.Games} verdicts of {judge.Judge} could not be read");
            if (judge is { PositionGain: { } gain, PositionGainError: { } error } && Math.Abs(gain) > 10 && Math.Abs(gain) > 3 * error)
                yield return string.Create(CultureInfo.InvariantCulture, $"{judge.Judge} gives an answer {gain:0.0} points more where it stands first");
        }
        if (AlpacaEval?.NoLengthControl is { } reason)
            yield return $"not length-controlled: {reason}";
        if (NoStyleControl is { } uncounted)
            yield return $"no win rate at equal style: {uncounted}";
    }

    internal static JudgingSummary Of(string benchmark, IReadOnlyList<JudgedAnswer> answers, ImmutableArray<string> judges, PairwiseScore score, PairwiseProtocol protocol, RandomStreams random)
    {
        var asked = answers.Where(answer => answer.WithoutJudge is null).ToArray();
        return new JudgingSummary
        {
            Benchmark = benchmark,
            Answers = answers.Count,
            Unscored = score.Contributions.Count(contribution => contribution is null),
            Score = score.Percent,
            AlpacaEval = score.AlpacaEval,
            ArenaHard = score.ArenaHard,
            StyleControl = score.StyleControl,
            NoStyleControl = score.NoStyleControl,
            Judges =
            [
                .. judges.Select((name, judge) => JudgeConduct.Of(name, [.. asked.SelectMany(answer => answer.Games).Where(game => game.Judge == judge)],
                    judges.Length == 1 ? score.Percent : protocol.Score(answers, judge, random).Percent)),
            ],
            Agreements = JudgeAgreement.Among(judges, [.. judges.Select((_, judge) => asked.Select(answer => Share(answer, judge)).ToArray())]),
            Flags = OutputFlags.Of([.. answers.Select(answer => (answer.Item.Item.Prompt, answer.Answer))]),
        };
    }

    // Of all battles that the judge's games of the answer make.
    private static double? Share(JudgedAnswer answer, int judge)
    {
        var games = answer.Games.Where(game => game.Judge == judge && game.ModelShare is not null).ToArray();
        var battles = games.Sum(game => game.Verdict.Battles);
        return battles == 0 ? null : games.Sum(game => game.Verdict.Battles * game.ModelShare!.Value) / battles;
    }
}
