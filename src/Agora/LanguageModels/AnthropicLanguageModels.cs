using System.Runtime.CompilerServices;
using System.Text.Json;
using Agora.Experiments;
using Agora.LanguageModels.Batches;
using Anthropic;
using Anthropic.Models.Messages;
using Microsoft.Extensions.AI;

namespace Agora.LanguageModels;

/// <summary>Models behind Anthropic's Messages API, through its official SDK.</summary>
/// <remarks>The API knows no seed and no log-probabilities (docs.anthropic.com/en/api/messages); <see cref="ProviderCapabilities"/> says so before a run starts.</remarks>
public sealed class AnthropicLanguageModels(EndpointServices services) : EndpointLanguageModels(services)
{
    protected override string Provider => ModelSpec.Anthropic;

    protected override string? DefaultEndpoint => "https://api.anthropic.com";

    protected override IChatClient Connect(EndpointModel model, EndpointPace pace, HttpMessageHandler transport, TimeSpan timeout)
    {
        var http = new HttpClient(new Observer(model, pace) { InnerHandler = new Shared(transport) }) { Timeout = Timeout.InfiniteTimeSpan };
        var client = new AnthropicClient
        {
            HttpClient = http,
            BaseUrl = model.Address.AbsoluteUri.TrimEnd('/'),
            ApiKey = model.Key,
            // Retries are ours, so that they are counted once and honour the run's clock and limits.
            MaxRetries = 0,
            Timeout = timeout,
        };
        return new Chat(client.AsIChatClient(model.Name), client, http, model.Name, ProviderCapabilities.Of(model.Spec).HasFlag(ModelCapabilities.PromptCaching));
    }

    private protected override IBatchApi? Batches(EndpointModel model) => new AnthropicBatches(model, Services.Transport, Services.Retries, Services.BatchLimits ?? AnthropicBatches.Documented);

    /// <summary>Says in our words what went wrong below the SDK, and sends only what the API takes.</summary>
    private sealed class Chat(IChatClient inner, AnthropicClient client, HttpClient transport, string name, bool caches) : DelegatingChatClient(inner)
    {
        public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            try
            {
                return await base.GetResponseAsync(caches && options?.AdditionalProperties?.ContainsKey(SamplingOptions.CachePrompt) == true ? Cached(messages) : messages, Accepted(options), cancellationToken);
            }
            catch (Exception fault) when (!cancellationToken.IsCancellationRequested && fault is not (TransientEndpointException or PromptRefusedException or AgoraException))
            {
                // The SDK may wrap what the transport below it threw.
                for (var cause = fault.InnerException; cause is not null; cause = cause.InnerException)
                    if (cause is TransientEndpointException or PromptRefusedException or AgoraException)
                        throw cause;
                if (TransportFault.Of(fault) is { } passing)
                    throw new TransientEndpointException(passing.Message, passing.Fault, retryAfter: null, fault);
                if (fault.GetType().Namespace?.StartsWith("Anthropic", StringComparison.Ordinal) == true)
                    throw new TransientEndpointException($"the answer could not be read: {fault.Message}", EndpointFault.Unreadable, retryAfter: null, fault);
                throw;
            }
        }

        public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
            [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
                yield return update;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                client.Dispose();
                transport.Dispose();
            }
            base.Dispose(disposing);
        }

        // Up to and with the block that is marked, for five minutes; prompts that are too short for the cache are not put there, and nothing is charged for it (docs.anthropic.com/en/docs/build-with-claude/prompt-caching).
        private static ChatMessage[] Cached(IEnumerable<ChatMessage> messages)
        {
            ChatMessage[] marked = [.. messages];
            marked[^1] = new ChatMessage(marked[^1].Role, [new TextContent(marked[^1].Text).WithCacheControl(Ttl.Ttl5m)]);
            return marked;
        }

        // The SDK's client drops temperature and top_p without a word, so they go into the raw body. Newer models refuse the two together; a value that is the API's own
        // default says nothing and is left out.
        private ChatOptions? Accepted(ChatOptions? options)
        {
            if (options is null)
                return null;
            var accepted = options.Clone();
            accepted.Seed = null;
            accepted.AdditionalProperties = null;
            var sampling = new Dictionary<string, JsonElement>();
            if (options.Temperature is { } temperature and not 1)
                sampling["temperature"] = JsonSerializer.SerializeToElement(temperature);
            if (options.TopP is { } topP and not 1)
                sampling["top_p"] = JsonSerializer.SerializeToElement(topP);
            if (options.TopK is { } topK)
                sampling["top_k"] = JsonSerializer.SerializeToElement(topK);
            if (sampling.Count == 0)
                return accepted;
            // Members that the SDK wants to see in a raw body; it adds the messages to the empty list.
            sampling["model"] = JsonSerializer.SerializeToElement(name);
            sampling["max_tokens"] = JsonSerializer.SerializeToElement(options.MaxOutputTokens ?? throw new InvalidOperationException("Anthropic's API wants a limit of new tokens"));
            sampling["messages"] = JsonSerializer.SerializeToElement(Array.Empty<string>());
            accepted.RawRepresentationFactory = _ => MessageCreateParams.FromRawUnchecked(new Dictionary<string, JsonElement>(), new Dictionary<string, JsonElement>(), sampling);
            return accepted;
        }
    }

    /// <summary>Reads limits off every answer, and turns error statuses into our exceptions before the SDK makes its own of them.</summary>
    private sealed class Observer(EndpointModel model, EndpointPace pace) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            // Never a key from the variables that the SDK looks for by itself: the experiment names its own.
            request.Headers.Remove("Authorization");
            request.Headers.Remove("x-api-key");
            if (model.Key is not null)
                request.Headers.Add("x-api-key", model.Key);
            var response = await base.SendAsync(request, cancellationToken);
            pace.Learn(RateLimitHeaders.Read(Header));
            if (response.IsSuccessStatusCode)
                return response;
            using (response)
                throw EndpointErrors.Explain(model, (int)response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken), Header, cause: null);

            string? Header(string name) => response.Headers.TryGetValues(name, out var values) ? values.First() : null;
        }
    }

    // The handler of all clients outlives each of them.
    private sealed class Shared(HttpMessageHandler inner) : HttpMessageHandler
    {
        private readonly HttpMessageInvoker invoker = new(inner, disposeHandler: false);

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => invoker.SendAsync(request, cancellationToken);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                invoker.Dispose();
            base.Dispose(disposing);
        }
    }
}
