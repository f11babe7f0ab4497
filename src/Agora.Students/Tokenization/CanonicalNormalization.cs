using System.Globalization;
using System.Text;

namespace Agora.Students.Tokenization;

/// <summary>Unicode's normalization forms C and D (UAX #15).</summary>
/// <remarks>
/// The program runs in .NET's invariant mode, where <see cref="string.Normalize()"/> returns its input unchanged without saying so: hence
/// our own, over the tables of the Unicode Character Database in canonical-mappings.txt.
/// </remarks>
internal static class CanonicalNormalization
{
    private const int HangulBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TrailBase = 0x11A7;
    private const int Vowels = 21, Trails = 28, HangulCount = 19 * Vowels * Trails;

    private static readonly Lazy<CanonicalMappings> Mappings = new(CanonicalMappings.Read);

    /// <summary>Form C.</summary>
    public static string Compose(string text)
    {
        if (IsComposed(text))
            return text;
        var points = Decomposed(text);
        var composed = new List<int>(points.Length);
        var starter = -1;          // place in composed of the last character of class 0
        var lastClass = 0;         // of the last character after it that was kept
        foreach (var point in points)
        {
            var combining = Mappings.Value.ClassOf(point);
            var blocked = starter < 0 || (starter != composed.Count - 1 && lastClass >= combining);
            if (!blocked && Pair(composed[starter], point) is { } pair)
            {
                composed[starter] = pair;
                continue;
            }
            if (combining == 0)
                starter = composed.Count;
            lastClass = combining;
            composed.Add(point);
        }
        return TextOf(composed);
    }

    /// <summary>Whether nothing in the text can change: the rule for almost every text, and much faster than finding out by doing.</summary>
    private static bool IsComposed(ReadOnlySpan<char> text)
    {
        // Nothing below U+0300 combines with what stands before it, and all of it is composed already.
        while (text.IndexOfAnyExceptInRange('\0', '\u02FF') is var at and >= 0)
        {
            Rune.DecodeFromUtf16(text[at..], out var rune, out var length);
            if (Mappings.Value.MayChange(rune.Value))
                return false;
            text = text[(at + length)..];
        }
        return true;
    }

    /// <summary>Form D.</summary>
    public static string Decompose(string text) =>
        text.AsSpan().IndexOfAnyExceptInRange('\0', '\u00BF') < 0 ? text : TextOf(Decomposed(text));

    private static int[] Decomposed(string text)
    {
        var points = new List<int>(text.Length + 16);
        foreach (var rune in text.EnumerateRunes())
            Expand(rune.Value, points);
        var result = points.ToArray();
        // Marks between two characters of class 0 go in the order of their classes, equal ones in the order of the text.
        for (var start = 0; start < result.Length;)
        {
            var end = start;
            while (end < result.Length && Mappings.Value.ClassOf(result[end]) != 0)
                end++;
            if (end - start > 1)
                OrderMarks(result.AsSpan(start, end - start));
            start = end + 1;
        }
        return result;
    }

    private static void OrderMarks(Span<int> marks)
    {
        var keys = new long[marks.Length];
        for (var i = 0; i < marks.Length; i++)
            keys[i] = (long)Mappings.Value.ClassOf(marks[i]) << 32 | (uint)i;
        keys.AsSpan().Sort(marks);
    }

    private static void Expand(int point, List<int> output)
    {
        var syllable = point - HangulBase;
        if (syllable is >= 0 and < HangulCount)
        {
            output.Add(LeadBase + syllable / (Vowels * Trails));
            output.Add(VowelBase + syllable % (Vowels * Trails) / Trails);
            if (syllable % Trails != 0)
                output.Add(TrailBase + syllable % Trails);
        }
        else if (Mappings.Value.Decompositions.TryGetValue(point, out var parts))
        {
            Expand(parts.First, output);
            if (parts.Second != 0)
                output.Add(parts.Second);
        }
        else
            output.Add(point);
    }

    private static int? Pair(int first, int second)
    {
        if (first is >= LeadBase and < LeadBase + 19 && second is >= VowelBase and < VowelBase + Vowels)
            return HangulBase + ((first - LeadBase) * Vowels + (second - VowelBase)) * Trails;
        if (first - HangulBase is >= 0 and < HangulCount && (first - HangulBase) % Trails == 0 && second is > TrailBase and < TrailBase + Trails)
            return first + (second - TrailBase);
        return Mappings.Value.Compositions.TryGetValue((first, second), out var composed) ? composed : null;
    }

    private static string TextOf(IReadOnlyList<int> points)
    {
        var text = new StringBuilder(points.Count);
        Span<char> units = stackalloc char[2];
        foreach (var point in points)
            text.Append(units[..new Rune(point).EncodeToUtf16(units)]);
        return text.ToString();
    }

    private sealed class CanonicalMappings
    {
        private readonly Dictionary<int, byte> classes = [];
        // Marks, what comes second in a composition, and what decomposes for good: a text without these is in form C.
        private readonly HashSet<int> changing = [];

        public Dictionary<int, (int First, int Second)> Decompositions { get; } = [];
        public Dictionary<(int First, int Second), int> Compositions { get; } = [];

        public int ClassOf(int point) => point < 0x300 ? 0 : classes.GetValueOrDefault(point);

        public bool MayChange(int point) => changing.Contains(point) || point is >= VowelBase and < TrailBase + Trails;

        public static CanonicalMappings Read()
        {
            var mappings = new CanonicalMappings();
            using var resource = typeof(CanonicalMappings).Assembly.GetManifestResourceStream("canonical-mappings.txt")
                ?? throw new InvalidOperationException("canonical-mappings.txt is not embedded in the assembly");
            using var lines = new StreamReader(resource);
            while (lines.ReadLine() is { } line)
                if (line.Length > 0 && line[0] != '#')
                    mappings.Add(line.Split(' '));
            return mappings;
        }

        private void Add(string[] fields)
        {
            switch (fields)
            {
                case ["class", var value, var first, var last]:
                    for (var point = Hex(first); point <= Hex(last); point++)
                    {
                        classes[point] = byte.Parse(value, CultureInfo.InvariantCulture);
                        changing.Add(point);
                    }
                    break;
                case ["pair", var whole, var first, var second]:
                    Decompositions[Hex(whole)] = (Hex(first), Hex(second));
                    Compositions[(Hex(first), Hex(second))] = Hex(whole);
                    changing.Add(Hex(second));
                    break;
                case ["apart", var whole, var first, .. var second]:
                    Decompositions[Hex(whole)] = (Hex(first), second is [var only] ? Hex(only) : 0);
                    changing.Add(Hex(whole));
                    break;
                default:
                    throw new InvalidOperationException($"canonical-mappings.txt has a line of an unknown kind: {string.Join(' ', fields)}");
            }
        }

        private static int Hex(string text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
    }
}
