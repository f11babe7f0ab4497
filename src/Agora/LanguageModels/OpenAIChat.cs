using System.ClientModel;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Agora.Experiments;
using Microsoft.Extensions.AI;
using OpenAI.Chat;
using ChatFinishReason = Microsoft.Extensions.AI.ChatFinishReason;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace Agora.LanguageModels;

/// <summary>Says in our words what went wrong at an OpenAI-compatible endpoint, and passes on the options that the SDK has no property for.</summary>
internal sealed class OpenAIChat(IChatClient inner, EndpointModel model, HttpClient transport) : DelegatingChatClient(inner)
{
    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        try
        {
            return WithAlternatives(await base.GetResponseAsync(messages, WithExtensions(options), cancellationToken));
        }
        catch (ClientResultException fault) when (fault.Status != 0)
        {
            throw Explained(fault);
        }
        catch (ArgumentOutOfRangeException fault) when (fault.ParamName == "index")
        {
            // That is how the SDK says that the list of choices is empty. It was an answer, without text, finish reason
            // and token counts, and is billed as one whose tokens are unknown.
            return new ChatResponse(new ChatMessage(ChatRole.Assistant, ""));
        }
        catch (ArgumentOutOfRangeException fault) when (fault.ParamName == "value" && fault.Message.Contains(nameof(ChatFinishReason), StringComparison.Ordinal))
        {
            // The SDK reads nothing of an answer whose finish reason it does not know.
            return new ChatResponse(new ChatMessage(ChatRole.Assistant, "")) { FinishReason = new ChatFinishReason(Convert.ToString(fault.ActualValue, CultureInfo.InvariantCulture) is { Length: > 0 } reason ? reason : "unknown") };
        }
        catch (Exception fault) when (!cancellationToken.IsCancellationRequested && TransportFault.Of(fault) is { } cause)
        {
            throw new TransientEndpointException(cause.Message, cause.Fault, retryAfter: null, fault);
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
        if (disposing) transport.Dispose();
        base.Dispose(disposing);
    }

    private Exception Explained(ClientResultException fault)
    {
        var response = fault.GetRawResponse();
        return EndpointErrors.Explain(model, fault.Status, response?.Content.ToString() ?? "",
            name => response?.Headers.TryGetValue(name, out var value) == true ? value : null, fault);
    }

    private static ChatResponse WithAlternatives(ChatResponse response)
    {
        if (response.RawRepresentation is ChatCompletion { ContentTokenLogProbabilities: { Count: > 0 } tokens })
        {
            ImmutableArray<TokenAlternatives> read =
            [
                .. tokens.Select(token => TokenAlternatives.Of(token.Token, token.TopLogProbabilities.Select(likely => (likely.Token, (double)likely.LogProbability)))),
            ];
            (response.AdditionalProperties ??= [])[TokenAlternatives.PropertyName] = read;
        }
        return response;
    }

    // The name by which Microsoft.Extensions.AI.OpenAI is told.
    private const string StrictSchema = "strict";

    private ChatOptions? WithExtensions(ChatOptions? options)
    {
        if (options?.Seed is not null && !ProviderCapabilities.TakesSeed(model.Spec))
        {
            options = options.Clone();
            options.Seed = null;
        }
        if (options?.ResponseFormat is ChatResponseFormatJson { Schema: not null })
        {
            // Without it a schema is advice; OpenAI guarantees it with it only.
            options = options.Clone();
            (options.AdditionalProperties ??= [])[StrictSchema] = true;
        }
        var extensions = Extensions(options).ToArray();
        var alternatives = options?.AdditionalProperties?.TryGetValue(SamplingOptions.TopLogProbabilities, out var wanted) == true ? Convert.ToInt32(wanted, CultureInfo.InvariantCulture) : 0;
        if (extensions.Length == 0 && alternatives == 0) return options;
        var extended = options!.Clone();
        extended.RawRepresentationFactory = _ =>
        {
            var raw = new ChatCompletionOptions();
            if (alternatives > 0) (raw.IncludeLogProbabilities, raw.TopLogProbabilityCount) = (true, alternatives);
#pragma warning disable SCME0001 // The SDK's only way to send a field that OpenAI's own API lacks.
            foreach (var (name, value) in extensions) raw.Patch.Set(Encoding.UTF8.GetBytes("$." + name), value);
#pragma warning restore SCME0001
            return raw;
        };
        return extended;
    }

    private IEnumerable<(string Name, double Value)> Extensions(ChatOptions? options)
    {
        foreach (var name in new[] { SamplingOptions.RepetitionPenalty, SamplingOptions.MinP })
        {
            if (options?.AdditionalProperties?.TryGetValue(name, out var value) == true && value is not null)
                yield return (name, Convert.ToDouble(value, CultureInfo.InvariantCulture));
        }
        // The SDK sends max_completion_tokens. Servers of others may know the older name only, and would write without limit; OpenAI's newer models refuse it.
        var ofOpenAI = model.Address.Host.EndsWith(".openai.com", StringComparison.OrdinalIgnoreCase) || model.Address.Host.EndsWith(".azure.com", StringComparison.OrdinalIgnoreCase);
        if (!ofOpenAI && options?.MaxOutputTokens is { } limit) yield return ("max_tokens", limit);
    }
}
