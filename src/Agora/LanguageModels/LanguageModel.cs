using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>Opens the models of an experiment; the one place where a provider's name is looked up.</summary>
public interface ILanguageModels
{
    /// <summary>A chat client for the model, shared by all callers of one run; the caller does not dispose it.</summary>
    /// <exception cref="AgoraException">Unknown provider, missing folder or key.</exception>
    Task<IChatClient> OpenChatAsync(ModelSpec model, CancellationToken cancellationToken);

    /// <summary>The same for one step, which may wait: requests go through the provider's batch API where the model's mode says so.</summary>
    /// <param name="ledger">Where the step's batches are recorded: its journal, under whose keys the answers will stand.</param>
    /// <param name="notice">Told when batches are sent off and come back.</param>
    /// <returns>The caller disposes it; the model stays open.</returns>
    async Task<IChatClient> OpenForStepAsync(ModelSpec model, IJournal ledger, Action<string> notice, CancellationToken cancellationToken) =>
        new LentChatClient(await OpenChatAsync(model, cancellationToken));

    /// <summary>A model that turns texts into vectors, at the pace and on the budget of its endpoint; the caller does not dispose it.</summary>
    /// <exception cref="AgoraException">The provider makes no embeddings.</exception>
    Task<IEmbeddingGenerator<string, Embedding<float>>> OpenEmbeddingsAsync(ModelSpec model, CancellationToken cancellationToken) =>
        throw new AgoraException($"the provider {model.Provider} makes no embeddings", $"model {model.Model ?? model.Path}", "name an embedded model, or one behind an endpoint that speaks OpenAI's protocol") { ExitCode = 2 };

    /// <summary>What the model is, for the keys of steps: hash of its files where it is embedded, endpoint and name elsewhere.</summary>
    Task<string> IdentifyAsync(ModelSpec model, CancellationToken cancellationToken);

    /// <summary>Lets go of an embedded model's memory once no more requests will come.</summary>
    Task CloseAsync(ModelSpec model);
}

/// <summary>Sampling options that Microsoft.Extensions.AI has no property for, in <see cref="ChatOptions.AdditionalProperties"/>.</summary>
public static class SamplingOptions
{
    /// <summary>double, 1 is off.</summary>
    public const string RepetitionPenalty = "repetition_penalty";
    /// <summary>double, 0 is off.</summary>
    public const string MinP = "min_p";
    /// <summary>bool: the messages' texts are one prompt that the model continues, without chat template; the model may add its begin-of-text token.</summary>
    public const string PlainPrompt = "plain_prompt";
    /// <summary>bool: the model writes what comes after its own bare chat template, where a user's words would begin; there are no messages. Honoured by embedded models alone.</summary>
    public const string AsUser = "as_user";
    /// <summary>string: what the answer begins with, which the completion does not repeat. Honoured by embedded models alone: the chat protocol has no place for it.</summary>
    public const string AnswerPrefix = "answer_prefix";
    /// <summary>int, 0 is off: how many likely tokens to report at each place of the answer, as <see cref="TokenAlternatives"/>.</summary>
    public const string TopLogProbabilities = "top_logprobs";
    /// <summary>bool: the same prompt will come again soon, so that it is worth the endpoint's prompt cache. It decides nothing about the answer and is in no request's key. Honoured by Anthropic's models alone; others cache by themselves.</summary>
    public const string CachePrompt = "cache_prompt";
    /// <summary>bool: report how likely the model holds each token of the prompt, as <see cref="PromptToken"/>s; the answer itself is thrown away. Honoured by OpenAI-compatible endpoints alone.</summary>
    public const string PromptLogProbabilities = "prompt_logprobs";
}

/// <summary>What Microsoft.Extensions.AI has no property for in the usage of an answer.</summary>
internal static class CacheWrites
{
    // As Anthropic's SDK names it; the input tokens of the usage include it.
    private const string Name = "CacheCreationInputTokens";

    /// <summary>Input tokens that the endpoint put into its prompt cache.</summary>
    public static long Of(UsageDetails? usage) => usage?.AdditionalCounts?.TryGetValue(Name, out var written) == true ? written : 0;

    public static AdditionalPropertiesDictionary<long>? Counts(long? written) => written is > 0 and var tokens ? new AdditionalPropertiesDictionary<long> { [Name] = tokens } : null;
}

/// <summary>Log-likelihood of given text, which no interface of the ecosystem covers.</summary>
public interface ILikelihoodModel
{
    /// <returns>For each pair, the negative log-likelihood in nats of each response token given all before it.</returns>
    Task<IReadOnlyList<float[]>> TokenLossesAsync(IReadOnlyList<(string Instruction, string Response)> pairs, CancellationToken cancellationToken);
}

/// <summary>A client that belongs to somebody else: disposing it leaves the other open.</summary>
/// <param name="returned">Called when it is disposed.</param>
internal sealed class LentChatClient(IChatClient inner, Action? returned = null) : DelegatingChatClient(inner)
{
    protected override void Dispose(bool disposing)
    {
        if (disposing) returned?.Invoke();
        base.Dispose(disposing: false);
    }
}
