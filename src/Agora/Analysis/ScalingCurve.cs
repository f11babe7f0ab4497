using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Analysis;

/// <summary>How PGR grows with the number of instances of one generator, setting and meta-prompt.</summary>
public sealed record ScalingCurve
{
    public required string Generator { get; init; }
    public required Setting Setting { get; init; }
    public required string MetaPrompt { get; init; }
    /// <summary>By size.</summary>
    public required ImmutableArray<SuppliedData> Points { get; init; }
    public required Computed<ScalingLaw> Law { get; init; }

    public static Computed<ImmutableArray<ScalingCurve>> All(IReadOnlyList<SuppliedData> supply, RandomStreams random)
    {
        var curves = (from point in supply
                      group point by (point.Generator, point.Setting, point.MetaPrompt) into group_
                      let points = group_.OrderBy(point => point.Instances).ToImmutableArray()
                      where points.Select(point => point.Instances).Distinct().Count() > 1
                      select new ScalingCurve { Generator = group_.Key.Generator, Setting = group_.Key.Setting, MetaPrompt = group_.Key.MetaPrompt, Points = points, Law = ScalingLaw.Fit(points, random) }).ToImmutableArray();
        return curves.IsEmpty
            ? new Computed<ImmutableArray<ScalingCurve>>.NotComputable("no generator has data sets of two sizes: give runs with different generation.instances together")
            : curves;
    }
}

/// <summary>Two generators in one setting for the same money: the dear one's largest measured data set, and as many instances of a cheaper one as that costs.</summary>
/// <remarks>Both by their curves. The difference and its interval come from the curves' redraws, which are independent of each other.</remarks>
public sealed record SameMoney
{
    public required Setting Setting { get; init; }
    public required double Dollars { get; init; }
    public required MoneysWorth Dear { get; init; }
    public required MoneysWorth Cheap { get; init; }
    /// <summary>PGR of the cheap one's larger data set minus that of the dear one's, in percentage points.</summary>
    public required double Difference { get; init; }
    public required double Low { get; init; }
    public required double High { get; init; }

    // As far as a recommendation follows a curve.
    internal const int Extrapolation = 4;

    /// <param name="training">Counted for each instance as in the largest data set.</param>
    public static ImmutableArray<SameMoney> All(Computed<ImmutableArray<ScalingCurve>> curves, TrainingPrice training)
    {
        var priced = (from curve in curves is Computed<ImmutableArray<ScalingCurve>>.Value(var known) ? known : []
                      let law = curve.Law.ResultOrDefault
                      let largest = curve.Points[^1]
                      let trained = training.Of(largest.Instances, largest.TrainingHours) / largest.Instances
                      where law is not null && largest.DollarsPerInstance + trained is > 0
                      select (Curve: curve, Law: law!, Each: (largest.DollarsPerInstance + trained)!.Value)).ToArray();
        return
        [
            .. from dear in priced
               from cheap in priced
               where dear.Curve.Setting == cheap.Curve.Setting && dear.Curve.MetaPrompt == cheap.Curve.MetaPrompt && cheap.Each < dear.Each
               let dollars = dear.Law.LargestMeasured * dear.Each
               let bought = (int)Math.Min((double)Extrapolation * cheap.Law.LargestMeasured, Math.Floor(dollars / cheap.Each))
               where bought > dear.Law.LargestMeasured
               let interval = ScalingLaw.DifferenceInterval(cheap.Law, bought, dear.Law, dear.Law.LargestMeasured)
               select new SameMoney
               {
                   Setting = dear.Curve.Setting,
                   Dollars = dollars,
                   Dear = new MoneysWorth(dear.Curve.Generator, dear.Curve.MetaPrompt, dear.Law.LargestMeasured, dear.Law.At(dear.Law.LargestMeasured)),
                   Cheap = new MoneysWorth(cheap.Curve.Generator, cheap.Curve.MetaPrompt, bought, cheap.Law.At(bought)),
                   Difference = cheap.Law.At(bought) - dear.Law.At(dear.Law.LargestMeasured),
                   Low = interval.Low,
                   High = interval.High,
               },
        ];
    }
}

/// <param name="Pgr">Expected by the curve, in percent.</param>
public sealed record MoneysWorth(string Generator, string MetaPrompt, int Instances, double Pgr);
