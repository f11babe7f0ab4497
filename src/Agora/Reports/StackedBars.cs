using System.Collections.Immutable;

namespace Agora.Reports;

/// <summary>Horizontal bars of parts that add up.</summary>
internal sealed record StackedBars
{
    private const double Width = 860, Left = 260, Right = 170, RowHeight = 22, Top = 6, Bottom = 6;

    public required string Title { get; init; }
    /// <summary>For those who do not see the figure.</summary>
    public required string Description { get; init; }
    /// <summary>Names of the parts, in the order of <see cref="BarRow.Parts"/>.</summary>
    public required ImmutableArray<string> Series { get; init; }
    public required ImmutableArray<BarRow> Rows { get; init; }

    public Markup Render(string id)
    {
        var longest = Math.Max(1, Rows.Max(row => row.Parts.Sum()));
        var height = Top + Bottom + RowHeight * Rows.Length;
        var parts = new List<Markup>();
        foreach (var (index, row) in Rows.Index())
        {
            var y = Top + RowHeight * index;
            parts.Add(Markup.Of($"""<text x="0" y="{y + 15}">{IntervalPlot.Shortened(row.Label, 40)}</text>"""));
            var x = Left;
            foreach (var (series, part) in row.Parts.Index())
            {
                var length = part / longest * (Width - Left - Right);
                if (length > 0)
                    parts.Add(Markup.Of($"""<rect class="bar s{series % PlotMarker.Series}" x="{x}" y="{y + 3}" width="{length}" height="{RowHeight - 6}"><title>{Series[series]}: {ReportText.Count((long)part)}</title></rect>"""));
                x += length;
            }
            parts.Add(Markup.Of($"""<text class="value" x="{Width}" y="{y + 15}">{row.Text}</text>"""));
        }
        return Markup.Of($"""
            <ul class="legend">{Markup.Join(Series.Select((name, series) => Markup.Of($"""<li><svg class="key" viewBox="0 0 12 12" aria-hidden="true"><rect class="bar s{series % PlotMarker.Series}" width="12" height="12"/></svg>{name}</li>""")))}</ul>
            <svg role="img" aria-labelledby="{id}-title {id}-description" viewBox="0 0 {Width} {height}">
            <title id="{id}-title">{Title}</title><desc id="{id}-description">{Description}</desc>
            {Markup.Join(parts, "\n")}
            </svg>
            """);
    }
}

/// <param name="Text">The figures, beside the bar.</param>
internal sealed record BarRow(string Label, ImmutableArray<double> Parts, string Text);
