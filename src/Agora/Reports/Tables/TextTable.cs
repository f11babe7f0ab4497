using System.Collections.Immutable;
using System.Globalization;

namespace Agora.Reports.Tables;

/// <summary>A table for people and for programs: rendered as Markdown, LaTeX, CSV, HTML and on the terminal from one record.</summary>
public sealed record TextTable
{
    /// <summary>File names without ending, e.g. <c>components</c>.</summary>
    public required string Id { get; init; }
    public required string Title { get; init; }
    public required ImmutableArray<TextColumn> Columns { get; init; }
    public required ImmutableArray<ImmutableArray<TextCell>> Rows { get; init; }
    /// <summary>Below the table, one paragraph each.</summary>
    public ImmutableArray<string> Notes { get; init; } = [];
}

/// <param name="IsNumeric">Aligned to the right.</param>
public sealed record TextColumn(string Title, bool IsNumeric = false)
{
    public static implicit operator TextColumn(string title) => new(title);
}

/// <param name="Text">As people read it.</param>
/// <param name="Number">In full, for programs; null where the cell is no number.</param>
public sealed record TextCell(string Text, double? Number = null)
{
    public static implicit operator TextCell(string text) => new(text);

    /// <param name="format">Of the text; the number keeps all its digits.</param>
    public static TextCell Of(double? number, string format) => number is { } value
        ? new(Rounded(value, format), value)
        : new("–");

    /// <summary>Two digits of a value that a few decimals would show as zero; null of any other.</summary>
    /// <param name="least">The smallest amount that the decimals show.</param>
    internal static string? Tiny(double value, double least) => Math.Abs(value) is var size && size > 0 && size < least
        ? value.ToString(size < 1e-6 ? "0.0e-0" : $"0.{new string('0', (int)-Math.Floor(Math.Log10(size)) - 1)}0#", CultureInfo.InvariantCulture)
        : null;

    public static TextCell Count(long count) => new(count.ToString("#,0", CultureInfo.InvariantCulture), count);

    // A value that rounds to zero has no sign.
    private static string Rounded(double value, string format) =>
        value.ToString(format, CultureInfo.InvariantCulture) is var text && text.StartsWith('-') && text.AsSpan(1).IndexOfAnyInRange('1', '9') < 0 ? text[1..] : text;
}
