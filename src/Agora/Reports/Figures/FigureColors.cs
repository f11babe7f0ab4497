using OxyPlot;

namespace Agora.Reports.Figures;

/// <summary>Colours of figures: series by series after Okabe and Ito, darkened where they would be faint on white, and each the same generator's in every figure of a report.</summary>
internal static class FigureColors
{
    private static readonly string[] Series = ["0072b2", "d55e00", "009e73", "a8548a", "8a6d00", "3b8fc4", "4d4d4d", "b0413e"];
    private static readonly MarkerType[] Markers = [MarkerType.Circle, MarkerType.Square, MarkerType.Diamond, MarkerType.Triangle];

    public static readonly OxyColor Grid = OxyColor.FromRgb(0xd5, 0xdb, 0xe1);
    public static readonly OxyColor Line = OxyColor.FromRgb(0x59, 0x62, 0x6c);
    /// <summary>On cells of a heat map, which have the same colours in the dark.</summary>
    public static readonly OxyColor OnCells = OxyColor.FromRgb(0x11, 0x11, 0x11);
    public static readonly OxyColor NoCell = OxyColor.FromRgb(0xe6, 0xe6, 0xe6);

    public static OxyColor Of(int series) => OxyColor.Parse($"#{Series[series % Series.Length]}");

    /// <summary>Series differ by shape as well as by colour.</summary>
    public static MarkerType MarkerOf(int series) => Markers[series % Markers.Length];

    /// <summary>From orange by white to blue, all light enough for dark text.</summary>
    public static OxyPalette Diverging { get; } = OxyPalette.Interpolate(41, OxyColor.FromRgb(0xf4, 0xa5, 0x6a), OxyColor.FromRgb(0xfb, 0xdc, 0xc4), OxyColor.FromRgb(0xf7, 0xf7, 0xf7), OxyColor.FromRgb(0xc3, 0xdc, 0xee), OxyColor.FromRgb(0x7f, 0xb8, 0xe0));

    /// <summary>A style's colours by the page's variables.</summary>
    public static string OfPage(string style)
    {
        foreach (var (from, to) in Variables)
            style = style.Replace(from, to, StringComparison.Ordinal);
        return style;
    }

    private static readonly (string, string)[] Variables =
    [
        (":black", ":var(--text)"), (":rgb(0,0,0)", ":var(--text)"), (":white", ":var(--back)"), (":rgb(255,255,255)", ":var(--back)"),
        ($":{Written(Grid)}", ":var(--line)"), ($":{Written(Line)}", ":var(--soft)"),
        .. Series.Select((_, series) => ($":{Written(Of(series))}", $":var(--s{series})")),
    ];

    private static string Written(OxyColor color) => $"rgb({color.R},{color.G},{color.B})";
}
