using OxyPlot;
using SkiaSharp;

namespace Agora.Figures;

/// <summary>Figures as PNG, drawn by Skia with a font of their own.</summary>
public static class SkiaFigures
{
    /// <summary>Pixels per unit of the figure: at a column's width of 3.3 inches, 360 dots an inch.</summary>
    private const float Scale = 2.5f;

    /// <param name="width">In the figure's units, as in its SVG.</param>
    /// <param name="height">As <paramref name="width"/>.</param>
    /// <returns>The same bytes for the same figure on every machine with the same processor architecture.</returns>
    public static byte[] Png(PlotModel model, double width, double height)
    {
        using var bitmap = new SKBitmap((int)Math.Ceiling(width * Scale), (int)Math.Ceiling(height * Scale), SKColorType.Rgba8888, SKAlphaType.Premul);
        using (var canvas = new SKCanvas(bitmap))
        using (var context = new SkiaContext(canvas))
        {
            canvas.Clear(SKColors.White);
            canvas.Scale(Scale);
            ((IPlotModel)model).Update(updateData: true);
            ((IPlotModel)model).Render(context, new OxyRect(0, 0, width, height));
        }
        using var image = bitmap.Encode(SKEncodedImageFormat.Png, quality: 100);
        return image.ToArray();
    }
}
