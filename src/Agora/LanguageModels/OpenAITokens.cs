using System.Collections.Concurrent;
using Agora.Experiments;
using Microsoft.ML.Tokenizers;

namespace Agora.LanguageModels;

/// <summary>The tokenizers that OpenAI publishes for its models, for estimates before anything is asked.</summary>
/// <remarks>Which model reads by which encoding is told by github.com/openai/tiktoken, tiktoken/model.py. A chat adds a few tokens a message that no tokenizer counts.</remarks>
internal static class OpenAITokens
{
    private static readonly ConcurrentDictionary<string, Lazy<Tokenizer>> Encodings = new(StringComparer.Ordinal);

    /// <returns>The encoding's name; null where the endpoint is not OpenAI's own: under the name of a model of OpenAI's another endpoint may have anything.</returns>
    public static string? EncodingOf(ModelSpec model) =>
        model.Provider != ModelSpec.OpenAI || !Uri.TryCreate(model.Endpoint, UriKind.Absolute, out var address) || !address.Host.Equals("api.openai.com", StringComparison.OrdinalIgnoreCase) ? null
        : model.Model is "gpt-4" || Older.Any(prefix => model.Model?.StartsWith(prefix, StringComparison.Ordinal) == true) ? "cl100k_base"
        : "o200k_base";

    private static readonly string[] Older = ["gpt-4-", "gpt-3.5-"];

    /// <param name="encoding">From <see cref="EncodingOf"/>.</param>
    public static int Count(string encoding, string text) =>
        Encodings.GetOrAdd(encoding, name => new Lazy<Tokenizer>(() => TiktokenTokenizer.CreateForEncoding(name))).Value.CountTokens(text);
}
