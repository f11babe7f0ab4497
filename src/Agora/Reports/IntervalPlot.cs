using System.Collections.Immutable;
using System.Globalization;

namespace Agora.Reports;

/// <summary>Estimates with their intervals on one axis, in groups: a forest plot.</summary>
internal sealed record IntervalPlot
{
    private const double Width = 860, Left = 190, Right = 150, RowHeight = 20, GroupHeight = 26, Top = 30, Bottom = 34;

    public required string Title { get; init; }
    /// <summary>For those who do not see the figure.</summary>
    public required string Description { get; init; }
    public required string Axis { get; init; }
    public required ImmutableArray<PlotGroup> Groups { get; init; }
    /// <summary>The axis covers at least this, and everything that is drawn, but nothing beyond <see cref="Limit"/>.</summary>
    public required (double Low, double High) Range { get; init; }
    /// <summary>What lies outside is marked by an arrow at the edge; its figures stand beside it.</summary>
    public required (double Low, double High) Limit { get; init; }
    /// <summary>Vertical lines.</summary>
    public ImmutableArray<double> References { get; init; } = [];

    public Markup Render(string id)
    {
        var points = Groups.SelectMany(group => group.Rows).SelectMany(row => new[] { row.Value, row.Low, row.High }).OfType<double>().ToList();
        var low = Math.Max(Limit.Low, points.Append(Range.Low).Min());
        var high = Math.Min(Limit.High, points.Append(Range.High).Max());
        var step = Step(high - low);
        (low, high) = (Math.Floor(low / step) * step, Math.Ceiling(high / step) * step);
        double X(double value) => Left + (Math.Clamp(value, low, high) - low) / (high - low) * (Width - Left - Right);

        var height = Top + Bottom + Groups.Sum(group => GroupHeight + RowHeight * group.Rows.Length);
        var parts = new List<Markup>();
        for (var tick = 0; tick <= (int)Math.Round((high - low) / step); tick++)
        {
            var value = low + tick * step;
            var kind = References.Contains(Math.Round(value, 9)) ? "reference" : "grid";
            // Beside rows only: a group's title may be wider than what is left of the axis.
            var from = Top;
            foreach (var group in Groups)
            {
                var to = from + GroupHeight + RowHeight * group.Rows.Length;
                parts.Add(Markup.Of($"""<line class="{kind}" x1="{X(value)}" x2="{X(value)}" y1="{from + GroupHeight}" y2="{to}"/>"""));
                from = to;
            }
            parts.Add(Markup.Of($"""<text class="tick" x="{X(value)}" y="{height - Bottom + 15}">{value.ToString("0.##", CultureInfo.InvariantCulture)}</text>"""));
        }
        var y = Top;
        foreach (var group in Groups)
        {
            parts.Add(Markup.Of($"""<text class="group" x="0" y="{y + GroupHeight - 8}">{group.Title}</text>"""));
            y += GroupHeight;
            foreach (var row in group.Rows)
            {
                var middle = y + RowHeight / 2;
                parts.Add(Markup.Of($"""<text x="10" y="{middle + 4}">{Shortened(row.Label, 28)}</text><text class="value" x="{Width}" y="{middle + 4}">{row.Text}</text>"""));
                parts.Add(Row(row, middle, X, low, high));
                y += RowHeight;
            }
        }
        return Markup.Of($"""
            <svg role="img" aria-labelledby="{id}-title {id}-description" viewBox="0 0 {Width} {height}">
            <title id="{id}-title">{Title}</title><desc id="{id}-description">{Description}</desc>
            {Markup.Join(parts, "\n")}
            <text class="axis" x="{(Left + Width - Right) / 2}" y="{height - 2}">{Axis}</text>
            </svg>
            """);
    }

    private static Markup Row(PlotRow row, double y, Func<double, double> x, double low, double high)
    {
        if (row.Value is not { } value)
            return Markup.None;
        var parts = new List<Markup>();
        if (row is { Low: { } from, High: { } to })
        {
            parts.Add(Markup.Of($"""<line class="whisker s{row.Series}" x1="{x(from)}" x2="{x(to)}" y1="{y}" y2="{y}"/>"""));
            if (from < low)
                parts.Add(Arrow(x(low), y, -6, row.Series));
            if (to > high)
                parts.Add(Arrow(x(high), y, 6, row.Series));
        }
        parts.Add(value < low ? Arrow(x(low), y, -6, row.Series) : value > high ? Arrow(x(high), y, 6, row.Series) : PlotMarker.At(x(value), y, row.Series));
        return Markup.Join(parts);
    }

    private static Markup Arrow(double x, double y, double length, int series) =>
        Markup.Of($"""<path class="marker s{series}" d="M{x + length} {y}l{-length} -5v10z"/>""");

    // 1, 2 or 5 times a power of ten, for about eight intervals.
    private static double Step(double range)
    {
        var rough = range / 8;
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        return power * (rough / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
    }

    internal static string Shortened(string label, int length) => label.Length <= length ? label : $"{label[..(length - 1)]}…";
}

internal sealed record PlotGroup(string Title, ImmutableArray<PlotRow> Rows);

/// <param name="Value">Null where there is none; the text says why.</param>
/// <param name="Series">Decides colour and shape.</param>
/// <param name="Text">The figures, beside the row.</param>
internal sealed record PlotRow(string Label, int Series, double? Value, double? Low, double? High, string Text);

/// <summary>Series differ by shape as well as by colour.</summary>
internal static class PlotMarker
{
    public const int Series = 8;

    public static Markup At(double x, double y, int series) => (series % 4) switch
    {
        0 => Markup.Of($"""<circle class="marker s{series}" cx="{x}" cy="{y}" r="4.5"/>"""),
        1 => Markup.Of($"""<rect class="marker s{series}" x="{x - 4}" y="{y - 4}" width="8" height="8"/>"""),
        2 => Markup.Of($"""<path class="marker s{series}" d="M{x} {y - 5.5}l5.5 5.5l-5.5 5.5l-5.5 -5.5z"/>"""),
        _ => Markup.Of($"""<path class="marker s{series}" d="M{x} {y - 5}l5.5 9.5h-11z"/>"""),
    };
}
