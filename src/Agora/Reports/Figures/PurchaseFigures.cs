using System.Collections.Immutable;
using Agora.Analysis;
using Agora.Experiments;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Agora.Reports.Figures;

/// <summary>Dollars against PGR with the Pareto frontier, and PGR by the number of instances with its fitted law.</summary>
internal static class PurchaseFigures
{
    // More labels than this would lie over each other.
    private const int MostLabels = 12;
    private const int CurveSteps = 60;

    public static IEnumerable<Figure> Of(StudyAnalysis analysis, ImmutableArray<string> generators) => [.. Frontiers(analysis, generators), .. Curves(analysis, generators)];

    private static IEnumerable<Figure> Frontiers(StudyAnalysis analysis, ImmutableArray<string> generators)
    {
        foreach (var frontier in analysis.Frontiers is Computed<ImmutableArray<ParetoFrontier>>.Value(var found) ? found.Where(frontier => !frontier.Points.IsEmpty) : [])
        {
            var counted = analysis.Training.IsCounted ? "generation, filtering and training" : "generation and filtering, training not counted";
            var model = Model($"Dollars against PGR: {PurchaseTables.Name(frontier)}", Dollars(frontier.Points.Select(point => point.Dollars), $"US dollars for {counted}"));
            AnalysisFigures.WidenFlat(model.Axes[1], frontier.Points.SelectMany(point => (double[])[point.Purchase.Pgr, point.Purchase.Low ?? point.Purchase.Pgr, point.Purchase.High ?? point.Purchase.Pgr]));
            // Money buys the best that is no dearer: a step up at each point of the frontier.
            var line = new StairStepSeries { Color = FigureColors.Line, LineStyle = LineStyle.Dash, StrokeThickness = 1.5, VerticalLineStyle = LineStyle.Dash };
            line.Points.AddRange(frontier.Points.Where(point => point.BetterOne is null).Select(point => new DataPoint(point.Dollars, point.Purchase.Pgr)));
            model.Series.Add(line);
            foreach (var group in frontier.Points.GroupBy(point => point.Purchase.Generator))
                AddPoints(model, group.Key, generators, group.Select(point => (point.Dollars, point.Purchase.Pgr, point.Purchase.Low, point.Purchase.High)));
            if (frontier.Points.Length <= MostLabels)
                foreach (var point in frontier.Points.Where(point => Label(point, frontier) != ""))
                    model.Annotations.Add(new TextAnnotation { Text = Label(point, frontier), TextPosition = new DataPoint(point.Dollars, point.Purchase.Pgr), Offset = new ScreenVector(5, -3), TextHorizontalAlignment = HorizontalAlignment.Left, TextVerticalAlignment = VerticalAlignment.Bottom, StrokeThickness = 0, FontSize = 9, TextColor = FigureColors.Line });
            yield return new Figure(PurchaseTables.Id(frontier), model, $"Each purchase by its dollars for {counted} and its PGR with its interval; the line joins those that no other beats in both. The table of dollars against PGR holds the figures.");
        }
    }

    // What tells the points of one generator apart.
    private static string Label(ParetoPoint point, ParetoFrontier frontier)
    {
        var parts = new List<string>();
        if (point.Purchase.Setting is { } setting && frontier.Points.Select(other => other.Purchase.Setting).Distinct().Count() > 1)
            parts.Add(ReportFigures.Abbreviated(setting).Split('\n')[1]);
        // The commonest needs no name.
        if (point.Purchase.MetaPrompt != frontier.Points.GroupBy(other => other.Purchase.MetaPrompt).OrderByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal).First().Key)
            parts.Add(point.Purchase.MetaPrompt.Replace('_', ' '));
        if (frontier.Points.Where(other => other.Purchase.Setting == point.Purchase.Setting).Select(other => other.Purchase.Instances).Distinct().Count() > 1)
            parts.Add(ReportText.Count(point.Purchase.Instances));
        return string.Join(", ", parts);
    }

    private static IEnumerable<Figure> Curves(StudyAnalysis analysis, ImmutableArray<string> generators)
    {
        foreach (var domain in (analysis.Curves is Computed<ImmutableArray<ScalingCurve>>.Value(var found) ? found : []).GroupBy(curve => curve.Setting))
        {
            var largest = domain.Max(curve => curve.Points[^1].Instances);
            var model = Model($"PGR by the number of instances: {domain.Key.Title()}", new LogarithmicAxis { Position = AxisPosition.Bottom, Title = "instances", AxisTitleDistance = 8, MinimumPadding = 0.1, MaximumPadding = 0.1 });
            foreach (var curve in domain)
            {
                var color = FigureColors.Of(Math.Max(0, generators.IndexOf(curve.Generator)));
                var name = domain.Select(other => other.MetaPrompt).Distinct().Count() > 1 ? $"{curve.Generator} ({curve.MetaPrompt})" : curve.Generator;
                if (curve.Law.ResultOrDefault is { } law)
                {
                    var (from, to) = (Math.Log(curve.Points[0].Instances), Math.Log((double)SameMoney.Extrapolation * law.LargestMeasured));
                    double[] sizes = [.. Enumerable.Range(0, CurveSteps + 1).Select(step => Math.Exp(from + (to - from) * step / CurveSteps))];
                    // The ends of the interval as thin lines: bands over each other would hide which is whose.
                    foreach (var (bound, style, thickness) in ((Func<double, double>, LineStyle, double)[])[(law.At, LineStyle.Solid, 1.5), (size => law.IntervalAt(size).Low, LineStyle.Dot, 1), (size => law.IntervalAt(size).High, LineStyle.Dot, 1)])
                    {
                        var line = new LineSeries { Color = color, LineStyle = style, StrokeThickness = thickness };
                        line.Points.AddRange(sizes.Select(size => new DataPoint(size, bound(size))));
                        model.Series.Add(line);
                    }
                }
                AddPoints(model, name, generators, curve.Points.Select(point => ((double)point.Instances, point.Pgr, point.Low, point.High)), curve.Generator);
            }
            model.Annotations.Add(new LineAnnotation { Type = LineAnnotationType.Vertical, X = largest, Color = FigureColors.Line, LineStyle = LineStyle.Dash, StrokeThickness = 1 });
            yield return new Figure($"scaling_{domain.Key.Domain.Name()}_{domain.Key.Method.Name()}", model, "PGR of data sets of several sizes with their intervals, the fitted saturating law as a line and the ends of its interval as dotted ones; right of the dashed line nothing was measured. The table of PGR by the number of instances holds the figures.");
        }
    }

    private static void AddPoints(PlotModel model, string title, ImmutableArray<string> generators, IEnumerable<(double X, double Y, double? Low, double? High)> points, string? generator = null)
    {
        var place = Math.Max(0, generators.IndexOf(generator ?? title));
        var marks = new ScatterSeries { Title = title, MarkerType = FigureColors.MarkerOf(place), MarkerSize = 4, MarkerFill = FigureColors.Of(place) };
        foreach (var (x, y, low, high) in points)
        {
            marks.Points.Add(new ScatterPoint(x, y));
            if (low is null || high is null)
                continue;
            var line = new LineSeries { Color = FigureColors.Of(place), StrokeThickness = 1.2 };
            line.Points.AddRange([new DataPoint(x, low.Value), new DataPoint(x, high.Value)]);
            model.Series.Add(line);
        }
        model.Series.Add(marks);
    }

    // Amounts lie decades apart; embedded generators may be free, and 0 has no logarithm.
    private static Axis Dollars(IEnumerable<double> amounts, string title) => amounts.All(amount => amount > 0)
        ? new LogarithmicAxis { Position = AxisPosition.Bottom, Title = title, AxisTitleDistance = 8, MinimumPadding = 0.1, MaximumPadding = 0.3 }
        : new LinearAxis { Position = AxisPosition.Bottom, Title = title, AxisTitleDistance = 8, MinimumPadding = 0.05, MaximumPadding = 0.3 };

    private static PlotModel Model(string title, Axis bottom)
    {
        var model = AnalysisFigures.Empty(title);
        model.Axes.Add(bottom);
        model.Axes.Add(new LinearAxis { Position = AxisPosition.Left, Title = "PGR, %", AxisTitleDistance = 8, MinimumPadding = 0.05, MaximumPadding = 0.05, MajorGridlineStyle = LineStyle.Solid, MajorGridlineColor = FigureColors.Grid });
        model.Legends.Add(new Legend { LegendPlacement = LegendPlacement.Outside, LegendPosition = LegendPosition.BottomCenter, LegendOrientation = LegendOrientation.Horizontal, LegendLineSpacing = 4 });
        return model;
    }
}
