using System.Xml.Linq;
using Agora.Analysis;
using Agora.Analysis.Published;
using Agora.Reports.Figures;

namespace Agora.Tests.Reports;

public sealed class AnalysisFiguresTests
{
    private static StudyAnalysis Analysis => PublishedAnalysis.Of(Fixtures.Part("..", "paper")).Analysis;

    [Fact]
    public void The_papers_figures_are_drawn_as_whole_svg_documents_with_their_labels()
    {
        var figures = AnalysisFigures.Of(Analysis);
        Assert.Equal(["figure4_coarse", "figure4_fine", "figure5_variance", "figure5_contributions", "figure6_component1", "figure6_component2", "figure6_component3", "figure6_component4", "figure6_component5", "meta_prompts", "figure7_price"],
            figures.Select(figure => figure.Id));
        Assert.All(figures, figure => Assert.Equal("svg", XDocument.Parse(figure.Svg).Root!.Name.LocalName));
        var coarse = Text(figures[0]);
        Assert.Contains("One point a generator: R² = 0.244, p = 0.319", coarse);
        Assert.Contains("Claude-3.5-Sonnet", coarse);
        Assert.Contains("PGR, %", coarse);
    }

    // One marker a data set and one in the legend for each of six generators.
    [Fact]
    public void Every_data_set_is_a_point()
    {
        var fine = AnalysisFigures.Of(Analysis).Single(figure => figure.Id == "figure4_fine");
        var markers = XDocument.Parse(fine.Svg).Descendants().Count(element => element.Name.LocalName is "ellipse" or "polygon" or "rect" && ((string?)element.Attribute("style"))?.StartsWith("fill:rgb(", StringComparison.Ordinal) == true && !((string)element.Attribute("style")!).StartsWith("fill:rgb(255,255,255)", StringComparison.Ordinal));
        Assert.Equal(54 + 6, markers);
    }

    [Fact]
    public void The_same_analysis_draws_the_same_bytes() => Assert.Equal(AnalysisFigures.Of(Analysis).Select(figure => figure.Svg), AnalysisFigures.Of(Analysis).Select(figure => figure.Svg));

    [Fact]
    public void What_was_not_computed_has_no_figure()
    {
        var study = new Study { Source = "nothing", Cells = [], Metrics = [], Generators = [] };
        Assert.Empty(AnalysisFigures.Of(StudyAnalysis.Of(study)));
    }

    private static IEnumerable<string> Text(Figure figure) => XDocument.Parse(figure.Svg).Descendants().Where(element => element.Name.LocalName == "text").Select(element => element.Value);
}
