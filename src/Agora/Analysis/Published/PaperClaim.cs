using System.Collections.Immutable;
using System.Globalization;

namespace Agora.Analysis.Published;

/// <summary>What the paper says beside what its tables give.</summary>
/// <param name="Where">In the paper.</param>
/// <param name="Stated">The paper's figure; null where it states an inequality only.</param>
/// <param name="Computed">Null where it cannot be computed; the cause says why.</param>
/// <param name="Holds">Whether the statement is true of the computed figures, to the decimals it is stated with; null where nothing can be said.</param>
public sealed record PaperClaim(string What, string Where, string StatedText, double? Stated, double? Computed, bool? Holds, string LikelyCause)
{
    public double? Difference => Computed - Stated;

    internal static ImmutableArray<PaperClaim> All(PublishedTables tables, StudyAnalysis analysis, Computed<RoundingSensitivity> rounding) =>
        [.. Regressions(analysis), .. Components(analysis, rounding), .. Strengths(tables, analysis), .. Money(analysis), .. Sizes(tables)];

    private static IEnumerable<PaperClaim> Regressions(StudyAnalysis analysis)
    {
        foreach (var (name, regression) in ((string, AbilityRegression)[])[("coarse", analysis.Coarse), ("fine, by domain", analysis.FineByDomain), ("fine, by average", analysis.FineByAverage)])
        {
            const string Stated = "R² < 0.1 or p > 0.05";
            yield return regression.Fit.ResultOrDefault is { } fit
                ? new PaperClaim($"PGR on problem-solving ability, {name}", "figure 4", Stated, null, fit.RSquared, fit.RSquared < 0.1 || fit.P > 0.05,
                    string.Create(CultureInfo.InvariantCulture, $"R² = {fit.RSquared:0.000} {(fit.RSquared < 0.1 ? "is below" : "is not below")} 0.1, p = {fit.P:0.000} {(fit.P > 0.05 ? "is above" : "is not above")} 0.05"))
                : new PaperClaim($"PGR on problem-solving ability, {name}", "figure 4", Stated, null, null, null, $"cannot be computed: {regression.Fit.Why}");
        }
    }

    private static IEnumerable<PaperClaim> Components(StudyAnalysis analysis, Computed<RoundingSensitivity> rounding)
    {
        var components = analysis.Components;
        var range = rounding.ResultOrDefault;
        double? explained = components.Components.ResultOrDefault is { } found ? 100 * found.ExplainedVariance.Take(components.ComponentsUsed).Sum() : null;
        var fit = components.Regression.ResultOrDefault;
        yield return Figure("variance explained by the first five components, in percent", "figure 5", "93.4 %", 93.4, explained, 1, range is null ? null : (100 * range.ExplainedLow, 100 * range.ExplainedHigh), components.Components.Why);
        yield return Figure("R² of PGR on the first five components", "figure 6", "0.325", 0.325, fit?.RSquared, 3, range is null ? null : (range.RSquaredLow, range.RSquaredHigh), components.Regression.Why);
        yield return new PaperClaim("p of that regression", "figure 6", "p < 0.001", null, fit?.P, fit is null ? null : fit.P < 0.001,
            fit is null ? $"cannot be computed: {components.Regression.Why}"
            : range is null ? "" : string.Create(CultureInfo.InvariantCulture, $"rounding of the tables alone moves p between {range.PLow:0.00000} and {range.PHigh:0.00000}"));
    }

    private static PaperClaim Figure(string what, string where, string text, double stated, double? computed, int decimals, (double Low, double High)? range, string? why)
    {
        if (computed is not { } value)
            return new PaperClaim(what, where, text, stated, null, null, $"cannot be computed: {why}");
        var holds = Math.Abs(value - stated) <= 0.5 * Math.Pow(10, -decimals) + 1e-12;
        var cause = holds ? "agrees"
            : range is not var (low, high) ? "the published tables are rounded and hold slips"
            : stated >= low && stated <= high ? string.Create(CultureInfo.InvariantCulture, $"rounding of the tables: they allow {low:0.000} to {high:0.000}")
            : string.Create(CultureInfo.InvariantCulture, $"not rounding, which allows {low:0.000} to {high:0.000} only: the paper computed from figures that its tables do not print, such as another row or feature");
        return new PaperClaim(what, where, text, stated, value, holds, cause);
    }

    private static IEnumerable<PaperClaim> Strengths(PublishedTables tables, StudyAnalysis analysis)
    {
        foreach (var loading in tables.Loadings)
        {
            var feature = Titles.FirstOrDefault(title => title.Value == loading.Metric).Key;
            double? computed = analysis.Components.Contributions.FirstOrDefault(contribution => contribution.Feature == feature)?.Strength;
            yield return new PaperClaim($"loading strength of {loading.Metric}", "table 4", loading.Strength.Value.ToString("0.000", CultureInfo.InvariantCulture), loading.Strength.Value, computed,
                computed is null ? null : Math.Abs(computed.Value - loading.Strength.Value) <= loading.Strength.HalfWidth,
                computed is null ? "cannot be computed: no such feature in the tables" : "the paper does not define it; the mean over all components of |loading|·√eigenvalue comes closest");
        }
    }

    private static IEnumerable<PaperClaim> Money(StudyAnalysis analysis)
    {
        double? Output(string name) => analysis.Prices is Computed<ImmutableArray<PriceComparison>>.Value(var known) ? known.FirstOrDefault(price => price.Generator == name)?.OutputPrice : null;
        var ratio = Output("GPT-4o") / Output("GPT-4o-mini");
        const string Absent = "cannot be computed: the two prices are not there";
        yield return new PaperClaim("GPT-4o-mini is how many times cheaper than GPT-4o", "figure 7", "17 times", 17, ratio, ratio is null ? null : Math.Abs(ratio.Value - 17) <= 0.5, ratio is null ? Absent : "rounded to a whole number");
        yield return new PaperClaim("50,000 instances of GPT-4o-mini cost how many times less than 10,000 of GPT-4o", "figure 7", "3.4 times", 3.4, ratio / 5, ratio is null ? null : Math.Abs(ratio.Value / 5 - 3.4) <= 0.05,
            ratio is null ? Absent : "computed from the rounded 17: 17 / 5 = 3.4");
        yield return new PaperClaim("50,000 instances of GPT-4o-mini recover more than 10,000 of GPT-4o in math and instruction following", "figure 7", "more", null, null, null,
            "cannot be computed: the PGRs of 50,000 instances are in none of the tables");
    }

    private static IEnumerable<PaperClaim> Sizes(PublishedTables tables)
    {
        const int Each = 10_000, Quantity = 9;
        var (main, prompts) = (tables.Study.Cells.Length, tables.Study.MetaPrompts.Count(prompt => prompt.Variant != "agorabench"));
        var students = main + prompts + Quantity;
        var instances = (main + prompts) * (double)Each + Quantity * 4.0 * Each;
        var how = $"{main} data sets and {prompts} of other meta-prompts, 10,000 instances each; and, as the tables do not list them, {Quantity} students of 50,000 instances, of which 40,000 are new";
        yield return new PaperClaim("trained students", "abstract", "99", 99, students, students == 99, how);
        yield return new PaperClaim("instances, in millions", "abstract", "1.26", 1.26, instances / 1e6, Math.Abs(instances / 1e6 - 1.26) < 0.005, how);
    }

    /// <summary>What table 4 calls the features.</summary>
    internal static ImmutableDictionary<string, string> Titles { get; } = new Dictionary<string, string>
    {
        [FeatureTable.ProblemSolving] = "Problem-solving Ability",
        ["instruction_difficulty_gpt4o"] = "GPT-4o Score (I.D.)",
        ["instruction_difficulty_prometheus2"] = "Prometheus Score (I.D.)",
        ["perplexity"] = "Response Perplexity",
        ["response_quality_gpt4o"] = "GPT-4o Score (R.Q.)",
        ["response_quality_prometheus2"] = "Prometheus Score (R.Q.)",
        ["response_quality_skywork_rm"] = "Skywork-RM Score (R.Q.)",
        ["instruction_diversity_cdist"] = "Diversity (I.D.)",
        ["response_diversity_cdist"] = "Diversity (R.Q.)",
    }.ToImmutableDictionary();
}
