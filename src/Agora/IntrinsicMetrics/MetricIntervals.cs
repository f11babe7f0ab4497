using Agora.Experiments;
using Agora.Recovery;

namespace Agora.IntrinsicMetrics;

/// <summary>Intervals of metrics by resampling instances. Each covers the value that the metric has over all instances from which those measured were drawn.</summary>
internal sealed class MetricIntervals(RandomStreams random)
{
    /// <summary>Texts among which metrics are measured that depend on how many there are: so many, whatever the set's size, so that sets of all sizes compare.</summary>
    public const int StandardSize = 100;

    // More than this changes the ends of an interval by less than a fiftieth of its width.
    private const int MeanResamples = 1000;
    private const int SetResamples = 200;
    private const int Halves = 50;
    // Sets of the standard size over which a metric is averaged, at least.
    private const int Blocks = 100;
    private const int FewestForInterval = 8;
    private const double Level = 95;

    /// <summary>The mean of instances' values with a bootstrap-t interval over instances; of a share (values 0 and 1 alone) with the exact interval, since no resample of 0 of 100 holds a 1.</summary>
    /// <remarks>Bootstrap-t (Hall 1988, "Theoretical comparison of bootstrap confidence intervals"): perplexities are skewed, and plain percentiles miss on their long side.</remarks>
    /// <param name="values">One per instance; null or NaN where it has none, which is counted and in no mean.</param>
    public MetricEstimate Mean(string name, IReadOnlyCollection<double?> values)
    {
        double[] known = [.. values.Where(value => value is { } number && double.IsFinite(number)).Select(value => value!.Value)];
        var left = values.Count - known.Length;
        if (known.Length == 0)
            return new MetricEstimate(name, null, null, null, 0, left, $"none of {values.Count} instances has a value");
        var mean = known.Average();
        if (known.All(value => value is 0 or 1))
        {
            var share = ProportionInterval.Exact(known.Count(value => value == 1), known.Length, Level);
            return new MetricEstimate(name, mean, share.Low, share.High, known.Length, left);
        }
        var spread = MetricSpread.Of(known);
        var error = StandardError(known.Sum(value => value - mean), known.Sum(value => (value - mean) * (value - mean)), known.Length);
        if (known.Length < 2 || error == 0)
            return new MetricEstimate(name, mean, null, null, known.Length, left, known.Length < 2 ? "one value has no interval" : $"all {known.Length} values are the same, which shows no spread for an interval", spread);
        var quotients = new double[MeanResamples];
        Parallel.For(0, MeanResamples, resample =>
        {
            var stream = random.For(name, resample);
            var (sum, squares) = (0.0, 0.0);
            for (var draw = 0; draw < known.Length; draw++)
            {
                var difference = known[stream.Next(known.Length)] - mean;
                sum += difference;
                squares += difference * difference;
            }
            var own = StandardError(sum, squares, known.Length);
            // A resample of one value alone has no error to measure its mean by.
            quotients[resample] = own > 0 ? sum / known.Length / own : double.NaN;
        });
        double[] ordered = [.. quotients.Where(double.IsFinite).Order()];
        if (ordered.Length < MeanResamples / 2)
            return new MetricEstimate(name, mean, null, null, known.Length, left, "nearly all values are the same: most resamples show no spread for an interval", spread);
        var tail = ConfidenceInterval.Tail(ordered.Length, Level);
        return new MetricEstimate(name, mean, mean - ordered[ordered.Length - 1 - tail] * error, mean - ordered[tail] * error, known.Length, left, Spread: spread);
    }

    /// <summary>A metric of pairs, from the bootstrap over instances.</summary>
    /// <param name="value">For how often each instance counts; null weights: once each.</param>
    public MetricEstimate OfPairs(string name, int instances, int left, Func<int[]?, double?> value)
    {
        if (value(null) is not { } whole)
            return new MetricEstimate(name, null, null, null, instances, left, "fewer than two instances have a direction");
        var draws = new double[SetResamples];
        Parallel.For(0, SetResamples, resample =>
        {
            var stream = random.For(name, resample);
            var weights = new int[instances];
            for (var draw = 0; draw < instances; draw++)
                weights[stream.Next(instances)]++;
            draws[resample] = value(weights) ?? whole;
        });
        return Percentile(name, whole, draws, instances, left);
    }

    /// <summary>A metric that depends on how many texts it looks at: its mean over random sets of <see cref="StandardSize"/> of them (rarefaction, as ecology counts species), or its value for all where there are fewer.</summary>
    /// <param name="value">For some places; null where they have none.</param>
    public MetricEstimate OfSize(string name, int instances, int left, Func<int[], double?> value) => OfHalves(name, instances, left,
        (among, stream) => MeanOfBlocks(among, stream, value, among.Length == instances ? Blocks : 1));

    /// <summary>A metric of the whole set that resampling with repetition would bias, but which does not depend on the set's size.</summary>
    public MetricEstimate OfSet(string name, int instances, int left, Func<int[], double?> value) => OfHalves(name, instances, left, (among, _) => value(among));

    // The spread over random halves (the delete-half jackknife). With d of n deleted the variance is (n − d)/d times that over subsets, which is 1 for halves; a half's own level, where it depends on its size, is taken off.
    private MetricEstimate OfHalves(string name, int instances, int left, Func<int[], RandomStream, double?> value)
    {
        int[] all = [.. Enumerable.Range(0, instances)];
        if (instances == 0 || value(all, random.For($"{name} whole")) is not { } whole)
            return new MetricEstimate(name, null, null, null, instances, left, "there are too few instances with words or directions");
        if (instances < FewestForInterval)
            return new MetricEstimate(name, whole, null, null, instances, left, $"fewer than {FewestForInterval} instances have no interval");
        double[] draws = [.. Enumerable.Range(0, Halves).AsParallel().AsOrdered().Select(half =>
        {
            var stream = random.For(name, half);
            return value(stream.Sample(instances, instances / 2), stream);
        }).OfType<double>()];
        if (draws.Length < Halves / 2)
            return new MetricEstimate(name, whole, null, null, instances, left, "most halves of the instances have no value, so that their spread is not known");
        // Normal, since fifty draws show a spread but no tails.
        var mean = draws.Average();
        var width = NormalDistribution.Quantile((100 + Level) / 200) * Math.Sqrt(draws.Sum(draw => (draw - mean) * (draw - mean)) / (draws.Length - 1));
        return new MetricEstimate(name, whole, whole - width, whole + width, instances, left);
    }

    private static double? MeanOfBlocks(int[] among, RandomStream stream, Func<int[], double?> value, int fewest)
    {
        if (among.Length <= StandardSize)
            return value(among);
        var blocks = new List<int[]>();
        while (blocks.Count < fewest)
        {
            int[] shuffled = [.. among];
            stream.Shuffle<int>(shuffled);
            blocks.AddRange(shuffled.Chunk(StandardSize).Where(block => block.Length == StandardSize));
        }
        double[] values = [.. blocks.AsParallel().AsOrdered().Select(value).OfType<double>()];
        return values.Length == 0 ? null : values.Average();
    }

    private static double StandardError(double sum, double squares, int count) => Math.Sqrt(Math.Max(0, squares - sum * sum / count) / ((double)(count - 1) * count));

    private static MetricEstimate Percentile(string name, double value, double[] draws, int count, int left)
    {
        Array.Sort(draws);
        var tail = ConfidenceInterval.Tail(draws.Length, Level);
        return new MetricEstimate(name, value, draws[tail], draws[draws.Length - 1 - tail], count, left);
    }
}
