using System.Collections.Immutable;
using Agora.Experiments;
using Agora.Recovery;

namespace Agora.Analysis;

/// <summary>PGR of data sets of several sizes from one generator, setting and meta-prompt.</summary>
/// <param name="Instances">Valid instances that the student was trained on.</param>
/// <param name="Pgr">In percent.</param>
/// <param name="Low">Of an interval of 95 %; null where there is none.</param>
/// <param name="DollarsPerInstance">For a valid instance, rejected tries included; null where no price is known.</param>
/// <param name="TrainingHours">Of one student; null where it is not known.</param>
public sealed record SuppliedData(string Generator, Setting Setting, string MetaPrompt, int Instances, double Pgr, double? Low, double? High, double? DollarsPerInstance, double? TrainingHours = null);

/// <summary>A saturating law of data quantity: PGR(N) = limit · N / (N + half), which rises from 0 and has half of its limit at N = half.</summary>
/// <remarks>
/// Least squares, weighted by the points' intervals: the limit in closed form, the half-way number on a logarithmic grid. Uncertainty: the fit is repeated on points redrawn from normal distributions
/// with the intervals' widths, widened where the law misses the points by more than these (by the root of χ² over its degrees of freedom, as in Birge 1932). Two sizes fit any such law exactly, so three are asked for.
/// </remarks>
public sealed record ScalingLaw
{
    public const int FewestSizes = 3;
    private const int Redraws = 500, GridSteps = 240;

    /// <summary>In percent.</summary>
    public required double Limit { get; init; }
    /// <summary>Instances.</summary>
    public required double Half { get; init; }
    public required int LargestMeasured { get; init; }
    /// <summary>How many times farther from the law the points lie than their intervals explain; 1 where they do explain it.</summary>
    public required double Misfit { get; init; }
    /// <summary>Limit and half-way number of each redraw.</summary>
    internal ImmutableArray<(double Limit, double Half)> Draws { get; init; } = [];

    public static Computed<ScalingLaw> Fit(IReadOnlyList<SuppliedData> points, RandomStreams random)
    {
        var sizes = points.Select(point => point.Instances).Distinct().Count();
        if (sizes < FewestSizes)
            return new Computed<ScalingLaw>.NotComputable($"{sizes} {(sizes == 1 ? "size" : "sizes")} of data set {(sizes == 1 ? "does" : "do")} not tell a curve: at least {FewestSizes} are needed");
        double[] errors = [.. points.Select(point => point is { Low: { } low, High: { } high } && high >= low ? (high - low) / (2 * 1.959964) : double.NaN)];
        // None of the items right, in every resample: that is not certainty. Such a point is taken to be as uncertain as the others on average.
        if (errors.Any(error => error > 0))
            errors = [.. errors.Select(error => error == 0 ? errors.Where(other => other > 0).Average() : error)];
        if (errors.Any(error => double.IsNaN(error) || error == 0))
            return new Computed<ScalingLaw>.NotComputable("a point has no interval, so that the law would have no uncertainty");
        int[] n = [.. points.Select(point => point.Instances)];
        double[] pgr = [.. points.Select(point => point.Pgr)];
        var (limit, half) = LeastSquares(n, pgr, errors);
        var misfit = Math.Max(1, Math.Sqrt(n.Select((size, place) => Math.Pow((pgr[place] - limit * size / (size + half)) / errors[place], 2)).Sum() / (n.Length - 2)));
        return new ScalingLaw
        {
            Limit = limit,
            Half = half,
            LargestMeasured = n.Max(),
            Misfit = misfit,
            Draws =
            [
                .. Enumerable.Range(0, Redraws).Select(draw =>
                {
                    // Named after the curve: redraws of two curves are independent of each other.
                    var stream = random.For($"scaling law {points[0].Generator} {points[0].Setting} {points[0].MetaPrompt}", draw);
                    return LeastSquares(n, [.. pgr.Select((value, place) => value + misfit * errors[place] * Normal(stream))], errors);
                }),
            ],
        };
    }

    public double At(double instances) => Limit * instances / (instances + Half);

    /// <summary>Where 95 % of the redrawn laws lie.</summary>
    public (double Low, double High) IntervalAt(double instances)
    {
        return Middle(Draws.Select(draw => draw.Limit * instances / (instances + draw.Half)));
    }

    /// <summary>Where 95 % of the redraws' differences lie, first minus second.</summary>
    internal static (double Low, double High) DifferenceInterval(ScalingLaw first, double firstInstances, ScalingLaw second, double secondInstances) =>
        Middle(first.Draws.Zip(second.Draws, (one, other) => one.Limit * firstInstances / (firstInstances + one.Half) - other.Limit * secondInstances / (secondInstances + other.Half)));

    private static (double Low, double High) Middle(IEnumerable<double> draws)
    {
        double[] values = [.. draws.Order()];
        var tail = ConfidenceInterval.Tail(values.Length, level: 95);
        return (values[tail], values[values.Length - 1 - tail]);
    }

    private static (double Limit, double Half) LeastSquares(int[] n, double[] pgr, double[] errors)
    {
        var (low, high) = (Math.Log(n.Min() / 100.0), Math.Log(n.Max() * 100.0));
        return Enumerable.Range(0, GridSteps + 1).Select(step =>
        {
            var half = Math.Exp(low + (high - low) * step / GridSteps);
            var (xy, xx) = (0.0, 0.0);
            for (var place = 0; place < n.Length; place++)
            {
                var x = n[place] / (n[place] + half) / errors[place];
                xy += x * pgr[place] / errors[place];
                xx += x * x;
            }
            var limit = xy / xx;
            return (Limit: limit, Half: half, Error: n.Select((size, place) => Math.Pow((pgr[place] - limit * size / (size + half)) / errors[place], 2)).Sum());
        }).MinBy(fit => fit.Error) is var best ? (best.Limit, best.Half) : default;
    }

    // Box and Muller.
    private static double Normal(RandomStream stream) => Math.Sqrt(-2 * Math.Log(1 - stream.NextDouble())) * Math.Cos(2 * Math.PI * stream.NextDouble());
}
