using System.ClientModel;
using System.ClientModel.Primitives;
using Agora.Experiments;
using Microsoft.Extensions.AI;
using OpenAI;

namespace Agora.LanguageModels;

/// <summary>Embeddings from any endpoint that speaks OpenAI's protocol.</summary>
public static class OpenAIEmbeddings
{
    /// <summary>A generator whose faults say where they happened and what to do.</summary>
    /// <param name="transport">Disposed by the caller.</param>
    /// <param name="key">Null for endpoints without keys.</param>
    public static IEmbeddingGenerator<string, Embedding<float>> Open(HttpClient transport, Uri endpoint, string model, string? key)
    {
        var client = new OpenAIClient(new ApiKeyCredential(key ?? "none"), new OpenAIClientOptions { Endpoint = endpoint, Transport = new HttpClientPipelineTransport(transport) });
        return new Explained(client.GetEmbeddingClient(model).AsIEmbeddingGenerator(), endpoint, model);
    }

    private sealed class Explained(IEmbeddingGenerator<string, Embedding<float>> inner, Uri endpoint, string model) : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner)
    {
        public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
        {
            try
            {
                return await base.GenerateAsync(values, options, cancellationToken);
            }
            catch (Exception fault) when (fault is ClientResultException or HttpRequestException or AggregateException)
            {
                throw new AgoraException($"the endpoint gave no embeddings: {fault.Message}", $"{model} at {endpoint}", "check address, model name and key, and that the model makes embeddings", fault);
            }
        }
    }
}
