using System.Collections.Frozen;
using System.Numerics;

namespace Agora.Benchmarks;

/// <summary>Numbers written in words: <c>twenty-one</c>, <c>one hundred</c>, <c>two thirds</c>, and the scales that follow digits: <c>2.5 million</c>.</summary>
internal static class NumberInWords
{
    private static readonly FrozenDictionary<string, int> Tens = new[] { "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety" }
        .Index().ToFrozenDictionary(word => word.Item, word => 10 * (word.Index + 2), StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenDictionary<string, BigInteger> Scales = new Dictionary<string, BigInteger>
    {
        ["thousand"] = 1_000,
        ["million"] = 1_000_000,
        ["billion"] = 1_000_000_000,
        ["trillion"] = 1_000_000_000_000,
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenDictionary<string, int> Parts = new[] { "half", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth" }
        .Index().SelectMany(word => new[] { (Word: word.Item, Of: word.Index + 2), (Word: word.Item + "s", Of: word.Index + 2) })
        .Concat([(Word: "halves", Of: 2), (Word: "quarter", Of: 4), (Word: "quarters", Of: 4)])
        .ToFrozenDictionary(word => word.Word, word => word.Of, StringComparer.OrdinalIgnoreCase);

    /// <summary>Words that make another number of the one before them, or no number.</summary>
    private static readonly FrozenSet<string> Joining = new[] { "and", "or", "to", "of", "less", "more", "minus", "plus", "times", "over", "by", "point" }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>What a thousand, a million … behind digits multiplies them by; null for other words.</summary>
    public static BigInteger? Scale(string words) => Scales.TryGetValue(words.Split(' ', 2)[0], out var scale) ? scale : null;

    /// <summary>The number that a text is, or begins with.</summary>
    /// <param name="isWhole">Whether nothing follows it. Otherwise it counts what follows: "two solutions".</param>
    public static ExactNumber? Read(string text, out bool isWhole)
    {
        var words = text.Split([' ', '-'], StringSplitOptions.RemoveEmptyEntries);
        var number = Whole(words, out var read);
        if (number is { } value && read < words.Length && Parts.TryGetValue(words[read], out var parts))
            (number, read) = (value / new ExactNumber(parts, 1), read + 1);
        isWhole = read == words.Length;
        return isWhole || (read > 0 && words.Length - read <= 4 && !Joining.Contains(words[read])) ? number : null;
    }

    private static ExactNumber? Whole(string[] words, out int read)
    {
        var (total, current) = (BigInteger.Zero, BigInteger.Zero);
        for (read = 0; read < words.Length; read++)
        {
            var word = words[read];
            if (LatexSpellings.NumberWords.TryGetValue(word, out var small) && (current % 100 == 0 || (small is > 0 and < 10 && current % 100 >= 20 && current % 10 == 0)))
                current += small;
            else if (Tens.TryGetValue(word, out var tens) && current % 100 == 0)
                current += tens;
            else if (word.Equals("hundred", StringComparison.OrdinalIgnoreCase) && current > 0 && current < 100)
                current *= 100;
            else if (Scales.TryGetValue(word, out var scale) && current > 0)
                (total, current) = (total + current * scale, 0);
            else
                break;
        }
        return read == 0 ? null : new ExactNumber(total + current, 1);
    }
}
