using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using Agora.Experiments;

namespace Agora.DataGeneration;

/// <summary>An instruction with its response: what a demonstration shows and what a completion is read into.</summary>
public sealed record InstructionResponse(string Instruction, string Response);

/// <summary>What fills the placeholders of a meta-prompt.</summary>
public sealed record PromptContent
{
    /// <summary>Fill <c>&lt;input1&gt; &lt;output1&gt; …</c>, in this order.</summary>
    public ImmutableArray<InstructionResponse> Demonstrations { get; init; } = [];
    /// <summary>Fills <c>&lt;input&gt;</c>: the instruction of the seed at hand.</summary>
    public string? Instruction { get; init; }
    /// <summary>Fills <c>&lt;output&gt;</c>: the response of the seed at hand.</summary>
    public string? Response { get; init; }
    /// <summary>Fills <c>&lt;input_theme&gt;</c>.</summary>
    public string? Theme { get; init; }
    /// <summary>Fills <c>&lt;first_word&gt;</c>.</summary>
    public string? OpeningWords { get; init; }
    /// <summary>Fills <c>&lt;persona&gt;</c>.</summary>
    public string? Persona { get; init; }
    /// <summary>Fills <c>&lt;evolution&gt;</c>: how the instruction is to be changed.</summary>
    public string? Evolution { get; init; }
}

/// <summary>The prompt template given to the generator: one text file, the themes and opening words it draws on, and the form of the answer it asks for.</summary>
public sealed partial record MetaPrompt
{
    public required Setting Setting { get; init; }
    public required MetaPromptVariant Variant { get; init; }
    /// <summary>Where the template was read, for messages.</summary>
    public required string File { get; init; }
    public required string Template { get; init; }
    /// <summary>Empty where the template has no <c>&lt;input_theme&gt;</c>.</summary>
    public ImmutableArray<string> Themes { get; init; } = [];
    /// <summary>Empty where the template has no <c>&lt;first_word&gt;</c>.</summary>
    public ImmutableArray<string> OpeningWords { get; init; } = [];
    /// <summary>Empty where the template has no <c>&lt;persona&gt;</c>.</summary>
    public ImmutableArray<string> Personas { get; init; } = [];
    /// <summary>Empty where the template has no <c>&lt;evolution&gt;</c>.</summary>
    public ImmutableArray<string> Evolutions { get; init; } = [];
    /// <summary>What a judge is asked about a candidate; null where the method has none.</summary>
    public string? Scoring { get; init; }
    /// <summary>How many demonstrations the template shows.</summary>
    public required int Demonstrations { get; init; }
    /// <summary>The form in which the template asks for the new instance.</summary>
    public required CompletionFormat Completion { get; init; }

    /// <summary>SHA-256 of all that decides which prompts come out, for the keys of steps.</summary>
    public string ContentHash()
    {
        List<string> parts = [Setting.ToString(), Variant.Name(), Template, string.Join('\n', Themes), string.Join('\n', OpeningWords)];
        // Named, and only where there are some, so that prompts which were there before keep their hashes.
        if (!Personas.IsEmpty) parts.Add("personas\n" + string.Join('\n', Personas));
        if (!Evolutions.IsEmpty) parts.Add("evolutions\n" + string.Join('\n', Evolutions));
        if (Scoring is not null) parts.Add("scoring\n" + Scoring);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', parts))));
    }

    /// <summary>The template with its placeholders filled; text that is filled in is never searched for placeholders again.</summary>
    /// <exception cref="InvalidOperationException">The content lacks what the template shows.</exception>
    public string Render(PromptContent content)
    {
        return Placeholder().Replace(Template, match => Written(match, Value(match.Value)));

        string Value(string placeholder) => placeholder switch
        {
            "<input>" => content.Instruction,
            "<output>" => content.Response,
            "<input_theme>" => content.Theme,
            "<first_word>" => content.OpeningWords,
            "<persona>" => content.Persona,
            "<evolution>" => content.Evolution,
            _ => Demonstration(placeholder),
        } ?? throw new InvalidOperationException($"nothing was chosen for {placeholder} of {File}");

        string? Demonstration(string placeholder)
        {
            var (isInput, number) = Numbered(placeholder);
            if (number > content.Demonstrations.Length) return null;
            var shown = content.Demonstrations[number - 1];
            return isInput ? shown.Instruction : shown.Response;
        }
    }

    /// <summary>The question to a judge about a candidate.</summary>
    internal string RenderScoring(InstructionResponse candidate) => Placeholder().Replace(
        Scoring ?? throw new InvalidOperationException($"{Setting} has no text for its judge"), match => match.Value == "<input>" ? candidate.Instruction : candidate.Response);

    // The JSON variant shows demonstrations and the seed at hand as JSON strings. Published templates write {"instruction": <input1>, …};
    // where a template has put the quotes itself, only the inside is escaped.
    private string Written(Match match, string value)
    {
        if (Variant != MetaPromptVariant.JsonFormat || match.Value is "<input_theme>" or "<first_word>" or "<persona>" or "<evolution>") return value;
        var quoted = JsonSerializer.Serialize(value, AsJsonString);
        var end = match.Index + match.Length;
        var hasQuotes = match.Index > 0 && Template[match.Index - 1] == '"' && end < Template.Length && Template[end] == '"';
        return hasQuotes ? quoted[1..^1] : quoted;
    }

    private static readonly JsonSerializerOptions AsJsonString = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads a template and holds it against what its method needs.</summary>
    /// <param name="file">For messages.</param>
    /// <exception cref="AgoraException">Placeholders or triggers are missing, or there are some that the method cannot fill; all of them are listed.</exception>
    public static MetaPrompt Parse(string template, Setting setting, MetaPromptVariant variant, string file, JsonReading json = JsonReading.Strict)
    {
        template = template.TrimEnd('\r', '\n');
        var present = Placeholder().Matches(template).Select(match => match.Value).ToHashSet();
        var numbers = present.Where(IsNumbered).Select(placeholder => Numbered(placeholder).Number).Order().Distinct().ToArray();
        var demonstrations = numbers.Length == 0 ? 0 : numbers[^1];

        var method = GenerationMethods.For(setting.Method);
        var rule = method.Template;
        string[] required = [.. rule.Needed.Union(rule.Demonstrations ? Enumerable.Range(1, demonstrations).SelectMany(n => new[] { $"<input{n}>", $"<output{n}>" }) : [])];
        var format = method.Format(variant, template, json);

        var faults = new List<string>();
        var missing = required.Where(placeholder => !present.Contains(placeholder)).ToArray();
        if (missing.Length > 0) faults.Add($"it lacks {string.Join(", ", missing)}");
        if (format is null) faults.Add($"it lacks {method.TriggerWanted}, which tells where the response begins");
        var strangers = present.Except(required).Except(rule.Optional).Order(StringComparer.Ordinal).ToArray();
        if (strangers.Length > 0) faults.Add($"{setting.Method.Name()} has nothing to fill {string.Join(", ", strangers)} with");
        if (faults.Count > 0 || format is null)
            throw new AgoraException($"the meta-prompt for {setting} cannot be used: {string.Join("; ", faults)}", file,
                "correct the template; docs/meta-prompts.md lists the placeholders of each method")
            { ExitCode = 2 };

        return new MetaPrompt { Setting = setting, Variant = variant, File = file, Template = template, Demonstrations = demonstrations, Completion = format };
    }

    internal bool Shows(string placeholder) => Template.Contains(placeholder, StringComparison.Ordinal);

    private static bool IsNumbered(string placeholder) => char.IsAsciiDigit(placeholder[^2]);

    private static (bool IsInput, int Number) Numbered(string placeholder)
    {
        var isInput = placeholder.StartsWith("<input", StringComparison.Ordinal);
        return (isInput, int.Parse(placeholder.AsSpan(isInput ? 6 : 7, placeholder.Length - (isInput ? 7 : 8))));
    }

    /// <summary>Every placeholder of the conventions; also what must not be left in a response.</summary>
    [GeneratedRegex("<(?:input|output)(?:[1-9][0-9]?)?>|<input_theme>|<first_word>|<persona>|<evolution>", RegexOptions.CultureInvariant)]
    internal static partial Regex Placeholder();
}
