using System.Text.Encodings.Web;
using System.Text.Json;
using Agora.Experiments;

namespace Agora.DataGeneration;

/// <summary>What was read in a completion: a pair, or the reason why there is none.</summary>
public abstract record CompletionReading
{
    private CompletionReading() { }
    public sealed record Pair(InstructionResponse Value) : CompletionReading;
    /// <param name="Detail">For the reader of rejects: what was seen instead.</param>
    public sealed record Unreadable(RejectReason Reason, string Detail) : CompletionReading;
    /// <summary>There is more to ask before an instance can be read.</summary>
    public sealed record AskNext(MethodRequest Request) : CompletionReading;
}

/// <summary>The form in which a generator writes a new instance.</summary>
/// <remarks>Reading undoes writing, whatever the pair, so long as its texts hold no trigger and no stop phrase and have no white space at their ends.</remarks>
public abstract class CompletionFormat
{
    /// <summary>Ends an instance; also the default stop sequence of the request, which an endpoint cuts off.</summary>
    public const string StopPhrase = "[END]";

    /// <summary>What a generator that follows the meta-prompt writes after it.</summary>
    public abstract string Write(InstructionResponse pair);

    /// <param name="given">What the generator does not write, where it writes one half alone: the instruction, or in back-translation the response.</param>
    public abstract CompletionReading Read(string completion, string? given);

    /// <summary>Words of the form that have no business in a response.</summary>
    public abstract IReadOnlyList<string> Triggers { get; }

    /// <summary>The JSON schema by which the endpoint shall bind the answer; null where it shall not.</summary>
    public virtual JsonElement? Schema => null;

    internal const string RevisionTriggers = "the trigger \"Revised Answer:\" or \"OUTPUT:\"";

    /// <summary>A new instruction with its response.</summary>
    /// <returns>Null where the template names no trigger that would separate the two.</returns>
    public static CompletionFormat? Pair(MetaPromptVariant variant, string template, JsonReading json) =>
        variant == MetaPromptVariant.JsonFormat ? new JsonCompletion(instructionGiven: false, json) : Named(new PairCompletion("INPUT:", "OUTPUT:"), template);

    /// <summary>A rewritten instruction with its response.</summary>
    /// <inheritdoc cref="Pair"/>
    public static CompletionFormat? Revision(MetaPromptVariant variant, string template, JsonReading json) =>
        variant == MetaPromptVariant.JsonFormat ? new JsonCompletion(instructionGiven: false, json) : Named(new PairCompletion("Revised Question:", "Revised Answer:"), template) ?? Pair(variant, template, json);

    /// <summary>The response to an instruction that is given.</summary>
    public static CompletionFormat Response(MetaPromptVariant variant, JsonReading json) =>
        variant == MetaPromptVariant.JsonFormat ? new JsonCompletion(instructionGiven: true, json) : new ResponseCompletion();

    /// <summary>The instruction to a response that is given.</summary>
    /// <returns>Null in the JSON variant, which has no form for it.</returns>
    public static CompletionFormat? Instruction(MetaPromptVariant variant, JsonReading json) =>
        variant == MetaPromptVariant.JsonFormat ? null : new InstructionCompletion();

    private static PairCompletion? Named(PairCompletion format, string template) => template.Contains(format.OutputTrigger, StringComparison.Ordinal) ? format : null;

    private protected static string UpToStop(string completion)
    {
        var end = completion.IndexOf(StopPhrase, StringComparison.Ordinal);
        return end < 0 ? completion : completion[..end];
    }
}

/// <summary>Instruction, trigger, response, stop phrase: instance generation and quality enhancement.</summary>
public sealed class PairCompletion(string inputTrigger, string outputTrigger) : CompletionFormat
{
    public string InputTrigger { get; } = inputTrigger;
    public string OutputTrigger { get; } = outputTrigger;

    public override IReadOnlyList<string> Triggers { get; } = [inputTrigger, outputTrigger];

    public override string Write(InstructionResponse pair) => $"{pair.Instruction}\n{OutputTrigger} {pair.Response}\n{StopPhrase}";

    // The paper's code takes the text after the last output trigger as the response, so that of two instances in one completion it pairs the first
    // instruction with the last response. Here the response begins at the first trigger, and a second one in it fails a check.
    public override CompletionReading Read(string completion, string? given)
    {
        var text = UpToStop(completion);
        var output = text.IndexOf(OutputTrigger, StringComparison.Ordinal);
        if (output < 0) return new CompletionReading.Unreadable(RejectReason.TriggerMissing, $"no \"{OutputTrigger}\"");
        var instruction = text[..output];
        var input = instruction.LastIndexOf(InputTrigger, StringComparison.Ordinal);
        if (input >= 0) instruction = instruction[(input + InputTrigger.Length)..];
        var response = text[(output + OutputTrigger.Length)..];
        return new CompletionReading.Pair(new InstructionResponse(instruction.Trim(), response.Trim()));
    }
}

/// <summary>The response alone, then the stop phrase: response generation.</summary>
public sealed class ResponseCompletion : CompletionFormat
{
    private const string OutputTrigger = "OUTPUT:";

    public override IReadOnlyList<string> Triggers { get; } = ["INPUT:", OutputTrigger];

    public override string Write(InstructionResponse pair) => $"{pair.Response}\n{StopPhrase}";

    public override CompletionReading Read(string completion, string? given)
    {
        ArgumentNullException.ThrowIfNull(given);
        var response = UpToStop(completion).Trim();
        if (response.StartsWith(OutputTrigger, StringComparison.Ordinal)) response = response[OutputTrigger.Length..].TrimStart();
        return new CompletionReading.Pair(new InstructionResponse(given, response));
    }
}

/// <summary>The instruction alone, then the stop phrase: back-translation.</summary>
public sealed class InstructionCompletion : CompletionFormat
{
    private const string InputTrigger = "INPUT:";

    public override IReadOnlyList<string> Triggers { get; } = [];

    public override string Write(InstructionResponse pair) => $"{pair.Instruction}\n{StopPhrase}";

    /// <param name="given">The response.</param>
    public override CompletionReading Read(string completion, string? given)
    {
        ArgumentNullException.ThrowIfNull(given);
        var instruction = UpToStop(completion).Trim();
        if (instruction.StartsWith(InputTrigger, StringComparison.Ordinal)) instruction = instruction[InputTrigger.Length..].TrimStart();
        return new CompletionReading.Pair(new InstructionResponse(instruction, given));
    }
}

/// <summary>One JSON object with the keys <c>instruction</c> and <c>response</c>, both strings.</summary>
/// <param name="instructionGiven">The instruction of the prompt stands, whatever the object says.</param>
/// <param name="reading">Lenient reading forgives what models do though they were asked not to; what they wrote into the strings is never changed.</param>
public sealed class JsonCompletion(bool instructionGiven, JsonReading reading = JsonReading.Strict) : CompletionFormat
{
    public override IReadOnlyList<string> Triggers { get; } = [];

    // The shipped templates ask for both keys even where the instruction is given.
    public override JsonElement? Schema => reading == JsonReading.Schema ? BothStrings : null;

    private static readonly JsonElement BothStrings = JsonElement.Parse(
        """{"type": "object", "properties": {"instruction": {"type": "string"}, "response": {"type": "string"}}, "required": ["instruction", "response"], "additionalProperties": false}""");

    public override string Write(InstructionResponse pair) =>
        $$"""{"instruction": {{JsonSerializer.Serialize(pair.Instruction, Relaxed)}}, "response": {{JsonSerializer.Serialize(pair.Response, Relaxed)}}}""";

    public override CompletionReading Read(string completion, string? given)
    {
        if (instructionGiven) ArgumentNullException.ThrowIfNull(given);
        var text = WithoutFence(completion.Trim());
        if (reading == JsonReading.Lenient) text = FirstObject(text);
        try
        {
            using var document = JsonDocument.Parse(text, reading == JsonReading.Lenient ? Lenient : Strict);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                return new CompletionReading.Unreadable(RejectReason.JsonInvalid, "the JSON is not an object");
            if (Text(document.RootElement, "response") is not { } response) return Keyless("response");
            if (instructionGiven) return new CompletionReading.Pair(new InstructionResponse(given!, response));
            return Text(document.RootElement, "instruction") is { } instruction
                ? new CompletionReading.Pair(new InstructionResponse(instruction, response))
                : Keyless("instruction");
        }
        // InvalidOperationException: an escape such as \ud800 that is no character.
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return new CompletionReading.Unreadable(RejectReason.JsonInvalid, fault.Message);
        }

        static CompletionReading.Unreadable Keyless(string key) => new(RejectReason.JsonKeyMissing, $"no string \"{key}\"");
    }

    private string? Text(JsonElement element, string key)
    {
        var found = element.TryGetProperty(key, out var value)
            || (reading == JsonReading.Lenient && (value = element.EnumerateObject().FirstOrDefault(member => member.Name.Equals(key, StringComparison.OrdinalIgnoreCase)).Value).ValueKind != JsonValueKind.Undefined);
        return found && value.ValueKind == JsonValueKind.String ? value.GetString()!.Trim() : null;
    }

    // From the first brace to the one that closes it, braces in strings not counted: a model that is fond of talking writes before and after. An array's first object is taken too.
    private static string FirstObject(string text)
    {
        var start = text.IndexOf('{');
        if (start < 0) return text;
        var (depth, inString) = (0, false);
        for (var place = start; place < text.Length; place++)
        {
            switch (text[place])
            {
                case '\\' when inString: place++; break;
                case '"': inString = !inString; break;
                case '{' when !inString: depth++; break;
                case '}' when !inString && --depth == 0: return text[start..(place + 1)];
            }
        }
        return text[start..];
    }

    // Chat models like to put an object into a code fence and some end with the stop phrase; neither changes what was meant. The phrase is looked
    // for at the end only: inside a JSON string it is text.
    private static string WithoutFence(string text)
    {
        if (text.EndsWith(StopPhrase, StringComparison.Ordinal)) text = text[..^StopPhrase.Length].TrimEnd();
        if (!text.StartsWith("```", StringComparison.Ordinal) || !text.EndsWith("```", StringComparison.Ordinal)) return text;
        var firstLine = text.IndexOf('\n');
        return firstLine < 0 || firstLine >= text.Length - 3 ? text : text[(firstLine + 1)..^3];
    }

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };
    private static readonly JsonDocumentOptions Lenient = new() { AllowDuplicateProperties = false, AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };
}
