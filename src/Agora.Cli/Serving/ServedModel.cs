using System.Text;
using System.Text.Json.Nodes;
using Agora.Experiments;
using Agora.Students.ChatTemplates;
using Agora.Students.Inference;
using Microsoft.AspNetCore.Http;

namespace Agora.Cli.Serving;

/// <summary>The model behind the server, and how its answers look on the wire.</summary>
internal sealed class ServedModel(InferenceEngine engine, ChatTemplate? template, string name, ServerMetrics metrics, TimeProvider time) : IDisposable
{
    private readonly long loaded = time.GetUtcNow().ToUnixTimeSeconds();

    public InferenceEngine Engine { get; } = engine;

    public string Name { get; } = name;

    /// <exception cref="ApiFault">The request names another model, or none.</exception>
    public void CheckName(RequestFields fields)
    {
        var wanted = fields.Required("model");
        if (wanted.ValueKind != System.Text.Json.JsonValueKind.String)
            throw ApiFault.Invalid("model", "must be a string");
        if (wanted.GetString() != Name)
            throw new ApiFault(404, $"the model {wanted.GetString()} does not exist; this server has {Name}", "model", "model_not_found");
    }

    /// <exception cref="ApiFault">The model has no template, or it refuses the conversation.</exception>
    public int[] PromptOf(IReadOnlyList<ChatTurn> messages, bool addGenerationPrompt)
    {
        if (template is null)
            throw new ApiFault(400, $"the model {Name} has no chat template: ask /v1/completions, or serve a chat model", "messages", "no_chat_template");
        try
        {
            return Engine.Tokenizer.Encode(template.Render(messages, addGenerationPrompt), addSpecialTokens: false);
        }
        catch (AgoraException exception)
        {
            throw new ApiFault(400, exception.What, "messages");
        }
    }

    /// <exception cref="ApiFault">The text does not fit the context, leaving room for an answer.</exception>
    public void CheckLength(ReadOnlySpan<int> prompt, int room, string parameter)
    {
        if (prompt.Length + room > Engine.Config.MaxPositions)
            throw new ApiFault(400, $"this model's context is {Engine.Config.MaxPositions} tokens, and {parameter} has {prompt.Length}" + (room > 0 ? ", which leaves no room for an answer" : ""), parameter, "context_length_exceeded");
        if (prompt.IsEmpty)
            throw ApiFault.Invalid(parameter, "is empty: the model needs at least one token");
    }

    /// <exception cref="ApiFault">More tokens are wanted than the context holds, whatever the prompt.</exception>
    public void CheckRoom(int? maxTokens, string parameter)
    {
        if (maxTokens > Engine.Config.MaxPositions)
            throw ApiFault.Invalid(parameter, $"is {maxTokens}, more than this model's context of {Engine.Config.MaxPositions} tokens", "context_length_exceeded");
    }

    /// <summary>Tells the metrics once per request.</summary>
    public void FirstToken(HttpContext context)
    {
        if (context.Items.TryGetValue(RequestClock.Item, out var item) && item is RequestClock clock && clock.TryTakeFirst())
            metrics.FirstToken(clock.Elapsed);
    }

    public long Now() => time.GetUtcNow().ToUnixTimeSeconds();

    public JsonObject Describe() => new() { ["id"] = Name, ["object"] = "model", ["created"] = loaded, ["owned_by"] = "agora", ["max_model_len"] = Engine.Config.MaxPositions };

    /// <summary>A token's bytes as text; half a character becomes U+FFFD.</summary>
    public string TextOf(int token) => Encoding.UTF8.GetString(Engine.Tokenizer.TokenBytes(token));

    public static string FinishReason(Completion completion) => completion.End == CompletionEnd.Stop ? "stop" : "length";

    public static JsonObject Usage(int prompt, int completion, int cached) => new()
    {
        ["prompt_tokens"] = prompt,
        ["completion_tokens"] = completion,
        ["total_tokens"] = prompt + completion,
        ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = cached },
    };

    public void Dispose() => Engine.Dispose();
}
