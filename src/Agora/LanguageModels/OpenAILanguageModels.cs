using System.ClientModel;
using System.ClientModel.Primitives;
using Agora.Experiments;
using Agora.LanguageModels.Batches;
using Microsoft.Extensions.AI;
using OpenAI;

namespace Agora.LanguageModels;

/// <summary>Models behind any endpoint that speaks OpenAI's chat-completions protocol: OpenAI itself, vLLM, llama.cpp, Ollama, <c>agora serve</c> …</summary>
public class OpenAILanguageModels(EndpointServices services) : EndpointLanguageModels(services)
{
    protected override string Provider => ModelSpec.OpenAI;

    protected override string? DefaultEndpoint => "https://api.openai.com/v1";

    protected override IChatClient Connect(EndpointModel model, EndpointPace pace, HttpMessageHandler transport, TimeSpan timeout)
    {
        var (client, http) = Client(model, pace, transport);
        var posts = new OpenAIPosts(client.Pipeline, BaseAddress(model));
        var asked = new OpenAIPromptReading(new OpenAIPlainPrompts(client.GetChatClient(model.Name).AsIChatClient(), posts, model.Name), posts, model);
        return new OpenAIChat(asked, model, http);
    }

    private protected override IChatClient? ConnectEmbeddings(EndpointModel model, EndpointPace pace, HttpMessageHandler transport)
    {
        var (client, http) = Client(model, pace, transport);
        return new OpenAIChat(new OpenAIEmbeddings(client.GetEmbeddingClient(model.Name)), model, http);
    }

    private (OpenAIClient Client, HttpClient Http) Client(EndpointModel model, EndpointPace pace, HttpMessageHandler transport)
    {
        // Of this client alone, over the handler of all.
        var http = new HttpClient(transport, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };
        var options = new OpenAIClientOptions
        {
            Endpoint = BaseAddress(model),
            Transport = new HttpClientPipelineTransport(http),
            // Retries are ours, so that they are counted once and honour the run's clock and limits.
            RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
            // The time limit is ours, too, and holds for the whole answer; that of a batch is the provider's.
            NetworkTimeout = Timeout.InfiniteTimeSpan,
        };
        options.AddPolicy(new RateLimitPolicy(pace), PipelinePosition.PerTry);
        Configure(options, model);
        // Endpoints without keys ignore the header, and the SDK insists on one.
        return (new OpenAIClient(new ApiKeyCredential(model.Key ?? "none"), options), http);
    }

    private protected override IBatchApi? Batches(EndpointModel model) => new OpenAIBatches(model, Services.Transport, Services.Retries, Services.BatchLimits ?? OpenAIBatches.Documented);

    /// <summary>Where /chat/completions begins.</summary>
    protected virtual Uri BaseAddress(EndpointModel model) => model.Address;

    /// <summary>What a kind of endpoint needs besides.</summary>
    protected virtual void Configure(OpenAIClientOptions options, EndpointModel model)
    {
    }

    private sealed class RateLimitPolicy(EndpointPace pace) : PipelinePolicy
    {
        public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            ProcessNext(message, pipeline, currentIndex);
            Learn(message);
        }

        public override async ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            await ProcessNextAsync(message, pipeline, currentIndex);
            Learn(message);
        }

        private void Learn(PipelineMessage message)
        {
            if (message.Response?.Headers is { } headers)
                pace.Learn(RateLimitHeaders.Read(name => headers.TryGetValue(name, out var value) ? value : null));
        }
    }
}
