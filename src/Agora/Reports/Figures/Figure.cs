using System.Globalization;
using System.Xml.Linq;
using OxyPlot;

namespace Agora.Reports.Figures;

/// <summary>Draws a figure as PNG, on white.</summary>
/// <param name="width">In the figure's units, as in its SVG.</param>
/// <param name="height">As <paramref name="width"/>.</param>
public delegate byte[] DrawPng(PlotModel model, double width, double height);

/// <summary>One drawing, at a column's width: as an SVG document, as PNG, and as a part of a page.</summary>
public sealed class Figure
{
    private const double ColumnWidth = 480;

    private readonly PlotModel model;
    private readonly double height;
    private readonly Lazy<string> svg;

    /// <param name="height">In units of which a column is 480 wide.</param>
    internal Figure(string id, PlotModel model, string description, double height = 360)
    {
        (Id, Description, this.model, this.height) = (id, description, model, height);
        svg = new Lazy<string>(() => new SvgExporter { Width = ColumnWidth, Height = height, IsDocument = true, TextMeasurer = new WideText(height) }.ExportToString(model));
    }

    /// <summary>File name without ending.</summary>
    public string Id { get; }
    public string Title => model.Title;
    /// <summary>For those who do not see the figure.</summary>
    public string Description { get; }
    /// <summary>A whole document on white.</summary>
    public string Svg => svg.Value;

    public byte[] Png(DrawPng draw) => draw(model, ColumnWidth, height);

    /// <summary>The drawing as an element of a page: it takes the page's colours, light or dark, and scales with its column.</summary>
    internal Markup Inline()
    {
        var root = XDocument.Parse(Svg).Root!;
        foreach (var element in root.DescendantsAndSelf())
        {
            if (element.Attribute("id") is { } id)
                id.Value = $"{Id}-{id.Value}";      // ids are the page's, and every figure counts its own from 1
            if (element.Attribute("clip-path") is { } clip)
                clip.Value = clip.Value.Replace("url(#", $"url(#{Id}-", StringComparison.Ordinal);
            if (element.Attribute("style") is { } style)
                style.Value = FigureColors.OfPage(style.Value);
            // Presentation attributes know no variables.
            if (element.Attribute("fill") is { } fill && FigureColors.OfPage($"fill:{fill.Value}") is var themed)
            {
                fill.Remove();
                element.SetAttributeValue("style", themed);
            }
        }
        root.Attribute("width")?.Remove();
        root.Attribute("height")?.Remove();
        root.SetAttributeValue("viewBox", string.Create(CultureInfo.InvariantCulture, $"0 0 {ColumnWidth:0} {height:0}"));
        root.SetAttributeValue("role", "img");
        root.SetAttributeValue("aria-labelledby", $"{Id}-title {Id}-description");
        root.AddFirst(
            new XElement(root.Name.Namespace + "title", new XAttribute("id", $"{Id}-title"), Shown(Title)),
            new XElement(root.Name.Namespace + "desc", new XAttribute("id", $"{Id}-description"), Shown(Description)));
        return new Markup(root.ToString(SaveOptions.DisableFormatting));
    }

    // Generators' names stand in figures, too; what could turn the reading direction is shown by name.
    private static string Shown(string text) => Markup.Shown(text);

    // The library's own widths are narrower than what browsers draw, and it cuts text to them.
    private sealed class WideText(double height) : PdfRenderContext(ColumnWidth, height, OxyColors.Transparent)
    {
        public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight)
        {
            var size = base.MeasureText(text, fontFamily, fontSize, fontWeight);
            return new OxySize(1.35 * size.Width, size.Height);
        }
    }
}
