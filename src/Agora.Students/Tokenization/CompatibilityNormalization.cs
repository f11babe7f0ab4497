using System.Globalization;
using System.Text;

namespace Agora.Students.Tokenization;

/// <summary>Unicode's normalization forms KC and KD (UAX #15): ligatures, full-width letters and the like become what they stand for, then form C or D.</summary>
/// <remarks>Our own for the reason that <see cref="CanonicalNormalization"/> gives.</remarks>
internal static class CompatibilityNormalization
{
    private static readonly Lazy<Dictionary<int, string>> Mappings = new(Read);

    /// <summary>Form KC.</summary>
    public static string Compose(string text) => Ascii.IsValid(text) ? text : CanonicalNormalization.Compose(Expanded(text));

    /// <summary>Form KD.</summary>
    public static string Decompose(string text) => Ascii.IsValid(text) ? text : CanonicalNormalization.Decompose(Expanded(text));

    // Canonical first: a character that is apart only canonically may hold one that stands for another.
    private static string Expanded(string text)
    {
        var decomposed = CanonicalNormalization.Decompose(text);
        var expanded = new StringBuilder(decomposed.Length);
        foreach (var rune in decomposed.EnumerateRunes())
            Append(rune, expanded);
        return expanded.ToString();
    }

    private static void Append(Rune rune, StringBuilder output)
    {
        if (!Mappings.Value.TryGetValue(rune.Value, out var stands))
        {
            Span<char> units = stackalloc char[2];
            output.Append(units[..rune.EncodeToUtf16(units)]);
            return;
        }
        foreach (var part in CanonicalNormalization.Decompose(stands).EnumerateRunes())
            Append(part, output);
    }

    private static Dictionary<int, string> Read()
    {
        using var resource = typeof(CompatibilityNormalization).Assembly.GetManifestResourceStream("compatibility-mappings.txt")
            ?? throw new InvalidOperationException("compatibility-mappings.txt is not embedded in the assembly");
        using var lines = new StreamReader(resource);
        var mappings = new Dictionary<int, string>();
        while (lines.ReadLine() is { } line)
            if (line.Length > 0 && line[0] != '#' && line.Split(' ') is [var point, .. var parts])
                mappings[Hex(point)] = string.Concat(parts.Select(part => char.ConvertFromUtf32(Hex(part))));
        return mappings;
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
