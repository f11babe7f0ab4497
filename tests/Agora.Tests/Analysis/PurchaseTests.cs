using System.Collections.Immutable;
using Agora.Analysis;
using Agora.Experiments;
using Agora.Reports;
using Agora.Reports.Figures;
using Agora.Reports.Tables;

namespace Agora.Tests.Analysis;

/// <summary>Dollars against PGR, curves, and two generators for the same money.</summary>
public sealed class PurchaseTests
{
    private static readonly Setting Rg = new(Domain.Math, GenerationMethod.ResponseGeneration);
    private static readonly TrainingPrice TwoAnHour = new(2, null);

    [Fact]
    public void What_costs_no_more_and_recovers_as_much_takes_the_others_place_and_intervals_say_how_surely()
    {
        var frontier = Frontier([Bought("a", 10, 20), Bought("b", 5, 12), Bought("c", 12, 16), Bought("d", 11, 5), Bought("e", 5, 12)], TrainingPrice.NotCounted);
        Assert.Equal(["b", "e", "a", "d", "c"], frontier.Points.Select(point => point.Purchase.Generator));
        // Equal in both: neither beats the other.
        Assert.Equal(["b", "e", "a"], frontier.Points.Where(point => point.BetterOne is null).Select(point => point.Purchase.Generator));
        var (d, c) = (frontier.Points[3], frontier.Points[4]);
        Assert.Equal(("a", true), (d.BetterOne!.Generator, d.IsCertain));       // 20 ± 3 against 5 ± 3
        Assert.Equal(("a", false), (c.BetterOne!.Generator, c.IsCertain));      // 20 ± 3 against 16 ± 3
    }

    [Fact]
    public void Training_is_paid_by_the_hours_it_took_or_by_the_hours_that_are_given()
    {
        Assert.Equal(10 + 2 * 1.5, Frontier([Bought("a", 10, 20) with { TrainingHours = 1.5 }], TwoAnHour).Points[0].Dollars, 1e-12);
        Assert.Equal(10 + 2 * 100 * 0.01, Frontier([Bought("a", 10, 20) with { TrainingHours = 1.5 }], new TrainingPrice(2, 0.01)).Points[0].Dollars, 1e-12);
        Assert.Equal(10, Frontier([Bought("a", 10, 20)], TrainingPrice.NotCounted).Points[0].Dollars, 1e-12);
    }

    [Fact]
    public void What_has_no_price_or_no_time_has_no_place_and_is_named()
    {
        var frontier = Frontier([Bought("a", 10, 20) with { TrainingHours = 1 }, Bought("b", 1, 50), Bought("c", 1, 50) with { GenerationDollars = null, TrainingHours = 1 }], TwoAnHour);
        Assert.Equal(["a"], frontier.Points.Select(point => point.Purchase.Generator));
        Assert.Equal(["b, math/response_generation (agorabench): how long its training took is not known", "c, math/response_generation (agorabench): its price is not known"], frontier.Left);
        Assert.Contains("no data set has both a PGR and a price: c, ", ParetoFrontier.All([Bought("c", 1, 50) with { GenerationDollars = null }], TrainingPrice.NotCounted).Why, StringComparison.Ordinal);
        Assert.Equal("no data set has a PGR", ParetoFrontier.All([], TrainingPrice.NotCounted).Why);
    }

    [Fact]
    public void Domains_and_all_settings_together_have_a_frontier_each()
    {
        var code = Bought("a", 3, 8) with { Setting = new Setting(Domain.Code, GenerationMethod.ResponseGeneration) };
        var frontiers = ParetoFrontier.All([Bought("a", 10, 20), code, Bought("a", 13, 14) with { Setting = null }], TrainingPrice.NotCounted).ResultOrDefault;
        Assert.Equal([null, Domain.Math, Domain.Code], frontiers.Select(frontier => frontier.Domain));
    }

    [Fact]
    public void More_of_the_cheap_one_is_weighed_against_the_dear_ones_largest_with_an_interval()
    {
        var pair = Assert.Single(SameMoney.All(ScalingCurve.All([.. Curve("cheap", 40, 1000, 0.001), .. Curve("dear", 60, 1000, 0.002)], new RandomStreams(1)), TrainingPrice.NotCounted));
        Assert.Equal((8.0, 4000, 8000), (pair.Dollars, pair.Dear.Instances, pair.Cheap.Instances));
        Assert.Equal(40 * 8 / 9.0 - 60 * 4 / 5.0, pair.Difference, 0.5);
        Assert.InRange(pair.Difference, pair.Low, pair.High);
        Assert.True(pair.High < 0);
        // Training costs the same an instance, so that the cheap one's lead in number shrinks: 4,000 · 0.012 / 0.011.
        var trained = Assert.Single(SameMoney.All(ScalingCurve.All([.. Curve("cheap", 40, 1000, 0.001), .. Curve("dear", 60, 1000, 0.002)], new RandomStreams(1)), new TrainingPrice(1, 0.01)));
        Assert.Equal(4363, trained.Cheap.Instances);
    }

    // Were the redraws of two curves the same, a difference of two like curves would have no uncertainty at all.
    [Fact]
    public void Redraws_of_two_curves_are_independent()
    {
        var pair = Assert.Single(SameMoney.All(ScalingCurve.All([.. Curve("cheap", 50, 1000, 0.001), .. Curve("dear", 50, 1000, 0.0011)], new RandomStreams(1)), TrainingPrice.NotCounted));
        Assert.True(pair.High - pair.Low > 3);
    }

    [Fact]
    public void One_size_is_no_curve_and_two_have_no_law()
    {
        Assert.Contains("no generator has data sets of two sizes", ScalingCurve.All([.. Curve("a", 50, 1000, 0.001).Take(1)], new RandomStreams(1)).Why, StringComparison.Ordinal);
        Assert.Contains("2 sizes of data set do not tell a curve", Assert.Single(ScalingCurve.All([.. Curve("a", 50, 1000, 0.001).Take(2)], new RandomStreams(1)).ResultOrDefault).Law.Why, StringComparison.Ordinal);
    }

    [Fact]
    public void All_of_it_is_drawn_and_tabled()
    {
        SuppliedData[] supply = [.. Curve("cheap", 40, 1000, 0.001).Concat(Curve("dear", 60, 1000, 0.002)).Select(data => data with { TrainingHours = data.Instances / 4000.0 })];
        var study = new Study { Source = "test", Cells = [], Metrics = [], Generators = [.. new[] { "cheap", "dear" }.Select(name => new StudyGenerator { Name = name, ProblemSolving = ImmutableSortedDictionary<Domain, double>.Empty, ProblemSolvingAverage = null })] };
        var analysis = StudyAnalysis.Of(study, supply, [.. supply.Select(data => new Purchase(data.Generator, data.Setting, data.MetaPrompt, data.Instances, data.Pgr, data.Low, data.High, data.Instances * data.DollarsPerInstance, 0.1, 1))], TwoAnHour, new RandomStreams(1));
        Assert.Equal(["pareto_math", "scaling_math_response_generation"], AnalysisFigures.Of(analysis).Select(figure => figure.Id));
        Assert.All(AnalysisFigures.Of(analysis), figure => Assert.Contains("<svg", figure.Svg, StringComparison.Ordinal));
        var tables = AnalysisTables.Of(analysis).ToDictionary(table => table.Id);
        Assert.Contains("at 2 dollars an hour", MarkdownTable.Render(tables["pareto_math"]), StringComparison.Ordinal);
        Assert.Contains("| dear and less |", MarkdownTable.Render(tables["same_money"]), StringComparison.Ordinal);
        Assert.Equal(2, tables["scaling"].Rows.Length);
    }

    private static ParetoFrontier Frontier(Purchase[] purchases, TrainingPrice training) => Assert.Single(ParetoFrontier.All(purchases, training).ResultOrDefault);

    private static Purchase Bought(string generator, double dollars, double pgr) => new(generator, Rg, "agorabench", 100, pgr, pgr - 3, pgr + 3, dollars, 0.5, null);

    private static IEnumerable<SuppliedData> Curve(string generator, double limit, double half, double dollars) =>
        new[] { 500, 1000, 2000, 4000 }.Select(n => new SuppliedData(generator, Rg, "agorabench", n, limit * n / (n + half), limit * n / (n + half) - 2, limit * n / (n + half) + 2, dollars));
}
