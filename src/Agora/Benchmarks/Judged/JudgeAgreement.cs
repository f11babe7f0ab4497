using System.Collections.Immutable;

namespace Agora.Benchmarks.Judged;

/// <summary>How far two judges of the same answers agree, and what that does to the score.</summary>
public sealed record JudgeAgreement
{
    public required string First { get; init; }
    public required string Second { get; init; }
    /// <summary>That both gave a readable verdict on.</summary>
    public required int Items { get; init; }
    /// <summary>Share of items on which both name the same winner or both a tie, 0 to 1; null where there is no item.</summary>
    public required double? SameWinner { get; init; }
    /// <summary>Cohen's kappa over model, baseline and tie (Cohen 1960); null where both always say the same, and nothing is left to agree beyond chance.</summary>
    public required double? Kappa { get; init; }
    /// <summary>Spearman's rank correlation of the model's shares, ties at their mean rank; null where a judge does not vary.</summary>
    public required double? Spearman { get; init; }
    /// <summary>The model's mean share of these items by the first judge, in percent.</summary>
    public required double? FirstScore { get; init; }
    public required double? SecondScore { get; init; }

    /// <param name="shares">The model's share of each item by either judge, 0 to 1.</param>
    public static JudgeAgreement Of(string first, string second, IReadOnlyList<(double First, double Second)> shares)
    {
        var n = shares.Count;
        var table = new double[3, 3];
        foreach (var (a, b) in shares)
            table[Winner(a), Winner(b)]++;
        var (observed, expected) = (0.0, 0.0);
        for (var i = 0; i < 3 && n > 0; i++)
        {
            observed += table[i, i] / n;
            expected += (table[i, 0] + table[i, 1] + table[i, 2]) / n * ((table[0, i] + table[1, i] + table[2, i]) / n);
        }
        return new JudgeAgreement
        {
            First = first,
            Second = second,
            Items = n,
            SameWinner = n == 0 ? null : observed,
            Kappa = n == 0 || expected == 1 ? null : (observed - expected) / (1 - expected),
            Spearman = Correlation(Ranks([.. shares.Select(pair => pair.First)]), Ranks([.. shares.Select(pair => pair.Second)])),
            FirstScore = n == 0 ? null : 100 * shares.Average(pair => pair.First),
            SecondScore = n == 0 ? null : 100 * shares.Average(pair => pair.Second),
        };
    }

    /// <summary>Every pair of judges.</summary>
    /// <param name="shares">[judge][item]; null where the judge gave no verdict.</param>
    internal static ImmutableArray<JudgeAgreement> Among(IReadOnlyList<string> judges, IReadOnlyList<IReadOnlyList<double?>> shares) =>
    [
        .. from first in Enumerable.Range(0, judges.Count)
           from second in Enumerable.Range(first + 1, judges.Count - first - 1)
           select Of(judges[first], judges[second],
               [.. shares[first].Zip(shares[second]).Where(pair => pair is { First: not null, Second: not null }).Select(pair => (pair.First!.Value, pair.Second!.Value))]),
    ];

    private static int Winner(double share) => share > 0.5 ? 0 : share < 0.5 ? 1 : 2;

    private static double[] Ranks(double[] values)
    {
        var order = Enumerable.Range(0, values.Length).OrderBy(i => values[i]).ToArray();
        var ranks = new double[values.Length];
        for (var start = 0; start < order.Length;)
        {
            var end = start;
            while (end + 1 < order.Length && values[order[end + 1]] == values[order[start]])
                end++;
            for (var i = start; i <= end; i++)
                ranks[order[i]] = (start + end) / 2.0;
            start = end + 1;
        }
        return ranks;
    }

    private static double? Correlation(double[] x, double[] y)
    {
        if (x.Length < 2)
            return null;
        var (meanX, meanY) = (x.Average(), y.Average());
        var (xx, yy, xy) = (0.0, 0.0, 0.0);
        for (var i = 0; i < x.Length; i++)
        {
            xx += (x[i] - meanX) * (x[i] - meanX);
            yy += (y[i] - meanY) * (y[i] - meanY);
            xy += (x[i] - meanX) * (y[i] - meanY);
        }
        return xx == 0 || yy == 0 ? null : xy / Math.Sqrt(xx * yy);
    }
}
