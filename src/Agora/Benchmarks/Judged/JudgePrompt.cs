using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace Agora.Benchmarks.Judged;

/// <summary>What a judge is asked: a text of <c>prompts/judges</c>, the system's part and the user's, with places for the instruction and the two answers.</summary>
/// <remarks>
/// Two doors are shut on an answer that would talk to the judge. The marks around it hold a number that depends on all three texts, so that no answer can spell the
/// mark that ends it. And the control words of chat formats are broken by a zero-width space, so that no tokenizer takes them for the end of the message.
/// </remarks>
internal sealed partial class JudgePrompt
{
    private const string Divider = "\n---\n";

    private readonly string system;
    private readonly string user;

    private JudgePrompt(string template)
    {
        var divider = template.IndexOf(Divider, StringComparison.Ordinal);
        if (divider < 0)
            throw new InvalidOperationException("the judge's prompt has no line --- between the system's part and the user's");
        (system, user) = (template[..divider].Trim(), template[(divider + Divider.Length)..].Trim());
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
    public List<ChatMessage> Fill(string instruction, string first, string second)
    {
        var mark = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{instruction.Length} {first.Length} {instruction}{first}{second}")))[..8];
        string Filled(string template) => Place().Replace(template, match => match.Value switch
        {
            "{instruction}" => Harmless(instruction),
            "{first}" => Harmless(first),
            "{second}" => Harmless(second),
            _ => mark,
        });
        return [new ChatMessage(ChatRole.System, Filled(system)), new ChatMessage(ChatRole.User, Filled(user))];
    }

    /// <summary>Control words of chat formats, as tokenizers of several families know them.</summary>
    [GeneratedRegex(@"<\|[^|<>\s]{1,40}\|>|</?s>|\[/?(?:INST|SYS)\]|<</?SYS>>|<(?:start|end)_of_turn>|<(?:bos|eos|pad)>", RegexOptions.NonBacktracking | RegexOptions.IgnoreCase)]
    internal static partial Regex ControlWord();

    private static string Harmless(string text) => ControlWord().Replace(text, match => $"{match.Value[0]}\u200b{match.Value[1..]}");

    [GeneratedRegex(@"\{(?:instruction|first|second|mark)\}")]
    private static partial Regex Place();
}
