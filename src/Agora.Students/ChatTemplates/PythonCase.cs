using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Agora.Students.ChatTemplates;

/// <summary>Letters in the other case as Python has them: one may become several, which .NET's mappings do not do.</summary>
internal static class PythonCase
{
    // A letter, then what it becomes. From SpecialCasing.txt of the Unicode Character Database (and the title case of UnicodeData.txt), as Python's str.upper and str.title give them.
    private static readonly FrozenDictionary<char, string> Uppers = Read(
        "\u00dfSS \u0149\u02bcN \u01f0J\u030c \u0390\u0399\u0308\u0301 \u03b0\u03a5\u0308\u0301 \u0587\u0535\u0552 \u1e96H\u0331 \u1e97T\u0308 \u1e98W\u030a \u1e99Y\u030a "
        + "\u1e9aA\u02be \u1f50\u03a5\u0313 \u1f52\u03a5\u0313\u0300 \u1f54\u03a5\u0313\u0301 \u1f56\u03a5\u0313\u0342 \u1f80\u1f08\u0399 \u1f81\u1f09\u0399 \u1f82\u1f0a\u0399 "
        + "\u1f83\u1f0b\u0399 \u1f84\u1f0c\u0399 \u1f85\u1f0d\u0399 \u1f86\u1f0e\u0399 \u1f87\u1f0f\u0399 \u1f88\u1f08\u0399 \u1f89\u1f09\u0399 \u1f8a\u1f0a\u0399 "
        + "\u1f8b\u1f0b\u0399 \u1f8c\u1f0c\u0399 \u1f8d\u1f0d\u0399 \u1f8e\u1f0e\u0399 \u1f8f\u1f0f\u0399 \u1f90\u1f28\u0399 \u1f91\u1f29\u0399 \u1f92\u1f2a\u0399 "
        + "\u1f93\u1f2b\u0399 \u1f94\u1f2c\u0399 \u1f95\u1f2d\u0399 \u1f96\u1f2e\u0399 \u1f97\u1f2f\u0399 \u1f98\u1f28\u0399 \u1f99\u1f29\u0399 \u1f9a\u1f2a\u0399 "
        + "\u1f9b\u1f2b\u0399 \u1f9c\u1f2c\u0399 \u1f9d\u1f2d\u0399 \u1f9e\u1f2e\u0399 \u1f9f\u1f2f\u0399 \u1fa0\u1f68\u0399 \u1fa1\u1f69\u0399 \u1fa2\u1f6a\u0399 "
        + "\u1fa3\u1f6b\u0399 \u1fa4\u1f6c\u0399 \u1fa5\u1f6d\u0399 \u1fa6\u1f6e\u0399 \u1fa7\u1f6f\u0399 \u1fa8\u1f68\u0399 \u1fa9\u1f69\u0399 \u1faa\u1f6a\u0399 "
        + "\u1fab\u1f6b\u0399 \u1fac\u1f6c\u0399 \u1fad\u1f6d\u0399 \u1fae\u1f6e\u0399 \u1faf\u1f6f\u0399 \u1fb2\u1fba\u0399 \u1fb3\u0391\u0399 \u1fb4\u0386\u0399 "
        + "\u1fb6\u0391\u0342 \u1fb7\u0391\u0342\u0399 \u1fbc\u0391\u0399 \u1fc2\u1fca\u0399 \u1fc3\u0397\u0399 \u1fc4\u0389\u0399 \u1fc6\u0397\u0342 \u1fc7\u0397\u0342\u0399 "
        + "\u1fcc\u0397\u0399 \u1fd2\u0399\u0308\u0300 \u1fd3\u0399\u0308\u0301 \u1fd6\u0399\u0342 \u1fd7\u0399\u0308\u0342 \u1fe2\u03a5\u0308\u0300 \u1fe3\u03a5\u0308\u0301 "
        + "\u1fe4\u03a1\u0313 \u1fe6\u03a5\u0342 \u1fe7\u03a5\u0308\u0342 \u1ff2\u1ffa\u0399 \u1ff3\u03a9\u0399 \u1ff4\u038f\u0399 \u1ff6\u03a9\u0342 \u1ff7\u03a9\u0342\u0399 "
        + "\u1ffc\u03a9\u0399 \ufb00FF \ufb01FI \ufb02FL \ufb03FFI \ufb04FFL \ufb05ST \ufb06ST \ufb13\u0544\u0546 \ufb14\u0544\u0535 \ufb15\u0544\u053b \ufb16\u054e\u0546 "
        + "\ufb17\u0544\u053d");

    private static readonly FrozenDictionary<char, string> Titles = Read(
        "\u01c4\u01c5 \u01c5\u01c5 \u01c6\u01c5 \u01c7\u01c8 \u01c8\u01c8 \u01c9\u01c8 \u01ca\u01cb \u01cb\u01cb \u01cc\u01cb \u00dfSs \u01f1\u01f2 \u01f2\u01f2 \u01f3\u01f2 "
        + "\u0587\u0535\u0582 \ufb00Ff \ufb01Fi \ufb02Fl \ufb03Ffi \ufb04Ffl \ufb05St \ufb06St \ufb13\u0544\u0576 \ufb14\u0544\u0565 \ufb15\u0544\u056b \ufb16\u054e\u0576 "
        + "\ufb17\u0544\u056d");

    public static string Upper(string text) => text.AsSpan().ContainsAnyExceptInRange('\0', '\u007f')
        ? string.Concat(Runs(text).Select(run => run.Length == 1 && Uppers.TryGetValue(run[0], out var several) ? several : run.ToUpperInvariant()))
        : text.ToUpperInvariant();

    public static string Lower(string text)
    {
        var lower = text.ToLowerInvariant().Replace("\u0130", "i\u0307", StringComparison.Ordinal);
        return text.Contains('\u03a3', StringComparison.Ordinal) ? FinalSigmas(text, lower) : lower;
    }

    /// <summary>One character in the other case.</summary>
    public static string Swapped(string point) => Rune.GetUnicodeCategory(Rune.GetRuneAt(point, 0)) switch
    {
        UnicodeCategory.UppercaseLetter => Lower(point),
        UnicodeCategory.LowercaseLetter => Upper(point),
        _ => point,
    };

    /// <summary>The first letter as a title has it, the others small.</summary>
    public static string Capitalize(string text) => text.Length == 0 ? text : PythonText.Points(text) is var points ? Title(points[0]) + Lower(string.Concat(points.Skip(1))) : text;

    /// <summary>str.title(): each letter after something that is no letter.</summary>
    public static string TitleWords(string text)
    {
        var result = new StringBuilder(text.Length);
        var inWord = false;
        foreach (var point in PythonText.Points(text))
        {
            result.Append(inWord ? Lower(point) : Title(point));
            inWord = IsCased(point);
        }
        return result.ToString();
    }

    public static bool IsTitle(string text)
    {
        var (inWord, any) = (false, false);
        foreach (var point in PythonText.Points(text))
        {
            var category = CharUnicodeInfo.GetUnicodeCategory(point, 0);
            if (category is UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter ? inWord : category == UnicodeCategory.LowercaseLetter && !inWord)
                return false;
            inWord = IsCased(point);
            any |= inWord;
        }
        return any;
    }

    public static string Title(string point) => point.Length == 1 && Titles.TryGetValue(point[0], out var title) ? title
        : point.Length == 1 && point[0] is >= '\u10d0' and <= '\u10ff' ? point : Upper(point);

    private static bool IsCased(string point) => CharUnicodeInfo.GetUnicodeCategory(point, 0) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter;

    /// <summary>A small sigma at the end of a word has its own form.</summary>
    private static string FinalSigmas(string text, string lower)
    {
        if (lower.Length != text.Length)
            return lower;
        var result = new StringBuilder(lower);
        for (var i = 0; i < text.Length; i++)
            if (text[i] == '\u03a3' && i > 0 && char.IsLetter(text[i - 1]) && (i + 1 == text.Length || !char.IsLetter(text[i + 1])))
                result[i] = '\u03c2';
        return result.ToString();
    }

    /// <summary>Letters that become several alone, everything between them together.</summary>
    private static IEnumerable<string> Runs(string text)
    {
        var start = 0;
        for (var i = 0; i < text.Length; i++)
            if (Uppers.ContainsKey(text[i]))
            {
                if (i > start)
                    yield return text[start..i];
                yield return text[i..(start = i + 1)];
            }
        if (start < text.Length)
            yield return text[start..];
    }

    private static FrozenDictionary<char, string> Read(string table) => table.Split(' ').ToFrozenDictionary(entry => entry[0], entry => entry[1..]);
}
