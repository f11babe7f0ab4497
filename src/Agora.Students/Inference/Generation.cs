using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Agora.Experiments;
using Agora.Students.Tokenization;

namespace Agora.Students.Inference;

/// <summary>A sequence that grows by drawn tokens.</summary>
internal sealed class Generation : Sequence
{
    private readonly TaskCompletionSource<Completion> result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SamplingParameters parameters;
    private readonly ImmutableArray<int> ends;
    private readonly RandomStream random;
    private readonly AnswerText text;
    private readonly ChannelWriter<CompletionPiece>? pieces;
    private readonly int promptLength;
    private readonly List<TokenLogProbability> logProbabilities = [];
    private readonly bool[]? seen;
    private readonly int[] distinct;
    private int distinctCount;
    private int cached = -1;

    /// <param name="maxLength">Prompt and answer.</param>
    /// <param name="ends">Tokens that end the answer.</param>
    /// <param name="pieces">Gets the text as it is written; completed at the end, with the exception if there is one.</param>
    public Generation(
        ReadOnlySpan<int> prompt, int maxLength, SamplingParameters parameters, Tokenizer tokenizer, ImmutableArray<int> ends, int vocabularySize,
        ChannelWriter<CompletionPiece>? pieces)
        : base(prompt, maxLength)
    {
        this.parameters = parameters;
        this.ends = ends;
        this.pieces = pieces;
        random = new RandomStreams(parameters.Seed).For("sampling");
        text = new AnswerText(tokenizer, parameters.Stop);
        promptLength = prompt.Length;
        distinct = [];
        if (parameters.RepetitionPenalty == 1)
            return;
        seen = new bool[vocabularySize];
        distinct = new int[Math.Min(vocabularySize, maxLength)];
        foreach (var token in prompt)
            See(token);
    }

    public Task<Completion> Result => result.Task;

    // The last prompt token's logits are wanted, so it must be computed even where everything before it is known.
    public override int ReusablePositions => promptLength - 1;

    public override int ShareablePositions => promptLength;

    public override RowResult Wants(int position) => position == Length - 1 ? RowResult.Head : RowResult.Nothing;

    public override void Admitted() => cached = Computed;

    public override bool Receive(int position, Span<float> row, TokenDistribution distribution)
    {
        var token = Choose(row, distribution);
        Append(token);
        See(token);
        var ended = ends.Contains(token);
        var stopped = text.Add(token);
        if (!ended && !stopped && Length < MaxLength)
        {
            if (pieces is not null && text.Take(toTheEnd: false) is { Length: > 0 } piece)
                pieces.TryWrite(new CompletionPiece(piece, null));
            return false;
        }
        if (!stopped)
            text.Complete();
        var completion = new Completion
        {
            Text = text.ToString(),
            Tokens = [.. Tokens[promptLength..]],
            End = ended || stopped ? CompletionEnd.Stop : CompletionEnd.Length,
            PromptTokens = promptLength,
            CachedPromptTokens = cached,
            LogProbabilities = [.. logProbabilities],
        };
        pieces?.TryWrite(new CompletionPiece(text.Take(toTheEnd: true), completion));
        pieces?.TryComplete();
        result.TrySetResult(completion);
        return true;
    }

    public override void Fail(Exception exception)
    {
        pieces?.TryComplete(exception);
        result.TrySetException(exception);
    }

    protected override void Cancel(CancellationToken cancellationToken)
    {
        pieces?.TryComplete(new OperationCanceledException(cancellationToken));
        result.TrySetCanceled(cancellationToken);
    }

    private int Choose(Span<float> logits, TokenDistribution distribution)
    {
        if (!parameters.LogProbabilities)
            return Draw(logits, distribution);
        var normalizer = distribution.LogSumExp(logits);
        var alternatives = TokenDistribution.Best(logits, parameters.TopLogProbabilities);
        var best = ImmutableArray.CreateBuilder<(int, double)>(alternatives.Length);
        foreach (var alternative in alternatives)
            best.Add((alternative, logits[alternative] - normalizer));
        var own = logits.ToArray();     // the penalty changes the logits in place
        var token = Draw(logits, distribution);
        logProbabilities.Add(new TokenLogProbability(token, own[token] - normalizer, best.MoveToImmutable()) { Rank = TokenDistribution.Rank(own, token) });
        return token;
    }

    private int Draw(Span<float> logits, TokenDistribution distribution)
    {
        if (seen is not null)
            TokenDistribution.Penalize(logits, distinct.AsSpan(0, distinctCount), parameters.RepetitionPenalty);
        if (parameters.Temperature == 0)
            return TokenDistribution.Best(logits);
        distribution.Filter(logits, parameters);
        return distribution.Draw(random.NextDouble());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void See(int token)
    {
        if (seen is null || seen[token])
            return;
        seen[token] = true;
        distinct[distinctCount++] = token;
    }
}
