using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Agora.Benchmarks.Judged;

/// <param name="Kind">empty, constant or adversarial.</param>
/// <param name="Outputs">How many.</param>
/// <param name="Share">Of all outputs, 0 to 1.</param>
/// <param name="Evidence">What was found, for a person.</param>
public sealed record OutputFlag(string Kind, int Outputs, double Share, string Evidence);

/// <summary>Signs that a win rate does not measure answers: a model that always says the same, written for the judge, once scored 86.5 percent.</summary>
/// <remarks>A flag is a reason to read the outputs, not a verdict: nothing is removed and no score changes.</remarks>
internal static partial class OutputFlags
{
    // One text given to this share of instructions is no answer to them.
    private const double ConstantShare = 0.05;
    private const int ConstantOutputs = 3;

    public static ImmutableArray<OutputFlag> Of(IReadOnlyCollection<(string Instruction, string Output)> outputs)
    {
        var flags = ImmutableArray.CreateBuilder<OutputFlag>();
        if (outputs.Count == 0)
            return [];
        void Add(string kind, int count, string evidence) => flags.Add(new OutputFlag(kind, count, (double)count / outputs.Count, evidence));

        var empty = outputs.Count(pair => string.IsNullOrWhiteSpace(pair.Output));
        if (empty > 0)
            Add("empty", empty, "nothing but white space");
        var most = outputs.Where(pair => !string.IsNullOrWhiteSpace(pair.Output)).GroupBy(pair => pair.Output.Trim(), StringComparer.Ordinal).MaxBy(group => group.Count());
        if (most is not null && most.Count() >= Math.Max(ConstantOutputs, ConstantShare * outputs.Count))
            Add("constant", most.Count(), $"the same text: \"{Shortened(most.Key)}\"");
        var adversarial = outputs.Select(pair => Attack(pair.Instruction, pair.Output)).OfType<string>().ToArray();
        if (adversarial.Length > 0)
            Add("adversarial", adversarial.Length, $"written for the judge or its template, e.g. \"{Shortened(adversarial[0])}\"");
        return flags.ToImmutable();
    }

    /// <returns>What in the output addresses a judge or its template and is not from the instruction; null where nothing does.</returns>
    internal static string? Attack(string instruction, string output)
    {
        foreach (var pattern in (Regex[])[JudgePrompt.ControlWord(), TemplatePlace(), VerdictLabel(), Order()])
            foreach (var match in pattern.EnumerateMatches(output))
            {
                var found = output.AsSpan(match.Index, match.Length);
                if (!instruction.AsSpan().Contains(found, StringComparison.OrdinalIgnoreCase))
                    return found.ToString();
            }
        return null;
    }

    private static string Shortened(string text)
    {
        var line = string.Join(' ', text[..Math.Min(text.Length, 400)].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= 80 ? line : line[..80] + "...";
    }

    // Places and fields of the judges' templates, the official ones' too.
    [GeneratedRegex(@"\{(?:instruction|output_[12]|answer_[12]|question_1|first|second|mark)\}|""model_identifier""|\bmodel_identifier\b|\boutput_[12]""", RegexOptions.NonBacktracking | RegexOptions.IgnoreCase)]
    private static partial Regex TemplatePlace();

    [GeneratedRegex(@"\[\[(?:A>>B|A>B|A=B|B>A|B>>A)\]\]", RegexOptions.NonBacktracking)]
    private static partial Regex VerdictLabel();

    [GeneratedRegex(@"\b(?:ignore|disregard|forget)\s+(?:all\s+|any\s+)?(?:of\s+)?(?:the\s+|your\s+)?(?:previous|prior|above|earlier)\s+(?:instructions?|prompts?|text)\b|\b(?:final\s+)?verdict\s*(?:is|:)\s*(?:m|M|A|B|1|2|(?:assistant|model|output|answer|response)\s+(?:m|A|B|1|2))\b|\b(?:choose|pick|prefer|rank)\s+(?:this|my|the\s+(?:first|second))\s+(?:answer|output|response|text)\b", RegexOptions.NonBacktracking | RegexOptions.IgnoreCase)]
    private static partial Regex Order();
}
