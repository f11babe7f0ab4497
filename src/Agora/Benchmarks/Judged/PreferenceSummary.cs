namespace Agora.Benchmarks.Judged;

/// <summary>The plain figures of AlpacaEval 2.0: wins against the baseline, however long the answers are.</summary>
public sealed record PreferenceSummary
{
    /// <summary>Mean preference for the model, in percent; null where no pair has a preference.</summary>
    public required double? WinRate { get; init; }
    /// <summary>Of <see cref="WinRate"/>, in percentage points; null with fewer than two pairs.</summary>
    public required double? StandardError { get; init; }
    /// <summary>Percent of pairs that the model wins, draws counting half; null where no pair has a preference.</summary>
    public required double? DiscreteWinRate { get; init; }
    public required int Wins { get; init; }
    public required int BaselineWins { get; init; }
    public required int Draws { get; init; }
    /// <summary>Pairs with a preference.</summary>
    public required int Total { get; init; }

    /// <summary>Figures of a list of preferences.</summary>
    /// <param name="preferences">
    /// From 1 (the baseline's output is surely better) to 2 (the model's is); 0 is an old code for a draw; null, or anything else outside the range, is no preference.
    /// </param>
    public static PreferenceSummary Of(IEnumerable<double?> preferences)
    {
        var (wins, baselineWins, draws) = (0, 0, 0);
        var shares = new List<double>();
        foreach (var preference in preferences)
        {
            if (Share(preference) is not { } share)
                continue;
            shares.Add(share);
            wins += share > 0.5 ? 1 : 0;
            baselineWins += share < 0.5 ? 1 : 0;
            // A draw is exactly 1.5: a judge that leans by a hair has still said which is better.
            draws += share == 0.5 ? 1 : 0;
        }
        var n = shares.Count;
        var mean = n == 0 ? 0 : shares.Sum() / n;
        return new PreferenceSummary
        {
            WinRate = n == 0 ? null : 100 * mean,
            StandardError = n < 2 ? null : 100 * Math.Sqrt(shares.Sum(share => (share - mean) * (share - mean)) / (n - 1) / n),
            DiscreteWinRate = n == 0 ? null : 100 * (wins + draws / 2.0) / n,
            Wins = wins,
            BaselineWins = baselineWins,
            Draws = draws,
            Total = n,
        };
    }

    /// <returns>The model's share of the pair, 0 to 1; null where there is no preference.</returns>
    internal static double? Share(double? preference) => preference switch
    {
        0 => 0.5,
        >= 1 and <= 2 => preference - 1,
        _ => null,
    };
}
