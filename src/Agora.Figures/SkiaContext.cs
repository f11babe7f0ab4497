using OxyPlot;
using SkiaSharp;

namespace Agora.Figures;

/// <summary>What the plotting library draws on. Its own package for Skia asks the system for fonts, and draws no text where there are none.</summary>
internal sealed class SkiaContext(SKCanvas canvas) : ClippingRenderContext, IDisposable
{
    // A letter that the font lacks is drawn by one of the system's, if it has any; otherwise as an empty box.
    private static readonly SKTypeface Roboto = Load();

    private readonly SKPaint paint = new() { IsAntialias = true };
    private readonly SKFont font = new() { Subpixel = true, Edging = SKFontEdging.Antialias, Hinting = SKFontHinting.None };

    public override void DrawLine(IList<ScreenPoint> points, OxyColor stroke, double thickness, EdgeRenderingMode edgeRenderingMode, double[] dashArray, LineJoin lineJoin)
    {
        if (points.Count < 2 || !IsVisible(stroke, thickness))
            return;
        using var path = Path(points, close: false);
        Stroke(path, stroke, thickness, dashArray, lineJoin);
    }

    public override void DrawPolygon(IList<ScreenPoint> points, OxyColor fill, OxyColor stroke, double thickness, EdgeRenderingMode edgeRenderingMode, double[] dashArray, LineJoin lineJoin)
    {
        using var path = Path(points, close: true);
        if (fill.IsVisible())
        {
            paint.Style = SKPaintStyle.Fill;
            paint.Color = Color(fill);
            canvas.DrawPath(path, paint);
        }
        if (IsVisible(stroke, thickness))
            Stroke(path, stroke, thickness, dashArray, lineJoin);
    }

    public override void DrawText(ScreenPoint p, string text, OxyColor fill, string fontFamily, double fontSize, double fontWeight, double rotation, HorizontalAlignment horizontalAlignment, VerticalAlignment verticalAlignment, OxySize? maxSize)
    {
        if (string.IsNullOrEmpty(text) || !fill.IsVisible())
            return;
        Choose(fontSize, fontWeight);
        paint.Style = SKPaintStyle.Fill;
        paint.Color = Color(fill);
        canvas.Save();
        canvas.Translate((float)p.X, (float)p.Y);
        canvas.RotateDegrees((float)rotation);
        var lines = text.Split('\n');
        var metrics = font.Metrics;
        var (ascent, spacing) = (-metrics.Ascent, metrics.Descent - metrics.Ascent);
        var y = ascent - verticalAlignment switch { VerticalAlignment.Top => 0, VerticalAlignment.Middle => lines.Length * spacing / 2, _ => lines.Length * spacing };
        foreach (var line in lines)
        {
            var x = horizontalAlignment switch { HorizontalAlignment.Left => 0, HorizontalAlignment.Center => -Width(line) / 2, _ => -Width(line) };
            foreach (var (part, typeface) in Parts(line))
            {
                font.Typeface = typeface;
                canvas.DrawText(part, x, y, font, paint);
                x += font.MeasureText(typeface.GetGlyphs(part));
            }
            y += spacing;
        }
        canvas.Restore();
    }

    public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight)
    {
        if (string.IsNullOrEmpty(text))
            return OxySize.Empty;
        Choose(fontSize, fontWeight);
        var lines = text.Split('\n');
        var metrics = font.Metrics;
        return new OxySize(lines.Max(Width), lines.Length * (metrics.Descent - metrics.Ascent));
    }

    protected override void SetClip(OxyRect clippingRectangle)
    {
        canvas.Save();
        canvas.ClipRect(new SKRect((float)clippingRectangle.Left, (float)clippingRectangle.Top, (float)clippingRectangle.Right, (float)clippingRectangle.Bottom));
    }

    protected override void ResetClip() => canvas.Restore();

    public void Dispose()
    {
        paint.Dispose();
        font.Dispose();
    }

    private void Stroke(SKPath path, OxyColor stroke, double thickness, double[]? dashes, LineJoin join)
    {
        paint.Style = SKPaintStyle.Stroke;
        paint.Color = Color(stroke);
        paint.StrokeWidth = (float)thickness;
        paint.StrokeJoin = join switch { LineJoin.Round => SKStrokeJoin.Round, LineJoin.Bevel => SKStrokeJoin.Bevel, _ => SKStrokeJoin.Miter };
        using var effect = dashes is { Length: > 0 } ? SKPathEffect.CreateDash([.. dashes.Select(dash => (float)(dash * thickness))], 0) : null;
        paint.PathEffect = effect;
        canvas.DrawPath(path, paint);
        paint.PathEffect = null;
    }

    private void Choose(double size, double weight)
    {
        font.Typeface = Roboto;
        font.Size = (float)size;
        font.Embolden = weight > 500;
    }

    private float Width(string line)
    {
        var width = 0f;
        foreach (var (part, typeface) in Parts(line))
        {
            font.Typeface = typeface;
            width += font.MeasureText(typeface.GetGlyphs(part));
        }
        font.Typeface = Roboto;
        return width;
    }

    // Runs of letters that one font has.
    private static IEnumerable<(string Text, SKTypeface Typeface)> Parts(string line)
    {
        var (start, current) = (0, (SKTypeface?)null);
        var place = 0;
        foreach (var rune in line.EnumerateRunes())
        {
            var typeface = Roboto.ContainsGlyph(rune.Value) ? Roboto : SKFontManager.Default.MatchCharacter(rune.Value) ?? Roboto;
            if (current is not null && typeface.FamilyName != current.FamilyName)
            {
                yield return (line[start..place], current);
                start = place;
            }
            current = typeface;
            place += rune.Utf16SequenceLength;
        }
        if (current is not null)
            yield return (line[start..place], current);
    }

    private static bool IsVisible(OxyColor stroke, double thickness) => stroke.IsVisible() && thickness > 0;

    private static SKColor Color(OxyColor color) => new(color.R, color.G, color.B, color.A);

    private static SKPath Path(IList<ScreenPoint> points, bool close)
    {
        var path = new SKPath();
        path.MoveTo((float)points[0].X, (float)points[0].Y);
        foreach (var point in points.Skip(1))
            path.LineTo((float)point.X, (float)point.Y);
        if (close)
            path.Close();
        return path;
    }

    private static SKTypeface Load()
    {
        using var file = typeof(SkiaContext).Assembly.GetManifestResourceStream("Roboto-Regular.ttf") ?? throw new InvalidOperationException("the font is not in the assembly");
        return SKTypeface.FromStream(file) ?? throw new InvalidOperationException("the font cannot be read");
    }
}
