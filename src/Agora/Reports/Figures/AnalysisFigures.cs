using System.Collections.Immutable;
using System.Globalization;
using Agora.Analysis;
using Agora.Experiments;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Agora.Reports.Figures;

/// <summary>The paper's figures 4 to 7 (arXiv:2412.03679) for any study, at column width.</summary>
/// <remarks>Generators differ by marker as well as by colour, and all kinds of colour vision can tell the colours.</remarks>
public static class AnalysisFigures
{
    /// <summary>What can be drawn; a part of the analysis that was not computed has no figure.</summary>
    public static ImmutableArray<Figure> Of(StudyAnalysis analysis) => Of(analysis, [.. analysis.Generators.Select(generator => generator.Generator)]);

    /// <param name="generators">In the order that decides their colours in other figures beside these.</param>
    internal static ImmutableArray<Figure> Of(StudyAnalysis analysis, ImmutableArray<string> generators)
    {
        return [.. Regressions(analysis, generators), .. Components(analysis), .. ComponentsAgainstPgr(analysis, generators), .. MetaPrompts(analysis), .. Prices(analysis, generators), .. PurchaseFigures.Of(analysis, generators)];
    }

    private static IEnumerable<Figure> Regressions(StudyAnalysis analysis, ImmutableArray<string> generators)
    {
        foreach (var (id, title, regression) in ((string, string, AbilityRegression)[])[("figure4_coarse", "One point a generator", analysis.Coarse), ("figure4_fine", "One point a generator and setting", analysis.FineByDomain)])
        {
            if (regression.Fit.ResultOrDefault is not { } fit)
                continue;
            var model = Model(string.Create(CultureInfo.InvariantCulture, $"{title}: R² = {fit.RSquared:0.000}, p = {fit.P:0.000}"), "problem-solving ability, %", "PGR, %");
            WidenFlat(model.Axes[1], regression.Data.Select(point => point.Pgr));
            Points(model, regression.Data.Select(point => (point.Generator, point.ProblemSolving, point.Pgr)), generators);
            var (low, high) = (regression.Data.Min(point => point.ProblemSolving), regression.Data.Max(point => point.ProblemSolving));
            Line(model, [new(low, fit.Predict([low])), new(high, fit.Predict([high]))]);
            yield return new Figure(id, model, $"{title}: problem-solving ability against PGR, and the fitted line. The table of regressions holds the figures.");
        }
    }

    private static IEnumerable<Figure> Components(StudyAnalysis analysis)
    {
        if (analysis.Components.Components.ResultOrDefault is not { } found)
            yield break;
        var variance = Model("Variance that the components explain", "component", "% of the variance");
        variance.Axes[0] = new LinearAxis { Position = AxisPosition.Bottom, Title = "component", AxisTitleDistance = 8, MajorStep = 1, MinorStep = 1, MinimumPadding = 0.05, MaximumPadding = 0.05 };
        (variance.Axes[1].Minimum, variance.Axes[1].Maximum) = (0, 105);
        var stems = new StemSeries { Color = FigureColors.Of(0), StrokeThickness = 6, Title = "each" };
        var cumulative = new LineSeries { Color = FigureColors.Of(1), MarkerType = MarkerType.Circle, MarkerFill = FigureColors.Of(1), Title = "sum so far" };
        foreach (var (place, share) in found.ExplainedVariance.Index())
        {
            stems.Points.Add(new DataPoint(place + 1, 100 * share));
            cumulative.Points.Add(new DataPoint(place + 1, 100 * found.ExplainedVariance.Take(place + 1).Sum()));
        }
        variance.Series.Add(stems);
        variance.Series.Add(cumulative);
        variance.Legends.Add(new Legend { LegendPosition = LegendPosition.RightMiddle, LegendPlacement = LegendPlacement.Inside });
        yield return new Figure("figure5_variance", variance, "Share of the variance by component, and their sum so far. The table of components holds the figures.");

        var loadings = Empty("Contribution of each feature");
        FeatureContribution[] ordered = [.. analysis.Components.Contributions.OrderBy(entry => entry.Strength)];
        loadings.Axes.Add(new CategoryAxis { Position = AxisPosition.Left, ItemsSource = ordered.Select(entry => entry.Feature).ToArray() });
        loadings.Axes.Add(new LinearAxis { Position = AxisPosition.Bottom, Title = "% of the sum of strengths", Minimum = 0, MaximumPadding = 0.15, AxisTitleDistance = 8 });
        loadings.Series.Add(new BarSeries { FillColor = FigureColors.Of(0), ItemsSource = ordered.Select(entry => new BarItem(entry.Percent)).ToArray(), LabelFormatString = "{0:0.0}" });
        yield return new Figure("figure5_contributions", loadings, "Mean strength of each feature over all components, in percent of their sum. The table of contributions holds the figures.");
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
            yield return new Figure($"figure6_component{component + 1}", model, $"Each data set by its score on component {component + 1} and its PGR, and the fitted line.");
        }
    }

    // One colour a pair of meta-prompts; rows as in the table, which the axis counts from below.
    private static IEnumerable<Figure> MetaPrompts(StudyAnalysis analysis)
    {
        if (analysis.MetaPrompts is not Computed<ImmutableArray<MetaPromptComparison>>.Value(var comparisons))
            yield break;
        var rows = comparisons.Where(pair => pair.Test.ResultOrDefault is not null).Reverse().ToArray();
        if (rows.Length == 0)
            yield break;
        string[] pairs = [.. comparisons.Select(pair => $"{pair.First} − {pair.Second}").Distinct()];
        var model = Empty("Differences between meta-prompts");
        model.Axes.Add(new CategoryAxis { Position = AxisPosition.Left, ItemsSource = rows.Select(row => IntervalPlot.Shortened($"{row.Method?.Name().Replace('_', ' ') ?? row.Generator ?? "all"}, {row.Pairs} pairs", 34)).ToArray(), IsTickCentered = true, Minimum = -0.6, Maximum = rows.Length - 0.4 });
        model.Axes.Add(new LinearAxis { Position = AxisPosition.Bottom, Title = string.Create(CultureInfo.InvariantCulture, $"points of PGR, first minus second, with intervals of {analysis.ConfidenceLevel:0.##} %"), AxisTitleDistance = 8, MinimumPadding = 0.05, MaximumPadding = 0.05, MajorGridlineStyle = LineStyle.Solid, MajorGridlineColor = FigureColors.Grid });
        model.Annotations.Add(new LineAnnotation { Type = LineAnnotationType.Vertical, X = 0, Color = FigureColors.Line, LineStyle = LineStyle.Dash });
        foreach (var (place, pair) in pairs.Index())
        {
            var means = new ScatterSeries { Title = pair, MarkerType = FigureColors.MarkerOf(place), MarkerSize = 4, MarkerFill = FigureColors.Of(place) };
            foreach (var (row, comparison) in rows.Index().Where(row => $"{row.Item.First} − {row.Item.Second}" == pair))
            {
                var line = new LineSeries { Color = FigureColors.Of(place), StrokeThickness = 2 };
                line.Points.AddRange([new DataPoint(comparison.Test.ResultOrDefault!.Low, row), new DataPoint(comparison.Test.ResultOrDefault!.High, row)]);
                model.Series.Add(line);
                means.Points.Add(new ScatterPoint(comparison.Difference, row));
            }
            model.Series.Add(means);
        }
        model.Legends.Add(new Legend { LegendPlacement = LegendPlacement.Outside, LegendPosition = LegendPosition.BottomCenter, LegendOrientation = LegendOrientation.Vertical });
        yield return new Figure("meta_prompts", model, "Mean difference of PGR between meta-prompts, paired by generator and setting: a mark with its interval for all pairs, each method and each generator. The table of meta-prompts holds the figures.", 130 + 18 * rows.Length + 16 * pairs.Length);
    }

    private static IEnumerable<Figure> Prices(StudyAnalysis analysis, ImmutableArray<string> generators)
    {
        if (analysis.Prices is not Computed<ImmutableArray<PriceComparison>>.Value(var prices))
            yield break;
        var model = Model("Price against PGR; the line is the Pareto frontier", "", "mean PGR, %");
        model.Axes[0] = new LogarithmicAxis { Position = AxisPosition.Bottom, Title = "US dollars for a million output tokens", AxisTitleDistance = 8, MinimumPadding = 0.1, MaximumPadding = 0.1 };
        Line(model, [.. prices.Where(price => price.DominatedBy is null).OrderBy(price => price.OutputPrice).Select(price => new DataPoint(price.OutputPrice, price.Pgr))]);
        Points(model, prices.Select(price => (price.Generator, price.OutputPrice, price.Pgr)), generators);
        WidenFlat(model.Axes[1], prices.Select(price => price.Pgr));
        yield return new Figure("figure7_price", model, "Each generator by its price and its mean PGR; the line joins those that no other beats in both. The table of prices holds the figures.");
    }

    // A family of sans-serif fonts with Helvetica's widths, by which the library measures.
    internal static PlotModel Empty(string title) =>
        new() { Title = title, TitleFontSize = 13, TitleFontWeight = 500, DefaultFontSize = 11, DefaultFont = "Arial, Helvetica, Liberation Sans, sans-serif", Background = OxyColors.White };

    // Values that are all the same leave an axis without length, and its marks without sense.
    internal static void WidenFlat(Axis axis, IEnumerable<double> values)
    {
        double[] known = [.. values];
        if (known.Length > 0 && known.Max() - known.Min() < 1e-6 * (1 + Math.Abs(known[0])))
            (axis.Minimum, axis.Maximum) = (known[0] - 5, known[0] + 5);
    }

    private static PlotModel Model(string title, string x, string y)
    {
        var model = Empty(title);
        model.Axes.Add(new LinearAxis { Position = AxisPosition.Bottom, Title = x, MinimumPadding = 0.05, MaximumPadding = 0.05, AxisTitleDistance = 8 });
        model.Axes.Add(new LinearAxis { Position = AxisPosition.Left, Title = y, AxisTitleDistance = 8, MinimumPadding = 0.05, MaximumPadding = 0.05, MajorGridlineStyle = LineStyle.Solid, MajorGridlineColor = FigureColors.Grid });
        return model;
    }

    private static void Points(PlotModel model, IEnumerable<(string Generator, double X, double Y)> points, ImmutableArray<string> generators)
    {
        foreach (var group in points.GroupBy(point => point.Generator))
        {
            var place = Math.Max(0, generators.IndexOf(group.Key));
            var series = new ScatterSeries { Title = group.Key, MarkerType = FigureColors.MarkerOf(place), MarkerSize = 4, MarkerFill = FigureColors.Of(place) };
            series.Points.AddRange(group.Select(point => new ScatterPoint(point.X, point.Y)));
            model.Series.Add(series);
        }
        model.Legends.Add(new Legend { LegendPlacement = LegendPlacement.Outside, LegendPosition = LegendPosition.BottomCenter, LegendOrientation = LegendOrientation.Horizontal, LegendLineSpacing = 4 });
    }

    private static void Line(PlotModel model, IEnumerable<DataPoint> points)
    {
        var line = new LineSeries { Color = FigureColors.Line, LineStyle = LineStyle.Dash, StrokeThickness = 1.5 };
        line.Points.AddRange(points);
        model.Series.Add(line);
    }
}
