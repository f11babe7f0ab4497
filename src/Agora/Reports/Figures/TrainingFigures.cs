using System.Collections.Immutable;
using Agora.Experiments;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;

namespace Agora.Reports.Figures;

/// <summary>Loss curves: one figure for each student and setting, one line a generator and training seed.</summary>
internal static class TrainingFigures
{
    public static IEnumerable<Figure> Of(RunReport report)
    {
        var generators = report.Training.Select(one => one.Generator).Distinct().ToList();
        var students = report.Training.Select(one => one.Student).Distinct().ToList();
        foreach (var group in report.Training.Where(one => one.Losses.Length > 1).GroupBy(one => (one.Student, one.Setting)))
        {
            var model = AnalysisFigures.Empty(students.Count > 1 ? $"Training loss of {group.Key.Student}: {group.Key.Setting.Title()}" : $"Training loss: {group.Key.Setting.Title()}");
            model.Axes.Add(new LinearAxis { Position = AxisPosition.Bottom, Title = "optimiser step", AxisTitleDistance = 8, Minimum = 0, MaximumPadding = 0.02 });
            model.Axes.Add(new LinearAxis { Position = AxisPosition.Left, Title = "nats per response token", AxisTitleDistance = 8, Minimum = 0, MaximumPadding = 0.05, MajorGridlineStyle = LineStyle.Solid, MajorGridlineColor = FigureColors.Grid });
            model.Legends.Add(new Legend { LegendPlacement = LegendPlacement.Outside, LegendPosition = LegendPosition.BottomCenter, LegendOrientation = LegendOrientation.Horizontal, LegendLineSpacing = 4 });
            var named = new HashSet<string>();
            foreach (var one in group)
            {
                var place = generators.IndexOf(one.Generator);
                // Seeds of one generator share its colour and its name.
                AddLine(model, one.Losses, named.Add(one.Generator) ? one.Generator : null, place, LineStyle.Solid, MarkerType.None);
                if (!one.HeldOut.IsEmpty)
                    AddLine(model, one.HeldOut, named.Add(one.Generator + " held out") ? $"{one.Generator}, held out" : null, place, LineStyle.Dash, FigureColors.MarkerOf(place));
            }
            yield return new Figure(
                $"loss_{students.IndexOf(group.Key.Student)}_{group.Key.Setting.Domain.Name()}_{group.Key.Setting.Method.Name()}", model,
                "Mean loss of the response tokens over stretches of optimiser steps, and dashed the loss on rows that were not trained on. The table of training holds the first and last values.");
        }
    }

    private static void AddLine(PlotModel model, ImmutableArray<LossPoint> points, string? title, int place, LineStyle style, MarkerType marker)
    {
        var line = new LineSeries { Title = title, Color = FigureColors.Of(place), LineStyle = style, StrokeThickness = 1.3, MarkerType = marker, MarkerSize = 3, MarkerFill = FigureColors.Of(place), RenderInLegend = title is not null };
        line.Points.AddRange(points.Select(point => new DataPoint(point.Step, point.LossNats)));
        model.Series.Add(line);
    }
}
