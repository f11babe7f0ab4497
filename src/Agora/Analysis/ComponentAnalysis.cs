using System.Collections.Immutable;

namespace Agora.Analysis;

/// <summary>Components of the intrinsic profile, and PGR on the first of them (arXiv:2412.03679, figures 5 and 6).</summary>
public sealed record ComponentAnalysis
{
    /// <summary>As many as the paper uses; fewer where there are fewer features or too few rows.</summary>
    public const int PaperComponents = 5;

    public required ImmutableArray<string> Features { get; init; }
    public required int Rows { get; init; }
    /// <summary>Used in the regression.</summary>
    public required int ComponentsUsed { get; init; }
    public required Computed<PrincipalComponents> Components { get; init; }
    public required ImmutableArray<FeatureContribution> Contributions { get; init; }
    public required Computed<LinearFit> Regression { get; init; }
    /// <summary>Each row's values of the used components and its PGR.</summary>
    public required ImmutableArray<ComponentPoint> Points { get; init; }

    public static ComponentAnalysis Of(FeatureTable table, double level)
    {
        var used = Math.Min(PaperComponents, Math.Min(table.Features.Length, Math.Max(0, table.Cells.Length - 2)));
        var components = PrincipalComponents.Of(table.Features, table.Values);
        var scores = components.ResultOrDefault is { } found ? table.Values.Select(row => found.Scores(row, used)).ToArray() : [];
        return new ComponentAnalysis
        {
            Features = table.Features,
            Rows = table.Cells.Length,
            ComponentsUsed = used,
            Components = components,
            Contributions = components.ResultOrDefault?.Contributions() ?? [],
            Regression = components is Computed<PrincipalComponents>.NotComputable(var reason)
                ? new Computed<LinearFit>.NotComputable($"there are no components: {reason}")
                : used == 0
                    ? new Computed<LinearFit>.NotComputable($"{table.Cells.Length} rows are too few for a component, an intercept and an error")
                    : LinearFit.Of([.. Enumerable.Range(1, used).Select(place => $"component {place}")], scores, table.Pgr, level),
            Points = [.. scores.Select((row, place) => new ComponentPoint(table.Cells[place].Generator, table.Cells[place].Setting.ToString(), [.. row], table.Pgr[place]))],
        };
    }
}

/// <param name="Scores">Of the used components.</param>
/// <param name="Pgr">In percent.</param>
public sealed record ComponentPoint(string Generator, string Setting, ImmutableArray<double> Scores, double Pgr);
