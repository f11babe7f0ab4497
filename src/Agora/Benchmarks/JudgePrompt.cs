using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Agora.Benchmarks;

/// <summary>What a judge is asked: a text of <c>prompts/judges</c> with places for the instruction and the two answers.</summary>
internal sealed partial class JudgePrompt
{
    private readonly string template;

    private JudgePrompt(string template)
    {
        this.template = template;
        Hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(template)))[..16];
    }

    /// <summary>First 16 hex digits of the SHA-256 of the text: other words may get other verdicts.</summary>
    public string Hash { get; }

    public static JudgePrompt Of(string benchmark)
    {
        using var stream = typeof(JudgePrompt).Assembly.GetManifestResourceStream($"Agora.Benchmarks.judges.{benchmark}")
            ?? throw new InvalidOperationException($"prompts/judges/{benchmark}.txt is not embedded");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return new JudgePrompt(reader.ReadToEnd().ReplaceLineEndings("\n").TrimEnd());
    }

    /// <summary>Fills all places in one pass, so that an answer which spells a place does not receive the other answer's text.</summary>
    public string Fill(string instruction, string first, string second) =>
        Place().Replace(template, match => match.Value switch
        {
            "{instruction}" => instruction,
            "{first}" => first,
            _ => second,
        });

    [GeneratedRegex(@"\{(?:instruction|first|second)\}")]
    private static partial Regex Place();
}
