using System.Globalization;
using System.Text;
using Agora.Experiments;

namespace Agora.DataGeneration.Filters;

/// <summary>The filters that look at one instance alone: length, scripts, languages, decontamination.</summary>
internal sealed class TextFilters(FilterSpec spec, TestSetIndex? testSets)
{
    public Rejection? Check(InstructionResponse pair) => Length(pair) ?? Script(pair.Instruction, "instruction") ?? Script(pair.Response, "response")
        ?? Language(pair.Instruction, "instruction") ?? Language(pair.Response, "response") ?? Contamination(pair);

    private Rejection? Length(InstructionResponse pair)
    {
        if (spec.Length is not { } length) return null;
        var (instruction, response) = (pair.Instruction.Length, pair.Response.Length);
        return instruction < length.MinInstruction ? Rejected(RejectReason.InstructionTooShort, instruction, "at least", length.MinInstruction)
            : instruction > length.MaxInstruction ? Rejected(RejectReason.InstructionTooLong, instruction, "at most", length.MaxInstruction)
            : response < length.MinResponse ? Rejected(RejectReason.ResponseTooShort, response, "at least", length.MinResponse)
            : response > length.MaxResponse ? Rejected(RejectReason.ResponseTooLong, response, "at most", length.MaxResponse)
            : null;

        static Rejection Rejected(RejectReason reason, int characters, string rule, int limit) =>
            new(reason, string.Create(CultureInfo.InvariantCulture, $"{characters} characters, {rule} {limit} are wanted"));
    }

    private Rejection? Script(string text, string part)
    {
        if (spec.Scripts is not { } scripts) return null;
        var (letters, allowed) = (0, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            if (!Rune.IsLetter(rune)) continue;
            letters++;
            if (WritingScripts.Of(rune) is { } script && scripts.Allowed.Contains(script)) allowed++;
        }
        return allowed >= scripts.Share * letters
            ? null
            : new(RejectReason.ScriptOther, string.Create(CultureInfo.InvariantCulture, $"{allowed} of {letters} letters of the {part} are {string.Join(" or ", scripts.Allowed)}"));
    }

    private Rejection? Language(string text, string part) =>
        spec.Languages is { } languages && TextLanguages.Of(text) is { } language && !languages.Allowed.Contains(language)
            ? new(RejectReason.LanguageOther, $"the {part} is {language}, not {string.Join(" or ", languages.Allowed)}")
            : null;

    private Rejection? Contamination(InstructionResponse pair) =>
        testSets?.Find(pair) is { } match ? new(RejectReason.Contaminated, match.ToString()) : null;
}

/// <summary>Which script a letter belongs to, by the blocks of Unicode that hold the scripts' letters.</summary>
internal static class WritingScripts
{
    private static readonly (int First, int Last, WritingScript Script)[] Blocks =
    [
        (0x0041, 0x024F, WritingScript.Latin), (0x0370, 0x03FF, WritingScript.Greek), (0x0400, 0x052F, WritingScript.Cyrillic), (0x0590, 0x05FF, WritingScript.Hebrew),
        (0x0600, 0x06FF, WritingScript.Arabic), (0x0750, 0x077F, WritingScript.Arabic), (0x08A0, 0x08FF, WritingScript.Arabic), (0x0900, 0x097F, WritingScript.Devanagari),
        (0x0E00, 0x0E7F, WritingScript.Thai), (0x1100, 0x11FF, WritingScript.Hangul), (0x1C80, 0x1C8F, WritingScript.Cyrillic), (0x1E00, 0x1EFF, WritingScript.Latin),
        (0x1F00, 0x1FFF, WritingScript.Greek), (0x2C60, 0x2C7F, WritingScript.Latin), (0x3005, 0x3007, WritingScript.Han), (0x3040, 0x30FF, WritingScript.Kana),
        (0x3130, 0x318F, WritingScript.Hangul), (0x31F0, 0x31FF, WritingScript.Kana), (0x3400, 0x4DBF, WritingScript.Han), (0x4E00, 0x9FFF, WritingScript.Han),
        (0xA640, 0xA69F, WritingScript.Cyrillic), (0xA720, 0xA7FF, WritingScript.Latin), (0xAC00, 0xD7AF, WritingScript.Hangul), (0xF900, 0xFAFF, WritingScript.Han),
        (0xFB00, 0xFB06, WritingScript.Latin), (0xFB1D, 0xFB4F, WritingScript.Hebrew), (0xFB50, 0xFDFF, WritingScript.Arabic), (0xFE70, 0xFEFF, WritingScript.Arabic),
        (0xFF21, 0xFF5A, WritingScript.Latin), (0xFF66, 0xFF9F, WritingScript.Kana), (0x20000, 0x323AF, WritingScript.Han),
    ];

    /// <returns>Null for a letter of a script that no experiment can name.</returns>
    public static WritingScript? Of(Rune letter)
    {
        foreach (var (first, last, script) in Blocks)
            if (letter.Value >= first && letter.Value <= last)
                return script;
        return null;
    }
}
