using System.Collections.Immutable;

namespace Agora.Analysis;

/// <summary>A study from which PGR is predicted, with the conditions under which its PGRs hold: another student or recipe is another quantity.</summary>
public sealed record PredictionStudy
{
    public const int CurrentVersion = 1;

    /// <summary>Raised when a reader of the earlier version could misread this one.</summary>
    public required int FormatVersion { get; init; }
    /// <summary>Version of Agora that wrote the file.</summary>
    public required string Agora { get; init; }
    /// <summary>What decides PGR besides the data, by name: base, reference, recipe, benchmarks, answering.</summary>
    public required ImmutableSortedDictionary<string, string> Conditions { get; init; }
    /// <summary>The same of the training behind each probe, by the probe's name; its number of instances is one of them.</summary>
    public required ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> ProbeConditions { get; init; }
    /// <summary>Fewest and most instances of a data set.</summary>
    public required int SmallestData { get; init; }
    public required int LargestData { get; init; }
    /// <summary>Training seeds behind each PGR.</summary>
    public required int TrainingSeeds { get; init; }
    /// <summary>Spearman's correlation between the PGRs of single training seeds, which no predictor of one seed can beat; null with one seed.</summary>
    public required double? AgreementOfSeeds { get; init; }
    public required Study Study { get; init; }

    /// <summary>Names of conditions in which the two differ.</summary>
    public static ImmutableArray<string> Differences(ImmutableSortedDictionary<string, string> one, ImmutableSortedDictionary<string, string> other) =>
        [.. one.Keys.Union(other.Keys).Where(name => one.GetValueOrDefault(name) != other.GetValueOrDefault(name))];
}
