using System.Collections.Immutable;

namespace Agora.Analysis;

/// <summary>The rows of a study that have every feature and a PGR: what components and predictors are computed from.</summary>
public sealed record FeatureTable
{
    /// <summary>The generator's mean score over all benchmarks, which is a feature of every row of it.</summary>
    public const string ProblemSolving = "problem_solving";

    public required ImmutableArray<string> Features { get; init; }
    public required ImmutableArray<StudyCell> Cells { get; init; }
    /// <summary>[row][feature].</summary>
    public required ImmutableArray<double[]> Values { get; init; }
    /// <summary>In percent, by row; NaN in a row that is to be predicted.</summary>
    public required ImmutableArray<double> Pgr { get; init; }
    /// <summary>By row, see <see cref="StudyGenerator.Family"/>.</summary>
    public required ImmutableArray<string> Families { get; init; }
    public required ImmutableArray<StudyProbe> Probes { get; init; }
    /// <summary>What was left out, and why.</summary>
    public required ImmutableArray<string> Remarks { get; init; }

    /// <summary>Features that no row has, or that do not vary, are left out first; then rows without one of the others.</summary>
    public static FeatureTable Of(Study study)
    {
        var remarks = new List<string>();
        var features = new List<string>();
        var measured = study.Cells.Where(cell => cell.Pgr is not null).ToArray();
        if (measured.Length < study.Cells.Length)
            remarks.Add($"{study.Cells.Length - measured.Length} of {study.Cells.Length} data sets have no PGR and are left out of everything that needs one: {Listed(study.Cells.Where(cell => cell.Pgr is null))}");
        foreach (var feature in (IEnumerable<string>)[ProblemSolving, .. study.Metrics])
        {
            double[] values = [.. measured.Select(cell => Value(study, cell, feature)).OfType<double>()];
            if (values.Length == 0)
                remarks.Add($"{feature} is missing in every row and is no feature");
            else if (LinearFit.IsConstant(values))
                remarks.Add($"{feature} is the same in all {values.Length} rows that have it: without variance it cannot be standardised, and it is no feature");
            else
                features.Add(feature);
        }
        var whole = measured.Where(cell => features.TrueForAll(feature => Value(study, cell, feature) is not null)).ToArray();
        if (whole.Length < measured.Length)
            remarks.Add($"{measured.Length - whole.Length} of {measured.Length} rows lack a feature and are left out of components and predictors: {Listed(measured.Except(whole))}");
        return new FeatureTable
        {
            Features = [.. features],
            Cells = [.. whole],
            Values = [.. whole.Select(cell => features.Select(feature => Value(study, cell, feature)!.Value).ToArray())],
            Pgr = [.. whole.Select(cell => cell.Pgr!.Value)],
            Families = [.. whole.Select(cell => study.Generator(cell.Generator)?.Family ?? cell.Generator)],
            Probes = study.Probes,
            Remarks = [.. remarks],
        };
    }

    /// <summary>The same table with one more row at its end, whose PGR nobody knows; features that it lacks are NaN there.</summary>
    public FeatureTable With(StudyCell target) => this with
    {
        Cells = Cells.Add(target),
        Values = Values.Add([.. Features.Select(feature => target.Metrics.TryGetValue(feature, out var value) ? value : double.NaN)]),
        Pgr = Pgr.Add(double.NaN),
        Families = Families.Add(target.Generator),
    };

    private static double? Value(Study study, StudyCell cell, string feature) => feature == ProblemSolving
        ? study.Generator(cell.Generator)?.ProblemSolvingAverage
        : cell.Metrics.TryGetValue(feature, out var value) ? value : null;

    private static string Listed(IEnumerable<StudyCell> cells)
    {
        string[] names = [.. cells.Select(cell => $"{cell.Generator} {cell.Setting}")];
        return names.Length <= 6 ? string.Join(", ", names) : $"{string.Join(", ", names.Take(6))} and {names.Length - 6} more";
    }
}
