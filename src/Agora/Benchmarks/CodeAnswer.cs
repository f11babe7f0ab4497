using System.Text;
using System.Text.RegularExpressions;

namespace Agora.Benchmarks;

/// <summary>Finds the program in what a model wrote.</summary>
internal static partial class CodeAnswer
{
    /// <summary>Where a base model, asked to go on, has left the task.</summary>
    private static readonly string[] EndOfAnswer = ["<|im_end|>", "<|im_start|>", "<|eot_id|>", "<|endoftext|>", "<|end_of_text|>", "</s>"];

    /// <summary>
    /// The last fenced block that defines the entry point, else the longest block. Without a fence, the text from its first line of code on;
    /// where that does not define the entry point, it is the body that a base model wrote on after the prompt, and belongs behind it.
    /// </summary>
    /// <param name="continues">The code that the prompt ended in, or null where the prompt was no code.</param>
    /// <returns>Null where the text holds nothing to run.</returns>
    public static string? Extract(string completion, string entryPoint, string? continues)
    {
        var text = Spoken(completion);
        if (string.IsNullOrWhiteSpace(text))
            return null;
        var blocks = FencedBlocks(text).ConvertAll(block => block.Code);
        if (blocks.Count > 0)
        {
            var code = blocks.LastOrDefault(block => Defines(block, entryPoint)) ?? blocks.MaxBy(block => block.Length)!;
            return Completed(code, entryPoint, continues);
        }
        if (!Defines(text, entryPoint) && continues is not null)
            return continues + text;
        return FromFirstCode(text);
    }

    /// <summary>The Python of a text that is a program: its fenced blocks one after the other, those of other languages left out.</summary>
    /// <returns>Null where the text holds none.</returns>
    public static string? Python(string text)
    {
        string[] blocks = [.. FencedBlocks(Spoken(text)).Where(block => block.Language is "" or "py" or "python" or "python3").Select(block => block.Code)];
        return blocks.Length == 0 ? null : string.Join('\n', blocks);
    }

    private static string Completed(string code, string entryPoint, string? continues) =>
        Defines(code, entryPoint) || continues is null || !StartsIndented(code) ? code : continues + code;

    private static bool StartsIndented(string code) => code.Length > 0 && code[0] is ' ' or '\t';

    private static string Spoken(string completion)
    {
        var thought = completion.LastIndexOf("</think>", StringComparison.Ordinal);
        var text = thought >= 0 ? completion[(thought + "</think>".Length)..] : completion;
        foreach (var marker in EndOfAnswer)
            if (text.IndexOf(marker, StringComparison.Ordinal) is var found and >= 0)
                text = text[..found];
        return text.ReplaceLineEndings("\n");
    }

    /// <summary>Contents of ``` fences with the language that each names; one that never closes reaches to the end, as where the token limit cut it off.</summary>
    private static List<(string Language, string Code)> FencedBlocks(string text)
    {
        var blocks = new List<(string Language, string Code)>();
        StringBuilder? open = null;
        var language = "";
        foreach (var line in text.Split('\n'))
        {
            if (line.AsSpan().TrimStart().StartsWith("```", StringComparison.Ordinal))
            {
                if (open is not null)
                {
                    blocks.Add((language, open.ToString()));
                    open = null;
                }
                else
                {
                    open = new StringBuilder();
                    language = line.Trim().TrimStart('`').Trim().ToLowerInvariant();
                }
            }
            else
            {
                open?.Append(line).Append('\n');
            }
        }
        if (open is { Length: > 0 })
            blocks.Add((language, open.ToString()));
        blocks.RemoveAll(block => string.IsNullOrWhiteSpace(block.Code));
        return blocks;
    }

    private static string FromFirstCode(string text)
    {
        var first = FirstCodeLine().Match(text);
        return first.Success ? text[first.Index..] : text;
    }

    private static bool Defines(string code, string entryPoint)
    {
        foreach (var match in Definition().EnumerateMatches(code))
        {
            var name = code.AsSpan(match.Index, match.Length).TrimStart();
            name = name[name.LastIndexOfAny(' ', '\t')..].Trim();
            if (name.SequenceEqual(entryPoint))
                return true;
        }
        return false;
    }

    [GeneratedRegex(@"^(?:async[ \t]+def|def|class)[ \t]+\w+", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex Definition();

    [GeneratedRegex(@"^(?:async def |def |class |import |from \w+ import |@|\w+ = )", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex FirstCodeLine();
}
