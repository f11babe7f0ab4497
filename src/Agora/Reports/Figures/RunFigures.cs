using System.Collections.Immutable;
using System.Globalization;
using Agora.Analysis;
using Agora.IntrinsicMetrics;
using Agora.Recovery;
using OxyPlot;
using OxyPlot.Annotations;
using OxyPlot.Axes;
using OxyPlot.Series;

namespace Agora.Reports.Figures;

/// <summary>Figures of one run: PGR as a heat map, how scores of instances are distributed, and the paper's.</summary>
public static class RunFigures
{
    /// <summary>What can be drawn of the report, in its order.</summary>
    public static ImmutableArray<Figure> Of(RunReport report) =>
        [.. HeatMaps(report), .. Distributions(report), .. TrainingFigures.Of(report), .. report.Analysis is { } analysis ? AnalysisFigures.Of(analysis, ReportFigures.Generators(report)) : []];

    /// <summary>One per student: generators by settings.</summary>
    internal static IEnumerable<Figure> HeatMaps(RunReport report)
    {
        var students = report.Recovery.Estimates.Select(estimate => estimate.Student).Distinct().ToList();
        foreach (var (place, student) in students.Index())
        {
            var cells = report.Recovery.Estimates.Where(estimate => estimate.Student == student && estimate.Scope is RecoveryScope.OneSetting)
                .ToDictionary(estimate => (estimate.Generator, ((RecoveryScope.OneSetting)estimate.Scope).Setting), estimate => (estimate.Pgr as PerformanceGapRecovered.Percent)?.Value);
            var settings = cells.Keys.Select(cell => cell.Setting).Distinct().Order().ToArray();
            var generators = cells.Keys.Select(cell => cell.Generator).Distinct().Reverse().ToArray();      // the axis counts from below
            if (settings.Length * generators.Length < 2 || cells.Values.All(value => value is null))
                continue;
            var values = new double[settings.Length, generators.Length];
            var model = AnalysisFigures.Empty(students.Count > 1 ? $"PGR of student {student}, %" : "PGR by generator and setting, %");
            for (var column = 0; column < settings.Length; column++)
            {
                for (var row = 0; row < generators.Length; row++)
                {
                    var value = cells.GetValueOrDefault((generators[row], settings[column]));
                    values[column, row] = value ?? double.NaN;
                    model.Annotations.Add(new TextAnnotation
                    {
                        Text = value is { } known ? ReportText.Number(known) : ReportText.NotMeasured,
                        TextPosition = new DataPoint(column, row),
                        TextVerticalAlignment = VerticalAlignment.Middle,
                        TextColor = FigureColors.OnCells,
                        StrokeThickness = 0,
                    });
                }
            }
            var range = Math.Max(100, cells.Values.OfType<double>().Max(Math.Abs));
            model.Axes.Add(new CategoryAxis { Position = AxisPosition.Bottom, ItemsSource = settings.Select(ReportFigures.Abbreviated).ToArray(), IsTickCentered = true });
            model.Axes.Add(new CategoryAxis { Position = AxisPosition.Left, ItemsSource = generators.Select(name => IntervalPlot.Shortened(name, 24)).ToArray(), IsTickCentered = true });
            model.Axes.Add(new LinearColorAxis { Palette = FigureColors.Diverging, InvalidNumberColor = FigureColors.NoCell, Minimum = -range, Maximum = range, Position = AxisPosition.None });
            model.Series.Add(new HeatMapSeries { X0 = 0, X1 = Math.Max(1, settings.Length - 1), Y0 = 0, Y1 = Math.Max(1, generators.Length - 1), Data = Widened(values), RenderMethod = HeatMapRenderMethod.Rectangles, Interpolate = false });
            (model.Axes[0].Minimum, model.Axes[0].Maximum) = (-0.5, settings.Length - 0.5);
            (model.Axes[1].Minimum, model.Axes[1].Maximum) = (-0.5, generators.Length - 0.5);
            yield return new Figure(place == 0 ? "pgr_heat_map" : $"pgr_heat_map_{place + 1}", model, "Generators by settings: blue above 0, where the base model stands, orange below. The table of PGR holds the same figures with their intervals.", 90 + 26 * generators.Length);
        }
    }

    /// <summary>One per metric that instances have one by one: a box a data set.</summary>
    internal static IEnumerable<Figure> Distributions(RunReport report)
    {
        var generators = ReportFigures.Generators(report);
        var metrics = report.Profiles.SelectMany(profile => profile.Metrics).Where(metric => metric.Spread is not null).Select(metric => metric.Name).Distinct();
        foreach (var metric in metrics)
        {
            // Sets of one setting lie together, and the axis counts from below.
            var rows = (from profile in report.Profiles
                        from one in profile.Metrics
                        where one.Name == metric && one.Spread is not null
                        orderby profile.Setting
                        select (profile.Generator, profile.Setting, Spread: one.Spread!)).Reverse().ToArray();
            var model = AnalysisFigures.Empty($"{metric.Replace('_', ' ')}: median, quartiles, 5 % to 95 %");
            model.Axes.Add(new CategoryAxis
            {
                Position = AxisPosition.Left,
                ItemsSource = rows.Select(row => IntervalPlot.Shortened(row.Setting is { } setting ? $"{row.Generator}, {ReportFigures.Abbreviated(setting).Replace('\n', ' ')}" : row.Generator, 34)).ToArray(),
                GapWidth = 0.3,
                FontSize = 9,
                IsTickCentered = true,
            });
            // Skewed ones, such as lengths and perplexities, would press their mass against the axis.
            var isSkewed = rows.All(row => row.Spread.P5 > 0) && rows.Max(row => row.Spread.P95) / rows.Min(row => row.Spread.P5) > 20;
            model.Axes.Add(isSkewed
                ? new LogarithmicAxis { Position = AxisPosition.Bottom, MinimumPadding = 0.05, MaximumPadding = 0.05, MajorGridlineStyle = LineStyle.Solid, MajorGridlineColor = FigureColors.Grid }
                : new LinearAxis { Position = AxisPosition.Bottom, MinimumPadding = 0.05, MaximumPadding = 0.05, MajorGridlineStyle = LineStyle.Solid, MajorGridlineColor = FigureColors.Grid });
            foreach (var (place, row) in rows.Index())
            {
                var color = FigureColors.Of(Math.Max(0, generators.IndexOf(row.Generator)));
                foreach (var (from, to, thickness) in ((double, double, double)[])[(row.Spread.P5, row.Spread.P95, 1.5), (row.Spread.P25, row.Spread.P75, 6)])
                {
                    var line = new LineSeries { Color = color, StrokeThickness = thickness };
                    line.Points.AddRange([new DataPoint(from, place), new DataPoint(to, place)]);
                    model.Series.Add(line);
                }
                var median = new ScatterSeries { MarkerType = MarkerType.Circle, MarkerSize = 2.5, MarkerFill = OxyColors.White, MarkerStroke = OxyColors.Black, MarkerStrokeThickness = 1 };
                median.Points.Add(new ScatterPoint(row.Spread.P50, place));
                model.Series.Add(median);
            }
            (model.Axes[0].Minimum, model.Axes[0].Maximum) = (-0.6, rows.Length - 0.4);
            yield return new Figure($"distribution_{metric}", model, string.Create(CultureInfo.InvariantCulture, $"{metric.Replace('_', ' ')} of the instances of {rows.Length} data sets: a thin line from the 5th to the 95th percentile, a thick one between the quartiles, a dot at the median."), 80 + 15 * rows.Length);
        }
    }

    // The series puts values at the centres between its ends and cannot have only one.
    private static double[,] Widened(double[,] values)
    {
        var (columns, rows) = (Math.Max(2, values.GetLength(0)), Math.Max(2, values.GetLength(1)));
        var wide = new double[columns, rows];
        for (var column = 0; column < columns; column++)
            for (var row = 0; row < rows; row++)
                wide[column, row] = column < values.GetLength(0) && row < values.GetLength(1) ? values[column, row] : double.NaN;
        return wide;
    }
}
