using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Students.ChatTemplates;
using Microsoft.Extensions.AI;

namespace Agora.Students.Inference;

/// <summary>A model folder as a chat model: its own chat template, this process's engine. Safe for concurrent use.</summary>
/// <remarks>
/// Absent options mean what they mean at OpenAI: temperature 1, no filter, an answer as long as the context allows. Without a seed each answer draws its own.
/// Text is all it understands: tools, attachments and response formats are refused, not ignored.
/// </remarks>
public sealed class EmbeddedChatClient : IChatClient
{
    /// <summary>Key of the answer's <see cref="TokenLogProbability"/> list in <see cref="ChatResponse.AdditionalProperties"/>.</summary>
    public const string LogProbabilitiesKey = "logprobs";
    /// <summary>Option, bool: report log-probabilities.</summary>
    public const string LogProbabilitiesOption = "logprobs";
    /// <summary>Option, int: and those of this many alternatives.</summary>
    public const string TopLogProbabilitiesOption = SamplingOptions.TopLogProbabilities;

    private readonly InferenceEngine engine;
    private readonly ChatTemplate? template;
    private readonly IDisposable? owned;

    /// <param name="owned">Disposed with the client; null where the engine is the caller's to dispose.</param>
    /// <exception cref="AgoraException">The folder has a chat template that cannot be rendered. One without a template continues plain prompts only.</exception>
    public EmbeddedChatClient(InferenceEngine engine, IDisposable? owned = null)
    {
        this.engine = engine;
        this.owned = owned;
        template = ChatTemplate.TryLoad(engine.Folder);
    }

    /// <exception cref="PromptRefusedException">The conversation is empty or leaves no room in the model's context.</exception>
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var completion = await engine.CompleteAsync(Encode(messages, options), ParametersOf(options), cancellationToken);
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, completion.Text))
        {
            ModelId = engine.Folder,
            FinishReason = FinishReason(completion),
            Usage = Usage(completion),
            AdditionalProperties = LogProbabilities(completion),
        };
    }

    /// <exception cref="PromptRefusedException">The conversation is empty or leaves no room in the model's context.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var piece in engine.StreamAsync(Encode(messages, options), ParametersOf(options), cancellationToken))
        {
            var update = new ChatResponseUpdate(ChatRole.Assistant, piece.Text) { ModelId = engine.Folder };
            if (piece.Completion is { } completion)
            {
                update.FinishReason = FinishReason(completion);
                update.Contents.Add(new UsageContent(Usage(completion)));
                update.AdditionalProperties = LogProbabilities(completion);
            }
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(InferenceEngine) ? engine
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose() => owned?.Dispose();

    private int[] Encode(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        var turns = new List<ChatTurn>();
        if (options?.Instructions is { } instructions)
            turns.Add(new ChatTurn("system", instructions));
        foreach (var message in messages)
        {
            if (message.Contents.FirstOrDefault(content => content is not TextContent) is { } other)
                throw new NotSupportedException($"an embedded model understands text only, the message holds {other.GetType().Name}");
            turns.Add(new ChatTurn(message.Role.Value, message.Text));
        }
        var isPlain = options?.AdditionalProperties?.ContainsKey(SamplingOptions.PlainPrompt) == true;
        var asUser = options?.AdditionalProperties?.ContainsKey(SamplingOptions.AsUser) == true;
        // Templates write the begin-of-sequence token themselves.
        var tokens = asUser ? engine.Tokenizer.Encode(UpToUser(), addSpecialTokens: false)
            : isPlain
            ? engine.Tokenizer.Encode(string.Concat(turns.Select(turn => turn.Content)), addSpecialTokens: true)
            : engine.Tokenizer.Encode(Rendered(turns, options), addSpecialTokens: false);
        if (tokens.Length >= engine.Config.MaxPositions)
            throw new PromptRefusedException($"the conversation has {tokens.Length} tokens, the model's context is {engine.Config.MaxPositions}");
        if (tokens.Length == 0)
            throw new PromptRefusedException("the prompt is empty: the model needs at least one token, and its tokenizer adds none of its own");
        return tokens;
    }

    // What the template puts before a user's message, a system message of its own included; the mark stands for the message.
    private string UpToUser()
    {
        const string mark = "\u0002user's words\u0003";
        var text = (template ?? ChatTemplate.Load(engine.Folder)).Render([new ChatTurn("user", mark)], addGenerationPrompt: false);
        var cut = text.IndexOf(mark, StringComparison.Ordinal);
        return cut >= 0
            ? text[..cut]
            : throw new AgoraException("the chat template does not repeat a user's message, so that no such message can be begun", engine.Folder, "take self_synthesis out of the settings, or another model");
    }

    private string Rendered(List<ChatTurn> turns, ChatOptions? options)
    {
        var chat = template ?? ChatTemplate.Load(engine.Folder);    // which says what is missing
        if (options?.AdditionalProperties?.TryGetValue(SamplingOptions.AnswerPrefix, out var value) != true || value is not string { Length: > 0 } prefix)
            return chat.Render(turns, addGenerationPrompt: true);
        // What the template puts behind an assistant's message is cut off where the message ends; the mark keeps it from trimming the prefix.
        const string end = "\u0002end of prefix\u0003";
        var text = chat.Render([.. turns, new ChatTurn("assistant", prefix + end)], addGenerationPrompt: false);
        var cut = text.LastIndexOf(end, StringComparison.Ordinal);
        return cut >= 0
            ? text[..cut]
            : throw new AgoraException("the chat template does not repeat an assistant's message, so that no answer can be begun", engine.Folder, "ask in another style, such as --prompt-style chat");
    }

    private static SamplingParameters ParametersOf(ChatOptions? options)
    {
        if (options is null)
            return new SamplingParameters { Seed = Random.Shared.NextInt64() };
        if (options.Tools is { Count: > 0 } || options.ResponseFormat is not (null or ChatResponseFormatText)
            || options.FrequencyPenalty is not (null or 0) || options.PresencePenalty is not (null or 0))
            throw new NotSupportedException("an embedded model has no tools, response formats, frequency or presence penalty");
        double Number(string name, double absent) =>
            options.AdditionalProperties?.TryGetValue(name, out var value) == true && value is not null ? Convert.ToDouble(value, CultureInfo.InvariantCulture) : absent;
        var alternatives = (int)Number(TopLogProbabilitiesOption, 0);
        return new SamplingParameters
        {
            // Options are float32; 0.9f is meant as 0.9.
            Temperature = Meant(options.Temperature) ?? 1,
            TopP = Meant(options.TopP) ?? 1,
            TopK = options.TopK ?? 0,
            MinP = Number(SamplingOptions.MinP, 0),
            RepetitionPenalty = Number(SamplingOptions.RepetitionPenalty, 1),
            Stop = [.. options.StopSequences ?? []],
            MaxTokens = options.MaxOutputTokens,
            Seed = options.Seed ?? Random.Shared.NextInt64(),
            LogProbabilities = alternatives > 0 || Number(LogProbabilitiesOption, 0) != 0,
            TopLogProbabilities = alternatives,
        };
    }

    private static double? Meant(float? option) =>
        option is { } value ? double.Parse(value.ToString("R", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) : null;

    private static ChatFinishReason FinishReason(Completion completion) => completion.End == CompletionEnd.Stop ? ChatFinishReason.Stop : ChatFinishReason.Length;

    private static UsageDetails Usage(Completion completion) => new()
    {
        InputTokenCount = completion.PromptTokens,
        OutputTokenCount = completion.Tokens.Length,
        TotalTokenCount = completion.PromptTokens + completion.Tokens.Length,
    };

    private AdditionalPropertiesDictionary? LogProbabilities(Completion completion) => completion.LogProbabilities.IsEmpty ? null : new AdditionalPropertiesDictionary
    {
        [LogProbabilitiesKey] = completion.LogProbabilities,
        [TokenAlternatives.PropertyName] = completion.LogProbabilities
            .Select(token => TokenAlternatives.Of(TextOf(token.Token), token.Alternatives.Select(likely => (TextOf(likely.Token), likely.LogProbability)))).ToImmutableArray(),
    };

    private string TextOf(int token) => Encoding.UTF8.GetString(engine.Tokenizer.TokenBytes(token));
}
