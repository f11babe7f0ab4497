using System.Text.Json.Nodes;
using Agora.Analysis;
using Agora.Analysis.Published;
using Agora.Experiments;
using Agora.Tests.Runs;

namespace Agora.Tests.Analysis;

/// <summary>The published tables, against numpy and scipy (published_reference.py wrote published_reference.json), and tables that were spoiled.</summary>
public sealed class PublishedAnalysisTests
{
    private static string Tables => Fixtures.Part("..", "paper");

    private static JsonNode Reference => JsonNode.Parse(File.ReadAllText(Path.Combine(Fixtures.Checkout, "tests", "Agora.Tests", "Analysis", "published_reference.json")))!;

    [Fact]
    public void Regressions_components_and_held_out_figures_are_those_of_an_independent_implementation()
    {
        var (analysis, reference) = (PublishedAnalysis.Of(Tables).Analysis, Reference);
        Same(analysis.Coarse.Fit, reference["coarse"]!);
        Same(analysis.FineByDomain.Fit, reference["fineByDomain"]!);
        Same(analysis.FineByAverage.Fit, reference["fineByAverage"]!);
        Same(analysis.Components.Regression, reference["onComponents"]!);
        var components = analysis.Components.Components.ResultOrDefault!;
        Close(reference["explained"]!.AsArray().Select(value => (double)value!), components.ExplainedVariance);
        foreach (var (place, loading) in components.Loadings.Index())
            Close(reference["loadings"]![place]!.AsArray().Select(value => (double)value!), loading, 1e-7);
        Close(reference["strengths"]!.AsArray().Select(value => (double)value!), analysis.Components.Contributions.Select(entry => entry.Strength));

        Assert.Equal((double)reference["componentsGeneratorsOut"]!, Predictor(analysis, "components").LeavingGeneratorsOut.ResultOrDefault!.RSquared, 1e-9);
        Assert.Equal((double)reference["componentsSettingsOut"]!, Predictor(analysis, "components").LeavingSettingsOut.ResultOrDefault!.RSquared, 1e-9);
        Assert.Equal((double)reference["settingMeanGeneratorsOut"]!, Predictor(analysis, "setting mean").LeavingGeneratorsOut.ResultOrDefault!.RSquared, 1e-9);
        Assert.Equal((double)reference["generatorMeanSettingsOut"]!, Predictor(analysis, "generator mean").LeavingSettingsOut.ResultOrDefault!.RSquared, 1e-9);
    }

    [Fact]
    public void Meta_prompts_are_compared_as_an_independent_implementation_does()
    {
        var comparisons = PublishedAnalysis.Of(Tables).Analysis.MetaPrompts.ResultOrDefault;
        foreach (var (name, second, method, generator) in ((string, string, GenerationMethod?, string?)[])
            [("unoptimized", "unoptimized", null, null), ("unoptimizedInstances", "unoptimized", GenerationMethod.InstanceGeneration, null), ("jsonFormat", "json_format", null, null), ("jsonFormatOfMini", "json_format", null, "GPT-4o-mini")])
        {
            var pair = comparisons.Single(pair => pair.First == "agorabench" && pair.Second == second && pair.Method == method && pair.Generator == generator);
            var reference = Reference[name]!;
            Assert.Equal((double)reference["difference"]!, pair.Difference, 1e-9);
            Assert.Equal((double)reference["effect"]!, pair.Test.ResultOrDefault!.EffectSize, 1e-9);
            Assert.Equal((double)reference["effectLow"]!, pair.Test.ResultOrDefault!.EffectLow, 1e-7);
            Assert.Equal((double)reference["effectHigh"]!, pair.Test.ResultOrDefault!.EffectHigh, 1e-7);
            Assert.Equal((double)reference["p"]!, pair.Test.ResultOrDefault!.P, 1e-9);
        }
    }

    [Fact]
    public void The_five_component_regression_does_not_survive_and_a_setting_mean_beats_it() =>
        Assert.Matches("falls to -0.081, worse than .* a plain setting mean, which looks at no data set, reaches 0.354 and beats it", PublishedAnalysis.Of(Tables).Analysis.Verdict());

    [Fact]
    public void Averages_that_do_not_follow_from_their_cells_are_found_and_no_others()
    {
        var slips = PublishedAnalysis.Of(Tables).Slips;
        Assert.Equal(["average of the six scores of GPT-4o", "average PGR of GPT-4o over the nine settings", "average of the six scores of GPT-4o"],
            slips.Where(slip => slip.What.StartsWith("average", StringComparison.Ordinal)).Select(slip => slip.What));
        Assert.Equal(29.5556, slips.Single(slip => slip.What.StartsWith("average PGR", StringComparison.Ordinal)).Computed!.Value, 1e-4);
        Assert.Single(slips, slip => slip.What.Contains("response_quality_skywork_rm of GPT-4o-mini: the rows of instance_generation and response_generation look exchanged", StringComparison.Ordinal));
        Assert.Single(slips, slip => slip.What.Contains("WebInstruct (code)", StringComparison.Ordinal));
    }

    [Fact]
    public void What_the_paper_states_stands_beside_what_is_computed()
    {
        var claims = PublishedAnalysis.Of(Tables).Claims;
        var explained = claims.Single(claim => claim.Stated == 93.4);
        Assert.Equal((96.0378, false), (Math.Round(explained.Computed!.Value, 4), explained.Holds!.Value));
        Assert.StartsWith("not rounding", explained.LikelyCause, StringComparison.Ordinal);
        Assert.True(claims.Single(claim => claim.What == "p of that regression").Holds);
        Assert.Equal(10 / 0.6 / 5, claims.Single(claim => claim.Stated == 3.4).Computed!.Value, 1e-12);
        Assert.All(claims.Where(claim => claim.Where == "table 4"), claim => Assert.InRange(Math.Abs(claim.Difference!.Value), 0, 0.013));
        Assert.Null(claims.Single(claim => claim.What.Contains("recover more", StringComparison.Ordinal)).Holds);
        Assert.Equal(99, claims.Single(claim => claim.What == "trained students").Computed);
    }

    [Fact]
    public void A_missing_value_is_left_out_and_said()
    {
        using var folder = Copy();
        Replace(folder, PublishedTables.IntrinsicFile, "perplexity,GPT-4o,instance_generation,math,", "NaN");
        Replace(folder, PublishedTables.PgrFile, "Claude-3.5-Sonnet,response_generation,code,", "");
        var published = PublishedAnalysis.Of(folder.Path);
        Assert.Equal(52, published.Analysis.Components.Rows);
        Assert.Equal(53, published.Analysis.FineByDomain.Fit.ResultOrDefault!.Observations);
        Assert.Contains(published.Remarks, remark => remark.Contains("table8_intrinsic.csv:", StringComparison.Ordinal) && remark.Contains("missing, not 0", StringComparison.Ordinal));
        Assert.Contains(published.Remarks, remark => remark.Contains("Claude-3.5-Sonnet code/response_generation", StringComparison.Ordinal));
    }

    [Fact]
    public void A_metric_without_variance_is_no_feature()
    {
        using var folder = Copy();
        Replace(folder, PublishedTables.IntrinsicFile, "perplexity,", "2.0");
        var published = PublishedAnalysis.Of(folder.Path);
        Assert.DoesNotContain("perplexity", published.Analysis.Components.Features);
        Assert.Equal(8, published.Analysis.Components.Features.Length);
        Assert.Contains(published.Remarks, remark => remark.StartsWith("perplexity is the same in all 54 rows", StringComparison.Ordinal));
        Assert.Null(published.Claims.Single(claim => claim.What == "loading strength of Response Perplexity").Holds);
    }

    [Fact]
    public void Where_no_data_set_has_every_metric_nothing_is_fitted_to_them_and_the_rest_stands()
    {
        using var folder = Copy();
        string[] lines = File.ReadAllLines(folder[PublishedTables.IntrinsicFile]);
        string[] Column(int place) => [.. lines.Skip(1).Select(line => line.Split(',')[place]).Distinct()];
        var (metrics, generators) = (Column(0), Column(1));
        File.WriteAllLines(folder[PublishedTables.IntrinsicFile], lines.Where(line => line.Split(',') is var row && generators[Math.Max(0, metrics.IndexOf(row[0])) % generators.Length] != row[1]));
        var published = PublishedAnalysis.Of(folder.Path);
        Assert.Equal(0, published.Analysis.Components.Rows);
        Assert.All(published.Analysis.Predictions, prediction => Assert.NotNull(prediction.InSample.Why));
        Assert.NotNull(published.Analysis.FineByDomain.Fit.ResultOrDefault);
        Assert.Contains(published.Remarks, remark => remark.StartsWith("54 of 54 rows lack a feature", StringComparison.Ordinal));
    }

    [Fact]
    public void One_generator_alone_gives_no_regression_on_ability_and_nothing_held_out()
    {
        using var folder = Copy();
        foreach (var file in Directory.GetFiles(folder.Path).Where(file => File.ReadLines(file).First().Contains("generator", StringComparison.Ordinal)))
            File.WriteAllLines(file, [.. File.ReadLines(file).Take(1), .. File.ReadLines(file).Skip(1).Where(line => line.Contains("Llama-3.1-8B", StringComparison.Ordinal))]);
        var analysis = PublishedAnalysis.Of(folder.Path).Analysis;
        Assert.Contains("1 observation does not determine", analysis.Coarse.Fit.Why, StringComparison.Ordinal);
        Assert.Contains("is the same in all 9 observations", analysis.FineByAverage.Fit.Why, StringComparison.Ordinal);
        Assert.NotNull(analysis.FineByDomain.Fit.ResultOrDefault);
        Assert.Contains("only one generator", Predictor(analysis, "setting mean").LeavingGeneratorsOut.Why, StringComparison.Ordinal);
        Assert.Contains("fewer than two generators", analysis.Prices.Why, StringComparison.Ordinal);
        Assert.Null(analysis.Verdict());
    }

    [Fact]
    public void Tables_that_are_absent_are_named_with_what_they_would_have_given()
    {
        using var folder = Copy();
        foreach (var file in (string[])[PublishedTables.IntrinsicFile, PublishedTables.MetaPromptsFile, PublishedTables.CostFile])
            File.Delete(folder[file]);
        var published = PublishedAnalysis.Of(folder.Path);
        Assert.NotNull(published.Analysis.Coarse.Fit.ResultOrDefault);
        Assert.NotNull(published.Analysis.MetaPrompts.Why);
        Assert.Contains(published.Remarks, remark => remark.StartsWith("table8_intrinsic.csv is not there", StringComparison.Ordinal));
        Assert.Contains(published.Claims, claim => claim.Where == "figure 7" && claim.Holds is null && claim.LikelyCause.StartsWith("cannot be computed", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_fault_of_a_file_is_named_with_its_line()
    {
        using var folder = Copy();
        Replace(folder, PublishedTables.PgrFile, "GPT-4o,instance_generation,math,", "much");
        File.AppendAllLines(folder[PublishedTables.PgrFile], ["GPT-4o,instance_generation,code,1.0", "GPT-4o,instance_generation,maths,1.0"]);
        var fault = Assert.Throws<AgoraException>(() => PublishedAnalysis.Of(folder.Path));
        Assert.Equal(2, fault.ExitCode);
        Assert.Contains("table2_pgr.csv:2  \"much\" is no finite number", fault.Message, StringComparison.Ordinal);
        Assert.Contains("table2_pgr.csv:56  is the same cell as line 3", fault.Message, StringComparison.Ordinal);
        Assert.Contains("table2_pgr.csv:57  \"maths\" and \"instance_generation\" are no domain and method", fault.Message, StringComparison.Ordinal);
    }

    private static HeldOutPrediction Predictor(StudyAnalysis analysis, string name) => analysis.Predictions.Single(entry => entry.Predictor == name);

    private static void Same(Computed<LinearFit> computed, JsonNode reference)
    {
        var fit = Assert.IsType<Computed<LinearFit>.Value>(computed).Result;
        Assert.Equal((double)reference["r2"]!, fit.RSquared, 1e-9);
        Assert.Equal((double)reference["f"]!, fit.F, 1e-8);
        Assert.Equal((double)reference["p"]!, fit.P, 1e-9);
        Close(reference["coefficients"]!.AsArray().Select(value => (double)value!), [fit.Intercept.Value, .. fit.Slopes.Select(slope => slope.Value)], 1e-7);
        Close(reference["low"]!.AsArray().Select(value => (double)value!), [fit.Intercept.Low, .. fit.Slopes.Select(slope => slope.Low)], 1e-6);
        Close(reference["high"]!.AsArray().Select(value => (double)value!), [fit.Intercept.High, .. fit.Slopes.Select(slope => slope.High)], 1e-6);
    }

    private static void Close(IEnumerable<double> expected, IEnumerable<double> actual, double tolerance = 1e-9) =>
        Assert.Equal(expected, actual, (one, other) => Math.Abs(one - other) <= tolerance);

    private static TemporaryFolder Copy()
    {
        var folder = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(Tables, "*.csv"))
            File.Copy(file, folder[Path.GetFileName(file)]);
        return folder;
    }

    private static void Replace(TemporaryFolder folder, string file, string beginning, string value) =>
        File.WriteAllLines(folder[file], [.. File.ReadLines(folder[file]).Select(line => line.StartsWith(beginning, StringComparison.Ordinal) ? $"{line[..(line.LastIndexOf(',') + 1)]}{value}" : line)]);
}
