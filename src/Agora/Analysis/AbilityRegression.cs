using System.Collections.Immutable;

namespace Agora.Analysis;

/// <summary>PGR on problem-solving ability, at two granularities (arXiv:2412.03679, figure 4).</summary>
public sealed record AbilityRegression
{
    /// <summary>What one point is and what stands on the axes.</summary>
    public required string Points { get; init; }
    public required ImmutableArray<AbilityPoint> Data { get; init; }
    public required Computed<LinearFit> Fit { get; init; }

    /// <summary>One point a generator: its mean PGR over its settings against its mean benchmark score.</summary>
    public static AbilityRegression Coarse(Study study, double level) => Of("one point a generator: mean PGR over its settings against its mean score over all benchmarks",
        from generator in study.Generators
        let own = study.Cells.Where(cell => cell.Generator == generator.Name && cell.Pgr is not null).ToArray()
        where own.Length > 0 && generator.ProblemSolvingAverage is not null
        select new AbilityPoint(generator.Name, null, generator.ProblemSolvingAverage!.Value, own.Average(cell => cell.Pgr!.Value)), level);

    /// <summary>One point a generator and setting: PGR against the generator's score on the benchmarks of the setting's domain.</summary>
    public static AbilityRegression FineByDomain(Study study, double level) => Of("one point a generator and setting: PGR against the generator's mean score on the benchmarks of the setting's domain",
        from cell in study.Cells
        where cell.Pgr is not null && study.Generator(cell.Generator)?.ProblemSolving.ContainsKey(cell.Setting.Domain) == true
        select new AbilityPoint(cell.Generator, cell.Setting.ToString(), study.Generator(cell.Generator)!.ProblemSolving[cell.Setting.Domain], cell.Pgr!.Value), level);

    /// <summary>One point a generator and setting: PGR against the generator's score over all benchmarks.</summary>
    public static AbilityRegression FineByAverage(Study study, double level) => Of("one point a generator and setting: PGR against the generator's mean score over all benchmarks",
        from cell in study.Cells
        where cell.Pgr is not null && study.Generator(cell.Generator)?.ProblemSolvingAverage is not null
        select new AbilityPoint(cell.Generator, cell.Setting.ToString(), study.Generator(cell.Generator)!.ProblemSolvingAverage!.Value, cell.Pgr!.Value), level);

    internal static AbilityRegression Of(string points, IEnumerable<AbilityPoint> data, double level)
    {
        ImmutableArray<AbilityPoint> all = [.. data];
        return new AbilityRegression
        {
            Points = points,
            Data = all,
            Fit = LinearFit.Of(["problem-solving ability"], [.. all.Select(point => new[] { point.ProblemSolving })], [.. all.Select(point => point.Pgr)], level),
        };
    }
}

/// <param name="Setting">Null where the point is a mean over settings.</param>
/// <param name="ProblemSolving">In percent.</param>
/// <param name="Pgr">In percent.</param>
public sealed record AbilityPoint(string Generator, string? Setting, double ProblemSolving, double Pgr);
