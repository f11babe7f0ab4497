using System.Text.Json;
using Agora.Students.Inference;

namespace Agora.Cli.Serving;

/// <summary>The members that chat and text completions have in common.</summary>
internal static class SamplingFields
{
    private const int MostStopTexts = 16;
    public const int MostAlternatives = 20;

    /// <param name="maxTokens">Null: to the end of the context.</param>
    public static SamplingParameters Read(RequestFields fields, int? maxTokens)
    {
        var stop = fields.Texts("stop");
        if (stop.Count > MostStopTexts || stop.Contains(""))
            throw ApiFault.Invalid("stop", $"must be at most {MostStopTexts} texts, none of them empty");
        if (fields.Number("top_p", 1, 0, 1) is var topP && topP == 0)
            throw ApiFault.Invalid("top_p", "must be above 0 and at most 1");
        fields.Unsupported("n", value => IsNumber(value, 1));
        fields.Unsupported("frequency_penalty", value => IsNumber(value, 0));
        fields.Unsupported("presence_penalty", value => IsNumber(value, 0));
        fields.Unsupported("logit_bias", value => value.ValueKind == JsonValueKind.Object && !value.EnumerateObject().Any());
        return new SamplingParameters
        {
            Temperature = fields.Number("temperature", 1, 0, 2),
            TopP = topP,
            // Not OpenAI's, but what other servers of open models call them.
            TopK = (int)(fields.Integer("top_k", 0, int.MaxValue) ?? 0),
            MinP = fields.Number("min_p", 0, 0, 1),
            RepetitionPenalty = fields.Number("repetition_penalty", 1, 0.01, 10),
            Stop = [.. stop],
            MaxTokens = maxTokens,
            Seed = fields.Integer("seed", long.MinValue, long.MaxValue) ?? Random.Shared.NextInt64(),
        };
    }

    public static int Alternatives(RequestFields fields, string name) => (int)(fields.Integer(name, 0, MostAlternatives) ?? 0);

    /// <summary>Whether a stream is wanted, and whether its end is to tell the usage.</summary>
    public static (bool Stream, bool IncludeUsage) Streaming(RequestFields fields)
    {
        var stream = fields.Flag("stream");
        if (fields.Find("stream_options") is not { } options)
            return (stream, false);
        if (!stream || options.ValueKind != JsonValueKind.Object)
            throw ApiFault.Invalid("stream_options", "must be an object, and goes with stream: true");
        var includeUsage = false;
        foreach (var option in options.EnumerateObject())
            includeUsage |= (option.Name, option.Value.ValueKind) switch
            {
                ("include_usage", JsonValueKind.True) => true,
                ("include_usage", JsonValueKind.False or JsonValueKind.Null) => false,
                ("include_obfuscation", _) => false,        // padding against eavesdroppers; there is none
                _ => throw ApiFault.Invalid($"stream_options.{option.Name}", "is not known to this server, or must be true or false"),
            };
        return (stream, includeUsage);
    }

    private static bool IsNumber(JsonElement value, double wanted) => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number == wanted;
}
