using System.Numerics.Tensors;
using Agora.Experiments;

namespace Agora.IntrinsicMetrics;

/// <summary>Topics of a data set: clusters of its texts' directions by k-means (Lloyd 1982), begun by k-means++ (Arthur and Vassilvitskii 2007).</summary>
internal static class TopicClusters
{
    /// <summary>Clusters among texts of the standard size: ten texts each, were they equal.</summary>
    public const int Count = 10;

    private const int MostRounds = 30;

    /// <summary>How many topics of equal size would be as diverse: from 1, where all texts are alike, to about <see cref="Count"/>.</summary>
    /// <param name="among">Places that count.</param>
    /// <param name="random">The same places give the same clusters.</param>
    public static double? Effective(EmbeddingSet set, int[] among, RandomStreams random)
    {
        if (among.Length < MetricIntervals.StandardSize)
            return null;
        float[][] texts = [.. among.Select(set.Unit)];
        var centres = Begin(texts, random.For("topics", among[0]));
        var homes = new int[texts.Length];
        for (var round = 0; round < MostRounds; round++)
        {
            var moved = 0;
            for (var text = 0; text < texts.Length; text++)
            {
                var home = Nearest(texts[text], centres);
                if (home == homes[text] && round > 0)
                    continue;
                homes[text] = home;
                moved++;
            }
            if (moved == 0)
                break;
            Move(centres, texts, homes);
        }
        return EffectiveNumber.Of([.. homes.CountBy(home => home).Select(entry => entry.Value)]);
    }

    // Each next centre is drawn in proportion to the squared distance to the nearest one so far.
    private static float[][] Begin(float[][] texts, RandomStream random)
    {
        var centres = new List<float[]> { texts[random.Next(texts.Length)] };
        double[] squared = [.. texts.Select(text => Distance(text, centres[0]))];
        while (centres.Count < Count)
        {
            var left = random.NextDouble() * squared.Sum();
            var chosen = 0;
            while (chosen < texts.Length - 1 && (left -= squared[chosen]) > 0)
                chosen++;
            centres.Add([.. texts[chosen]]);
            for (var text = 0; text < texts.Length; text++)
                squared[text] = Math.Min(squared[text], Distance(texts[text], centres[^1]));
        }
        return [.. centres];
    }

    // A cluster that lost all its texts keeps its centre.
    private static void Move(float[][] centres, float[][] texts, int[] homes)
    {
        for (var cluster = 0; cluster < Count; cluster++)
        {
            var sum = new double[texts[0].Length];
            var members = 0;
            for (var text = 0; text < texts.Length; text++)
            {
                if (homes[text] != cluster)
                    continue;
                MeanPairwiseDistance.AddScaled(sum, texts[text], 1);
                members++;
            }
            if (members > 0)
                centres[cluster] = Array.ConvertAll(sum, value => (float)(value / members));
        }
    }

    private static int Nearest(float[] text, float[][] centres)
    {
        var (nearest, least) = (0, double.PositiveInfinity);
        for (var place = 0; place < centres.Length; place++)
            if (Distance(text, centres[place]) is var distance && distance < least)
                (nearest, least) = (place, distance);
        return nearest;
    }

    private static double Distance(float[] one, float[] other)
    {
        var distance = TensorPrimitives.Distance<float>(one, other);
        return (double)distance * distance;
    }
}
