using System.ClientModel.Primitives;
using Agora.Experiments;
using Agora.LanguageModels.Batches;
using OpenAI;

namespace Agora.LanguageModels;

/// <summary>Deployments of Azure OpenAI. The protocol is OpenAI's; the key's header and the addresses are Azure's own.</summary>
/// <remarks>
/// Without an API version the v1 API is asked, at RESOURCE/openai/v1. With one it is the older address of a deployment:
/// RESOURCE/openai/deployments/NAME/chat/completions?api-version=… (learn.microsoft.com/azure/ai-foundry/openai/reference).
/// </remarks>
public sealed class AzureOpenAILanguageModels(EndpointServices services) : OpenAILanguageModels(services)
{
    protected override string Provider => ModelSpec.Azure;

    protected override string? DefaultEndpoint => null;

    // Azure's batches want deployments of a kind of their own and another upload.
    private protected override IBatchApi? Batches(EndpointModel model) => null;

    protected override Uri BaseAddress(EndpointModel model)
    {
        var resource = model.Address.GetLeftPart(UriPartial.Authority);
        return new Uri(model.Spec.ApiVersion is null ? $"{resource}/openai/v1" : $"{resource}/openai/deployments/{Uri.EscapeDataString(model.Name)}");
    }

    protected override void Configure(OpenAIClientOptions options, EndpointModel model) =>
        options.AddPolicy(new AzurePolicy(model.Key, model.Spec.ApiVersion), PipelinePosition.BeforeTransport);

    private sealed class AzurePolicy(string? key, string? apiVersion) : PipelinePolicy
    {
        public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            Prepare(message.Request);
            ProcessNext(message, pipeline, currentIndex);
        }

        public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            Prepare(message.Request);
            return ProcessNextAsync(message, pipeline, currentIndex);
        }

        private void Prepare(PipelineRequest request)
        {
            request.Headers.Remove("Authorization");
            if (key is not null)
                request.Headers.Set("api-key", key);
            if (apiVersion is not null && request.Uri is { } address && !address.Query.Contains("api-version", StringComparison.Ordinal))
                request.Uri = new UriBuilder(address) { Query = $"api-version={apiVersion}" }.Uri;
        }
    }
}
