using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Students.Inference;
using Agora.Students.Tokenization;
using Microsoft.AspNetCore.Http;

namespace Agora.Cli.Serving;

/// <summary>POST /v1/completions, after OpenAI's reference: continuations of texts, and with echo the likelihood of the texts themselves.</summary>
internal sealed class TextCompletions(ServedModel model)
{
    private const int MaxTokensIfAbsent = 16;       // OpenAI's

    public async Task AnswerAsync(HttpContext context)
    {
        var fields = await RequestFields.ReadAsync(context);
        model.CheckName(fields);
        var prompts = PromptFields.Read(fields, "prompt", model.Engine);
        var echo = fields.Flag("echo");
        var promptAlternatives = PromptLogProbabilities.Read(fields);
        var maxTokens = (int)(fields.Integer("max_tokens", echo || promptAlternatives is not null ? 0 : 1, int.MaxValue) ?? MaxTokensIfAbsent);
        model.CheckRoom(maxTokens, "max_tokens");
        var withLogProbabilities = fields.Find("logprobs") is not null;
        var alternatives = SamplingFields.Alternatives(fields, "logprobs");
        var parameters = SamplingFields.Read(fields, Math.Max(1, maxTokens)) with { LogProbabilities = withLogProbabilities, TopLogProbabilities = alternatives };
        var (stream, includeUsage) = SamplingFields.Streaming(fields);
        fields.Unsupported("best_of", value => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count == 1);
        fields.Unsupported("suffix", value => RequestFields.Is(value, ""));
        fields.RefuseRest();
        foreach (var prompt in prompts)
            model.CheckLength(prompt, room: maxTokens > 0 ? 1 : 0, "prompt");
        if (!stream)
        {
            var answers = new Continuation[prompts.Count];
            // A bounded number at once, so that the engine's queue is bounded by the number of requests.
            await Parallel.ForAsync(0, prompts.Count, new ParallelOptions { MaxDegreeOfParallelism = PromptFields.InFlight, CancellationToken = context.RequestAborted },
                async (place, stop) => answers[place] = await ContinueAsync(prompts[place], echo, maxTokens, parameters, promptAlternatives, stop));
            await EventStream.WriteJsonAsync(context.Response, Whole(answers));
            return;
        }
        if (prompts.Count > 1 || echo || withLogProbabilities || promptAlternatives is not null)
            throw ApiFault.Invalid("stream", "goes with one prompt, without echo, logprobs and prompt_logprobs, on this server", "unsupported_parameter");
        await StreamAsync(context, prompts[0], parameters, includeUsage);
    }

    private async Task<Continuation> ContinueAsync(int[] prompt, bool echo, int maxTokens, SamplingParameters parameters, int? promptAlternatives, CancellationToken cancellationToken)
    {
        var promptLog = promptAlternatives is { } count ? await PromptLogProbabilities.ReadAsync(model, prompt, count, cancellationToken) : null;
        var reading = echo && parameters.LogProbabilities
            ? model.Engine.TokenLogProbabilitiesAsync(prompt, 1, parameters.TopLogProbabilities, cancellationToken)
            : Task.FromResult<IReadOnlyList<TokenLogProbability>>([]);
        var completion = maxTokens > 0 ? await model.Engine.CompleteAsync(prompt, parameters, cancellationToken) : null;
        var log = new TokenLog(model, parameters.TopLogProbabilities);
        if (echo)
            log.AddPrompt(prompt, await reading);
        var prefix = echo ? model.Engine.Tokenizer.Decode(prompt, skipSpecialTokens: true) : "";
        if (completion is not null)
            foreach (var token in completion.LogProbabilities)
                log.Add(token);
        return new Continuation(prefix + completion?.Text, completion, prompt.Length, parameters.LogProbabilities ? log.ToJson() : null, promptLog);
    }

    private JsonObject Whole(IReadOnlyList<Continuation> answers)
    {
        var json = Envelope(NewId(), model.Now(), [.. answers.Select((answer, index) =>
        {
            var choice = Choice(index, answer.Text, answer.LogProbabilities, answer.Completion is { } end ? ServedModel.FinishReason(end) : "length");
            if (answer.PromptLogProbabilities is not null)
                choice[PromptLogProbabilities.Member] = answer.PromptLogProbabilities;
            return choice;
        })]);
        json["usage"] = ServedModel.Usage(
            answers.Sum(answer => answer.PromptTokens), answers.Sum(answer => answer.Completion?.Tokens.Length ?? 0), answers.Sum(answer => answer.Completion?.CachedPromptTokens ?? 0));
        return json;
    }

    private async Task StreamAsync(HttpContext context, int[] prompt, SamplingParameters parameters, bool includeUsage)
    {
        var (id, created) = (NewId(), model.Now());
        var pieces = model.Engine.StreamAsync(prompt, parameters, context.RequestAborted);
        EventStream.Begin(context.Response);
        await foreach (var piece in pieces)
        {
            var reason = piece.Completion is { } end ? ServedModel.FinishReason(end) : null;
            if (piece.Text.Length > 0)
                model.FirstToken(context);
            if (piece.Text.Length > 0 || reason is not null)
                await EventStream.SendAsync(context.Response, Envelope(id, created, Choice(0, piece.Text, null, reason)));
            if (piece.Completion is not { } completion || !includeUsage)
                continue;
            var usage = Envelope(id, created);
            usage["usage"] = ServedModel.Usage(completion.PromptTokens, completion.Tokens.Length, completion.CachedPromptTokens);
            await EventStream.SendAsync(context.Response, usage);
        }
        await EventStream.EndAsync(context.Response);
    }

    private JsonObject Envelope(string id, long created, params ReadOnlySpan<JsonNode> choices) => new()
    {
        ["id"] = id,
        ["object"] = "text_completion",
        ["created"] = created,
        ["model"] = model.Name,
        ["choices"] = new JsonArray(choices.ToArray()),
    };

    private static JsonObject Choice(int index, string text, JsonNode? logProbabilities, string? finishReason) =>
        new() { ["index"] = index, ["text"] = text, ["logprobs"] = logProbabilities, ["finish_reason"] = finishReason };

    private static string NewId() => $"cmpl-{Guid.NewGuid():N}";

    /// <param name="Completion">Null where only the prompt was to be read.</param>
    private sealed record Continuation(string Text, Completion? Completion, int PromptTokens, JsonObject? LogProbabilities, JsonArray? PromptLogProbabilities);

    /// <summary>The four parallel lists of this endpoint's log-probabilities.</summary>
    private sealed class TokenLog(ServedModel model, int alternatives)
    {
        private readonly JsonArray tokens = [], logProbabilities = [], top = [], offsets = [];
        private readonly StreamingDecoder decoder = new(model.Engine.Tokenizer, skipSpecialTokens: true);
        private int offset;

        public void AddPrompt(int[] prompt, IReadOnlyList<TokenLogProbability> read)
        {
            if (read.Count != prompt.Length - 1)
                return;     // not asked for
            Append(prompt[0], null, null);      // nothing predicts the first token
            foreach (var token in read)
                Add(token);
        }

        public void Add(TokenLogProbability token) => Append(token.Token, token.LogProbability, Alternatives(token));

        public JsonObject ToJson() => new() { ["tokens"] = tokens, ["token_logprobs"] = logProbabilities, ["top_logprobs"] = alternatives > 0 ? top : null, ["text_offset"] = offsets };

        private JsonObject? Alternatives(TokenLogProbability token)
        {
            if (alternatives == 0)
                return null;
            var json = new JsonObject();
            // Two tokens may share a text (halves of characters); the likelier one keeps it. The drawn token is always there, as in OpenAI's answers.
            foreach (var (other, logProbability) in token.Alternatives.Append((token.Token, token.LogProbability)))
                json.TryAdd(model.TextOf(other), logProbability);
            return json;
        }

        private void Append(int token, double? logProbability, JsonObject? topOfToken)
        {
            var text = model.TextOf(token);
            tokens.Add((JsonNode)text);
            logProbabilities.Add(logProbability is { } value ? JsonValue.Create(value) : null);
            top.Add((JsonNode?)topOfToken);
            offsets.Add((JsonNode)offset);
            // In code points of the choice's text, as OpenAI counts; a token that ends inside a character moves nothing yet.
            offset += decoder.Add(token).EnumerateRunes().Count();
        }
    }
}
