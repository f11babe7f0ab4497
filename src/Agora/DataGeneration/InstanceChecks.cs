using System.Globalization;
using Agora.Experiments;

namespace Agora.DataGeneration;

/// <summary>Why a completion is turned away, and what was seen.</summary>
public sealed record Rejection(RejectReason Reason, string Detail);

/// <summary>Holds an instance against the rules of its domain (arXiv:2412.03679, appendix; each rule is named by a <see cref="RejectReason"/>).</summary>
/// <param name="maxTokens">Of instruction and response in the student's chat format.</param>
/// <param name="countTokens">Counts the tokens of a text in which the special tokens of the Llama-3 chat format are spelled out.</param>
/// <param name="systemMessage">The one that the student is trained with.</param>
/// <param name="mostTokens">A number that <paramref name="countTokens"/> does not pass, quicker than counting; absent where none is known.</param>
public sealed class InstanceChecks(Domain domain, int maxTokens, Func<string, int> countTokens, string systemMessage, Func<string, int>? mostTokens = null)
{
    /// <returns>The first rule that the instance breaks; null where it is valid.</returns>
    public Rejection? Check(InstructionResponse instance, CompletionFormat format) =>
        NothingEmpty(instance)
        ?? NothingLeft(instance.Response, format)
        ?? domain switch
        {
            Domain.Math => OneResultAtEnd(instance.Response),
            Domain.Code => FencedCodeOnly(instance.Response),
            Domain.InstructionFollowing => null,
            _ => throw new ArgumentOutOfRangeException(nameof(instance), domain, null),
        }
        ?? WithinTokenLimit(instance);

    private static Rejection? NothingEmpty(InstructionResponse instance) =>
        string.IsNullOrWhiteSpace(instance.Instruction) ? new(RejectReason.InstructionEmpty, "the instruction is empty")
        : string.IsNullOrWhiteSpace(instance.Response) ? new(RejectReason.ResponseEmpty, "the response is empty")
        : null;

    private static Rejection? NothingLeft(string response, CompletionFormat format)
    {
        if (MetaPrompt.Placeholder().Match(response) is { Success: true } placeholder)
            return new(RejectReason.PlaceholderLeft, $"the response holds {placeholder.Value}");
        var trigger = format.Triggers.FirstOrDefault(trigger => response.Contains(trigger, StringComparison.Ordinal));
        return trigger is null ? null : new(RejectReason.TriggerLeft, $"the response holds \"{trigger}\"");
    }

    private static Rejection? OneResultAtEnd(string response)
    {
        const string opening = "[RESULT]", closing = "[/RESULT]";
        var (openings, closings) = (Count(response, opening), Count(response, closing));
        if (openings == 0 || closings == 0) return new(RejectReason.ResultMissing, openings == 0 ? $"no {opening}" : $"no {closing}");
        if (openings > 1 || closings > 1)
            return new(RejectReason.ResultRepeated, string.Create(CultureInfo.InvariantCulture, $"{openings} × {opening}, {closings} × {closing}"));
        if (!response.TrimEnd().EndsWith(closing, StringComparison.Ordinal)) return new(RejectReason.ResultNotAtEnd, $"text follows {closing}");
        var start = response.IndexOf(opening, StringComparison.Ordinal) + opening.Length;
        var end = response.IndexOf(closing, StringComparison.Ordinal);
        if (start > end) return new(RejectReason.ResultMissing, $"{closing} stands before {opening}");
        return string.IsNullOrWhiteSpace(response[start..end]) ? new(RejectReason.ResultEmpty, "nothing stands between the tags") : null;
    }

    // The paper's code looks for seven phrases ("this function", "explanation" …) outside the fences; any text there is what they stand for.
    private static Rejection? FencedCodeOnly(string response)
    {
        const string fence = "```";
        var text = response.Trim();
        if (!text.StartsWith(fence, StringComparison.Ordinal)) return new(RejectReason.FenceNotAtStart, $"it starts with \"{Head(text)}\"");
        if (!text.EndsWith(fence, StringComparison.Ordinal)) return new(RejectReason.FenceNotAtEnd, $"it ends with \"{Tail(text)}\"");
        var parts = text.Split(fence);
        if (parts.Length % 2 == 0) return new(RejectReason.FencesUnbalanced, string.Create(CultureInfo.InvariantCulture, $"{parts.Length - 1} fences"));
        var outside = parts.Where((part, i) => i % 2 == 0 && !string.IsNullOrWhiteSpace(part)).FirstOrDefault();
        if (outside is not null) return new(RejectReason.ProseOutsideFence, $"\"{Head(outside.Trim())}\" stands between two blocks");
        return parts.Where((_, i) => i % 2 == 1).Any(block => !string.IsNullOrWhiteSpace(WithoutLanguage(block))) ? null : new(RejectReason.CodeEmpty, "no code in the fences");
    }

    // The rest of a fence's line names the language; a block of one line has none.
    private static string WithoutLanguage(string block)
    {
        var newline = block.IndexOf('\n');
        return newline < 0 ? block : block[newline..];
    }

    private Rejection? WithinTokenLimit(InstructionResponse instance)
    {
        var text = Llama3Chat.Render(systemMessage, instance);
        if (mostTokens?.Invoke(text) <= maxTokens) return null;
        var tokens = countTokens(text);
        return tokens <= maxTokens ? null : new(RejectReason.TooManyTokens, string.Create(CultureInfo.InvariantCulture, $"{tokens} tokens, at most {maxTokens} fit"));
    }

    private static int Count(string text, string word) => text.Split(word).Length - 1;

    private static string Head(string text) => text.Length <= 30 ? text : text[..30] + "…";

    private static string Tail(string text) => text.Length <= 30 ? text : "…" + text[^30..];
}
