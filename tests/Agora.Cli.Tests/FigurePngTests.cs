using System.Buffers.Binary;
using Agora.Analysis.Published;
using Agora.Figures;
using Agora.Reports.Figures;
using Agora.Tests;
using SkiaSharp;

namespace Agora.Cli.Tests;

public sealed class FigurePngTests
{
    private static Figure Coarse => AnalysisFigures.Of(PublishedAnalysis.Of(Fixtures.Part("..", "paper")).Analysis)[0];

    [Fact]
    public void A_figure_is_a_png_at_two_and_a_half_times_its_size_and_the_same_bytes_again()
    {
        var png = Coarse.Png(SkiaFigures.Png);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], png[..4]);
        Assert.Equal((1200, 900), (BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20))));
        Assert.Equal(png, Coarse.Png(SkiaFigures.Png));
    }

    // The title's letters are in the picture although the program asks the system for no font: dark pixels where nothing but text is drawn.
    [Fact]
    public void Text_is_drawn_with_the_fonts_that_the_program_brings()
    {
        using var picture = SKBitmap.Decode(Coarse.Png(SkiaFigures.Png));
        var dark = 0;
        for (var y = 15; y < 70; y++)
            for (var x = 0; x < picture.Width; x++)
                if (picture.GetPixel(x, y) is { Red: < 100, Green: < 100, Blue: < 100 })
                    dark++;
        Assert.InRange(dark, 500, 20_000);
    }
}
