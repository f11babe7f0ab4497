using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Agora.Reports;

/// <summary>HTML or SVG that is safe to send to a browser: what stands in a hole of an interpolated string is escaped, unless it is markup itself.</summary>
/// <remarks>Models write what they like, also tags and characters that turn the reading direction around; by this type nothing of it can get through by accident.</remarks>
internal readonly record struct Markup(string Text)
{
    public static readonly Markup None = new("");

    public static Markup Of(MarkupHandler written) => new(written.ToString());

    public static Markup Join(IEnumerable<Markup> parts, string between = "") => new(string.Join(between, parts.Select(part => part.Text)));

    public override string ToString() => Text;

    /// <summary>Text as a browser shows it literally, in elements as in attributes.</summary>
    internal static void Escape(StringBuilder target, string text)
    {
        foreach (var rune in text.EnumerateRunes())      // a lone surrogate comes out as U+FFFD
        {
            switch (rune.Value)
            {
                case '&': target.Append("&amp;"); break;
                case '<': target.Append("&lt;"); break;
                case '>': target.Append("&gt;"); break;
                case '"': target.Append("&quot;"); break;
                case '\'': target.Append("&#39;"); break;
                default: Show(target, rune); break;
            }
        }
    }

    /// <summary>Text for where something else escapes: controls, and marks that reorder or hide text, are shown by name.</summary>
    internal static string Shown(string text)
    {
        var shown = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            Show(shown, rune);
        return shown.ToString();
    }

    private static void Show(StringBuilder target, Rune rune)
    {
        if (rune.Value is not ('\n' or '\t') and (< 0x20 or (>= 0x7f and < 0xa0) or 0x200b or 0x200e or 0x200f or (>= 0x202a and <= 0x202e) or (>= 0x2060 and <= 0x206f) or 0xfeff))
            target.Append(CultureInfo.InvariantCulture, $"⟨U+{rune.Value:X4}⟩");
        else
            target.Append(rune.ToString());
    }
}

/// <summary>Builds <see cref="Markup"/>; literals of the source pass as they are.</summary>
[InterpolatedStringHandler]
internal readonly ref struct MarkupHandler(int literalLength, int formattedCount)
{
    private readonly StringBuilder text = new(literalLength + 16 * formattedCount);

    public void AppendLiteral(string literal) => text.Append(literal);

    public void AppendFormatted(Markup markup) => text.Append(markup.Text);

    public void AppendFormatted(string? value) => Markup.Escape(text, value ?? "");

    // Of its own: as a double a seed would lose its last digits.
    public void AppendFormatted(long value) => text.Append(value.ToString(CultureInfo.InvariantCulture));

    /// <summary>Two decimals: a hundredth of a pixel.</summary>
    public void AppendFormatted(double value) => text.Append(Math.Round(value, 2).ToString("0.##", CultureInfo.InvariantCulture));

    public override string ToString() => text.ToString();
}
