using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>Hands each model to the provider that its spec names.</summary>
/// <param name="byName">Providers by the name that experiments use, e.g. <c>openai</c>.</param>
public sealed class LanguageModelProviders(IReadOnlyDictionary<string, ILanguageModels> byName) : ILanguageModels
{
    public Task<IChatClient> OpenChatAsync(ModelSpec model, CancellationToken cancellationToken) => Of(model).OpenChatAsync(model, cancellationToken);

    public Task<IChatClient> OpenForStepAsync(ModelSpec model, IJournal ledger, Action<string> notice, CancellationToken cancellationToken) =>
        Of(model).OpenForStepAsync(model, ledger, notice, cancellationToken);

    public Task<IEmbeddingGenerator<string, Embedding<float>>> OpenEmbeddingsAsync(ModelSpec model, CancellationToken cancellationToken) => Of(model).OpenEmbeddingsAsync(model, cancellationToken);

    public Task<string> IdentifyAsync(ModelSpec model, CancellationToken cancellationToken) => Of(model).IdentifyAsync(model, cancellationToken);

    public Task CloseAsync(ModelSpec model) => Of(model).CloseAsync(model);

    private ILanguageModels Of(ModelSpec model) => byName.TryGetValue(model.Provider, out var provider)
        ? provider
        : throw new AgoraException($"there is no provider \"{model.Provider}\"", $"model {model.Model ?? model.Path}",
            $"name one of: {string.Join(", ", byName.Keys.Order(StringComparer.Ordinal))}")
        { ExitCode = 2 };
}
