using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Analysis.Published;

/// <summary>The paper's analyses computed anew from its tables, beside what the paper says of them.</summary>
public sealed record PublishedAnalysis
{
    public required StudyAnalysis Analysis { get; init; }
    /// <summary>The coarse regression with the averages that the tables print, some of which do not follow from their cells.</summary>
    public required AbilityRegression CoarseAsPrinted { get; init; }
    public required ImmutableArray<PaperClaim> Claims { get; init; }
    public required ImmutableArray<TableSlip> Slips { get; init; }
    public required Computed<RoundingSensitivity> Rounding { get; init; }
    public required ImmutableArray<string> Remarks { get; init; }

    /// <exception cref="AgoraException">As <see cref="PublishedTables.Read"/>.</exception>
    public static PublishedAnalysis Of(string folder)
    {
        var tables = PublishedTables.Read(folder);
        var analysis = StudyAnalysis.Of(tables.Study);
        var rounding = RoundingSensitivity.Of(tables, new RandomStreams(42));
        return new PublishedAnalysis
        {
            Analysis = analysis,
            CoarseAsPrinted = AbilityRegression.Of("one point a generator, with the two averages as the table of costs prints them",
                from generator in tables.Study.Generators
                let row = tables.Costs.GetValueOrDefault(generator.Name)
                where row is not null && row.ContainsKey("problem_solving_avg") && row.ContainsKey("data_generation_avg_pgr_percent")
                select new AbilityPoint(generator.Name, null, row["problem_solving_avg"].Value, row["data_generation_avg_pgr_percent"].Value), analysis.ConfidenceLevel),
            Claims = PaperClaim.All(tables, analysis, rounding),
            Slips = TableSlip.Find(tables),
            Rounding = rounding,
            Remarks = [.. tables.Remarks, .. analysis.Remarks],
        };
    }
}
