using System.Collections.Immutable;
using Agora.Benchmarks;
using Agora.Experiments;

namespace Agora.Recovery;

/// <summary>All models that answered one benchmark for one student, and their scores in every resample of its items.</summary>
internal sealed class BenchmarkResamples
{
    private readonly string[] items;
    private readonly List<double[]> columns = [];
    private readonly Dictionary<double[], int> placeOf = new(new ByContent());
    private double[][] sums = [];

    /// <param name="models">Every model's grades; an item that some model has no answer for counts as not graded there.</param>
    public BenchmarkResamples(IEnumerable<ImmutableArray<GradedAnswer>> models) =>
        // Sorted, so that the order in which answers were written changes nothing.
        items = [.. models.SelectMany(grades => grades).Select(grade => grade.ItemId).Distinct().Order(StringComparer.Ordinal)];

    public int ItemCount => items.Length;

    /// <summary>Grades by item; not a number where there is none, which never leaves this stage.</summary>
    public double[] ByItem(ImmutableArray<GradedAnswer> grades)
    {
        var values = new double[items.Length];
        Array.Fill(values, double.NaN);
        foreach (var answer in grades)
        {
            var place = Array.BinarySearch(items, answer.ItemId, StringComparer.Ordinal);
            if (answer.Grade is Grade.Scored(var value))
                values[place] = value;
        }
        return values;
    }

    /// <summary>Asks for the sums of a column; equal columns are kept once. Before <see cref="Draw"/>.</summary>
    public int Add(double[] column)
    {
        if (placeOf.TryGetValue(column, out var known))
            return known;
        columns.Add(column);
        return placeOf[column] = columns.Count - 1;
    }

    public void Draw(int resamples, Func<int, RandomStream> stream) =>
        sums = items.Length == 0 ? [] : PairedBootstrap.Sums(columns, items.Length, resamples, stream);

    /// <summary>The column's sum over all items, each counted once.</summary>
    public double Total(int column) => columns[column].Sum();

    /// <summary>The column's sum in each resample.</summary>
    public double[] Sums(int column) => sums[column];

    private sealed class ByContent : IEqualityComparer<double[]>
    {
        public bool Equals(double[]? x, double[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(double[] column)
        {
            var hash = new HashCode();
            foreach (var value in column)
                hash.Add(value);
            return hash.ToHashCode();
        }
    }
}
