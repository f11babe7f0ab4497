using System.Collections.Immutable;
using System.Globalization;
using Agora.Analysis;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Agora.Reports.Figures;

/// <summary>The paper's figures 4 to 7 (arXiv:2412.03679) for any study, as SVG at column width.</summary>
/// <remarks>Generators differ by marker as well as by colour; the colours are those of Okabe and Ito, which all kinds of colour vision can tell.</remarks>
public static class AnalysisFigures
{
    private static readonly string[] Colors = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442"];
    private static readonly MarkerType[] Markers = [MarkerType.Circle, MarkerType.Square, MarkerType.Diamond, MarkerType.Triangle];

    /// <summary>What can be drawn; a part of the analysis that was not computed has no figure.</summary>
    public static ImmutableArray<Figure> Of(StudyAnalysis analysis)
    {
        ImmutableArray<string> generators = [.. analysis.Generators.Select(generator => generator.Generator)];
        return [.. Regressions(analysis, generators), .. Components(analysis), .. ComponentsAgainstPgr(analysis, generators), .. Prices(analysis, generators)];
    }

    private static IEnumerable<Figure> Regressions(StudyAnalysis analysis, ImmutableArray<string> generators)
    {
        foreach (var (id, title, regression) in ((string, string, AbilityRegression)[])[("figure4_coarse", "One point a generator", analysis.Coarse), ("figure4_fine", "One point a generator and setting", analysis.FineByDomain)])
        {
            if (regression.Fit.ResultOrDefault is not { } fit)
                continue;
            var model = Model(string.Create(CultureInfo.InvariantCulture, $"{title}: R² = {fit.RSquared:0.000}, p = {fit.P:0.000}"), "problem-solving ability, %", "PGR, %");
            Points(model, regression.Data.Select(point => (point.Generator, point.ProblemSolving, point.Pgr)), generators);
            var (low, high) = (regression.Data.Min(point => point.ProblemSolving), regression.Data.Max(point => point.ProblemSolving));
            Line(model, [new(low, fit.Predict([low])), new(high, fit.Predict([high]))]);
            yield return Figure.Of(id, model);
        }
    }

    private static IEnumerable<Figure> Components(StudyAnalysis analysis)
    {
        if (analysis.Components.Components.ResultOrDefault is not { } found)
            yield break;
        var variance = Model("Variance that the components explain", "component", "% of the variance");
        variance.Axes[0] = new LinearAxis { Position = AxisPosition.Bottom, Title = "component", AxisTitleDistance = 8, MajorStep = 1, MinorStep = 1, MinimumPadding = 0.05, MaximumPadding = 0.05 };
        var stems = new StemSeries { Color = OxyColor.Parse(Colors[0]), StrokeThickness = 6, Title = "each" };
        var cumulative = new LineSeries { Color = OxyColor.Parse(Colors[1]), MarkerType = MarkerType.Circle, MarkerFill = OxyColor.Parse(Colors[1]), Title = "sum so far" };
        foreach (var (place, share) in found.ExplainedVariance.Index())
        {
            stems.Points.Add(new DataPoint(place + 1, 100 * share));
            cumulative.Points.Add(new DataPoint(place + 1, 100 * found.ExplainedVariance.Take(place + 1).Sum()));
        }
        variance.Series.Add(stems);
        variance.Series.Add(cumulative);
        variance.Legends.Add(new Legend { LegendPosition = LegendPosition.RightMiddle, LegendPlacement = LegendPlacement.Inside });
        yield return Figure.Of("figure5_variance", variance);

        var loadings = Empty("Contribution of each feature");
        FeatureContribution[] ordered = [.. analysis.Components.Contributions.OrderBy(entry => entry.Strength)];
        loadings.Axes.Add(new CategoryAxis { Position = AxisPosition.Left, ItemsSource = ordered.Select(entry => entry.Feature).ToArray() });
        loadings.Axes.Add(new LinearAxis { Position = AxisPosition.Bottom, Title = "% of the sum of strengths", Minimum = 0, MaximumPadding = 0.15, AxisTitleDistance = 8 });
        loadings.Series.Add(new BarSeries { FillColor = OxyColor.Parse(Colors[0]), ItemsSource = ordered.Select(entry => new BarItem(entry.Percent)).ToArray(), LabelFormatString = "{0:0.0}" });
        yield return Figure.Of("figure5_contributions", loadings);
    }

    private static IEnumerable<Figure> ComponentsAgainstPgr(StudyAnalysis analysis, ImmutableArray<string> generators)
    {
        for (var component = 0; component < analysis.Components.ComponentsUsed && analysis.Components.Points.Length > 0; component++)
        {
            var model = Model($"PGR against component {component + 1}", $"component {component + 1}", "PGR, %");
            var place = component;
            Points(model, analysis.Components.Points.Select(point => (point.Generator, point.Scores[place], point.Pgr)), generators);
            if (LinearFit.Of(["component"], [.. analysis.Components.Points.Select(point => new[] { point.Scores[place] })], [.. analysis.Components.Points.Select(point => point.Pgr)], analysis.ConfidenceLevel).ResultOrDefault is { } fit)
            {
                var (low, high) = (analysis.Components.Points.Min(point => point.Scores[place]), analysis.Components.Points.Max(point => point.Scores[place]));
                Line(model, [new(low, fit.Predict([low])), new(high, fit.Predict([high]))]);
            }
            yield return Figure.Of($"figure6_component{component + 1}", model);
        }
    }

    private static IEnumerable<Figure> Prices(StudyAnalysis analysis, ImmutableArray<string> generators)
    {
        if (analysis.Prices is not Computed<ImmutableArray<PriceComparison>>.Value(var prices))
            yield break;
        var model = Model("Price against PGR; the line is the Pareto frontier", "", "mean PGR, %");
        model.Axes[0] = new LogarithmicAxis { Position = AxisPosition.Bottom, Title = "US dollars for a million output tokens", AxisTitleDistance = 8, MinimumPadding = 0.1, MaximumPadding = 0.1 };
        Line(model, [.. prices.Where(price => price.DominatedBy is null).OrderBy(price => price.OutputPrice).Select(price => new DataPoint(price.OutputPrice, price.Pgr))]);
        Points(model, prices.Select(price => (price.Generator, price.OutputPrice, price.Pgr)), generators);
        yield return Figure.Of("figure7_price", model);
    }

    // A family of sans-serif fonts with Helvetica's widths, by which the library measures.
    private static PlotModel Empty(string title) => new() { Title = title, TitleFontSize = 13, DefaultFontSize = 11, DefaultFont = "Arial, Helvetica, Liberation Sans, sans-serif" };

    private static PlotModel Model(string title, string x, string y)
    {
        var model = Empty(title);
        model.Axes.Add(new LinearAxis { Position = AxisPosition.Bottom, Title = x, MinimumPadding = 0.05, MaximumPadding = 0.05, AxisTitleDistance = 8 });
        model.Axes.Add(new LinearAxis { Position = AxisPosition.Left, Title = y, AxisTitleDistance = 8, MinimumPadding = 0.05, MaximumPadding = 0.05, MajorGridlineStyle = LineStyle.Solid, MajorGridlineColor = OxyColor.FromRgb(0xE0, 0xE0, 0xE0) });
        return model;
    }

    private static void Points(PlotModel model, IEnumerable<(string Generator, double X, double Y)> points, ImmutableArray<string> generators)
    {
        foreach (var group in points.GroupBy(point => point.Generator))
        {
            var place = Math.Max(0, generators.IndexOf(group.Key));
            var series = new ScatterSeries { Title = group.Key, MarkerType = Markers[place % Markers.Length], MarkerSize = 4, MarkerFill = OxyColor.Parse(Colors[place % Colors.Length]) };
            series.Points.AddRange(group.Select(point => new ScatterPoint(point.X, point.Y)));
            model.Series.Add(series);
        }
        model.Legends.Add(new Legend { LegendPlacement = LegendPlacement.Outside, LegendPosition = LegendPosition.BottomCenter, LegendOrientation = LegendOrientation.Horizontal, LegendLineSpacing = 4 });
    }

    private static void Line(PlotModel model, IEnumerable<DataPoint> points)
    {
        var line = new LineSeries { Color = OxyColor.FromRgb(0x60, 0x60, 0x60), LineStyle = LineStyle.Dash, StrokeThickness = 1.5 };
        line.Points.AddRange(points);
        model.Series.Add(line);
    }
}

/// <param name="Id">File name without ending.</param>
/// <param name="Svg">A whole document.</param>
public sealed record Figure(string Id, string Title, string Svg)
{
    private const double Width = 480, Height = 360;

    internal static Figure Of(string id, PlotModel model) => new(id, model.Title, new SvgExporter { Width = Width, Height = Height, IsDocument = true, TextMeasurer = new WideText() }.ExportToString(model));

    // The library's own widths are narrower than what browsers draw, and it cuts text to them.
    private sealed class WideText() : PdfRenderContext(Width, Height, OxyColors.Transparent)
    {
        public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight)
        {
            var size = base.MeasureText(text, fontFamily, fontSize, fontWeight);
            return new OxySize(1.35 * size.Width, size.Height);
        }
    }
}
