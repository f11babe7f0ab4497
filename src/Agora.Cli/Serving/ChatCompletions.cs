using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Students.ChatTemplates;
using Agora.Students.Inference;
using Microsoft.AspNetCore.Http;

namespace Agora.Cli.Serving;

/// <summary>POST /v1/chat/completions, after OpenAI's reference: one answer, whole or streamed.</summary>
internal sealed class ChatCompletions(ServedModel model)
{
    public async Task AnswerAsync(HttpContext context)
    {
        var fields = await RequestFields.ReadAsync(context);
        model.CheckName(fields);
        var messages = ReadMessages(fields.Required("messages"));
        var maxTokens = fields.Integer("max_completion_tokens", 1, int.MaxValue) ?? fields.Integer("max_tokens", 1, int.MaxValue);
        fields.Find("max_tokens");      // the older name may stand beside the newer one
        var withLogProbabilities = fields.Flag("logprobs");
        var alternatives = SamplingFields.Alternatives(fields, "top_logprobs");
        if (alternatives > 0 && !withLogProbabilities)
            throw ApiFault.Invalid("top_logprobs", "goes with logprobs: true");
        var parameters = SamplingFields.Read(fields, (int?)maxTokens) with { LogProbabilities = withLogProbabilities, TopLogProbabilities = alternatives };
        var (stream, includeUsage) = SamplingFields.Streaming(fields);
        var promptAlternatives = PromptLogProbabilities.Read(fields);
        if (stream && promptAlternatives is not null)
            throw ApiFault.Invalid(PromptLogProbabilities.Member, "does not go with stream: true", "unsupported_parameter");
        // vLLM's: false reads a conversation whose last answer is there already, as its perplexity needs.
        var addGenerationPrompt = fields.Find("add_generation_prompt") is null || fields.Flag("add_generation_prompt");
        RefuseUnsupported(fields);
        fields.RefuseRest();
        var prompt = model.PromptOf(messages, addGenerationPrompt);
        model.CheckLength(prompt, room: 1, "messages");
        model.CheckRoom(parameters.MaxTokens, "max_completion_tokens");
        if (stream)
        {
            await StreamAsync(context, prompt, parameters, includeUsage);
            return;
        }
        var reading = promptAlternatives is { } count ? PromptLogProbabilities.ReadAsync(model, prompt, count, context.RequestAborted) : null;
        var json = Whole(await model.Engine.CompleteAsync(prompt, parameters, context.RequestAborted), parameters);
        if (reading is not null)
            json[PromptLogProbabilities.Member] = await reading;
        await EventStream.WriteJsonAsync(context.Response, json);
    }

    private static void RefuseUnsupported(RequestFields fields)
    {
        fields.Unsupported("tools", value => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0);
        fields.Unsupported("functions", value => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0);
        fields.Unsupported("response_format", value => value.ValueKind == JsonValueKind.Object && value.TryGetProperty("type", out var type) && RequestFields.Is(type, "text"));
        fields.Unsupported("modalities", value => value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(kind => RequestFields.Is(kind, "text")));
    }

    private static List<ChatTurn> ReadMessages(JsonElement list)
    {
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
            throw ApiFault.Invalid("messages", "must be a list of at least one message");
        return [.. list.EnumerateArray().Select((message, index) => ReadMessage(message, $"messages[{index}]"))];
    }

    private static ChatTurn ReadMessage(JsonElement message, string path)
    {
        if (message.ValueKind != JsonValueKind.Object)
            throw ApiFault.Invalid(path, "must be an object");
        if (!message.TryGetProperty("role", out var role) || role.ValueKind != JsonValueKind.String)
            throw ApiFault.Invalid($"{path}.role", "must be a string");
        if (message.TryGetProperty("tool_calls", out var calls) && calls.ValueKind != JsonValueKind.Null)
            throw ApiFault.Invalid($"{path}.tool_calls", "is not supported by this server", "unsupported_parameter");
        if (!message.TryGetProperty("content", out var content))
            throw ApiFault.Invalid($"{path}.content", "is missing");
        // OpenAI's newer name for the system's role, which no open model's template knows.
        return new ChatTurn(role.ValueEquals("developer") ? "system" : role.GetString()!, ReadContent(content, $"{path}.content"));
    }

    /// <summary>A text, or parts of which each is a text.</summary>
    private static string ReadContent(JsonElement content, string path)
    {
        if (content.ValueKind == JsonValueKind.String)
            return content.GetString()!;
        if (content.ValueKind != JsonValueKind.Array)
            throw ApiFault.Invalid(path, "must be a string or a list of parts");
        return string.Concat(content.EnumerateArray().Select(part =>
            part.ValueKind == JsonValueKind.Object && part.TryGetProperty("type", out var type) && RequestFields.Is(type, "text")
            && part.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String
                ? text.GetString()!
                : throw ApiFault.Invalid(path, "may hold parts of type text only: the model reads nothing else")));
    }

    private JsonObject Whole(Completion completion, SamplingParameters parameters)
    {
        var json = Envelope(NewId(), model.Now(), "chat.completion", new JsonObject
        {
            ["index"] = 0,
            ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = completion.Text, ["refusal"] = null },
            ["logprobs"] = LogProbabilities(completion.LogProbabilities, parameters),
            ["finish_reason"] = ServedModel.FinishReason(completion),
        });
        json["usage"] = ServedModel.Usage(completion.PromptTokens, completion.Tokens.Length, completion.CachedPromptTokens);
        return json;
    }

    private async Task StreamAsync(HttpContext context, int[] prompt, SamplingParameters parameters, bool includeUsage)
    {
        var (id, created) = (NewId(), model.Now());
        var pieces = model.Engine.StreamAsync(prompt, parameters, context.RequestAborted);
        JsonObject Chunk(JsonObject delta, JsonNode? logProbabilities, string? finishReason)
        {
            var json = Envelope(id, created, "chat.completion.chunk", new JsonObject { ["index"] = 0, ["delta"] = delta, ["logprobs"] = logProbabilities, ["finish_reason"] = finishReason });
            if (includeUsage)
                json["usage"] = null;
            return json;
        }
        EventStream.Begin(context.Response);
        await EventStream.SendAsync(context.Response, Chunk(new JsonObject { ["role"] = "assistant", ["content"] = "" }, null, null));
        await foreach (var piece in pieces)
        {
            // Log-probabilities are known for all tokens at the end, and which token a piece of text belongs to is not: they come together, last.
            var logProbabilities = piece.Completion is { } end ? LogProbabilities(end.LogProbabilities, parameters) : null;
            if (piece.Text.Length > 0)
                model.FirstToken(context);
            if (piece.Text.Length > 0 || logProbabilities is not null)
                await EventStream.SendAsync(context.Response, Chunk(new JsonObject { ["content"] = piece.Text }, logProbabilities, null));
            if (piece.Completion is not { } completion)
                continue;
            await EventStream.SendAsync(context.Response, Chunk([], null, ServedModel.FinishReason(completion)));
            if (!includeUsage)
                continue;
            var usage = Envelope(id, created, "chat.completion.chunk");
            usage["usage"] = ServedModel.Usage(completion.PromptTokens, completion.Tokens.Length, completion.CachedPromptTokens);
            await EventStream.SendAsync(context.Response, usage);
        }
        await EventStream.EndAsync(context.Response);
    }

    private JsonObject Envelope(string id, long created, string kind, params ReadOnlySpan<JsonNode> choices) => new()
    {
        ["id"] = id,
        ["object"] = kind,
        ["created"] = created,
        ["model"] = model.Name,
        ["choices"] = new JsonArray(choices.ToArray()),
    };

    private JsonObject? LogProbabilities(ImmutableArray<TokenLogProbability> tokens, SamplingParameters parameters) => !parameters.LogProbabilities ? null : new JsonObject
    {
        ["content"] = new JsonArray([.. tokens.Select(token =>
        {
            var json = OneToken(token.Token, token.LogProbability);
            json["top_logprobs"] = new JsonArray([.. token.Alternatives.Select(other => OneToken(other.Token, other.LogProbability))]);
            return json;
        })]),
        ["refusal"] = null,
    };

    private JsonObject OneToken(int token, double logProbability) => new()
    {
        ["token"] = model.TextOf(token),
        ["logprob"] = logProbability,
        ["bytes"] = new JsonArray([.. model.Engine.Tokenizer.TokenBytes(token).Select(value => JsonValue.Create((int)value))]),
    };

    private static string NewId() => $"chatcmpl-{Guid.NewGuid():N}";
}
