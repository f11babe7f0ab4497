using System.Globalization;
using System.Text.Json.Nodes;
using Agora.Students.Inference;

namespace Agora.Cli.Serving;

/// <summary>The member <c>prompt_logprobs</c> as vLLM has it: how likely the model held each token of the prompt, so that a text's perplexity can be asked for.</summary>
internal static class PromptLogProbabilities
{
    public const string Member = "prompt_logprobs";

    /// <returns>How many alternatives beside each token; null where nothing is asked for.</returns>
    public static int? Read(RequestFields fields) => (int?)fields.Integer(Member, 0, SamplingFields.MostAlternatives);

    /// <returns>One entry per token: null for the first, which nothing predicts; else an object by token id, the prompt's own token among them.</returns>
    public static async Task<JsonArray> ReadAsync(ServedModel model, int[] prompt, int alternatives, CancellationToken cancellationToken)
    {
        var read = await model.Engine.TokenLogProbabilitiesAsync(prompt, 1, alternatives, cancellationToken);
        var list = new JsonArray((JsonNode?)null);
        foreach (var token in read)
        {
            var entry = new JsonObject { [Key(token.Token)] = Entry(model, token.Token, token.LogProbability, token.Rank) };
            foreach (var (place, (other, logProbability)) in token.Alternatives.Index())
                entry.TryAdd(Key(other), Entry(model, other, logProbability, place + 1));
            list.Add((JsonNode)entry);
        }
        return list;
    }

    private static string Key(int token) => token.ToString(CultureInfo.InvariantCulture);

    private static JsonObject Entry(ServedModel model, int token, double logProbability, int rank) =>
        new() { ["logprob"] = logProbability, ["rank"] = rank, ["decoded_token"] = model.TextOf(token) };
}
