using System.Collections.Immutable;

namespace Agora.Students.Inference;

/// <summary>A sequence that is read once and yields one value.</summary>
internal abstract class Measurement<T>(ReadOnlySpan<int> tokens) : Sequence(tokens, tokens.Length)
{
    private readonly TaskCompletionSource<T> result = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Result => result.Task;

    public override void Fail(Exception exception) => result.TrySetException(exception);

    protected override void Cancel(CancellationToken cancellationToken) => result.TrySetCanceled(cancellationToken);

    protected bool Finish(T value)
    {
        result.TrySetResult(value);
        return true;
    }
}

/// <summary>Negative log-likelihood of each token from <paramref name="from"/> on, given all before it.</summary>
internal sealed class LossMeasurement(ReadOnlySpan<int> tokens, int from) : Measurement<float[]>(tokens)
{
    private readonly float[] losses = new float[tokens.Length - from];

    public override int ReusablePositions => from - 1;

    public override int ShareablePositions => from;

    public override RowResult Wants(int position) => position >= from - 1 && position < Length - 1 ? RowResult.Head : RowResult.Nothing;

    public override bool Receive(int position, Span<float> row, TokenDistribution distribution)
    {
        losses[position + 1 - from] = (float)(distribution.LogSumExp(row) - row[Tokens[position + 1]]);
        return position == Length - 2 && Finish(losses);
    }
}

/// <summary>Log-probability of each token from <paramref name="from"/> on, and of the likeliest tokens in its place.</summary>
internal sealed class LogProbabilityMeasurement(ReadOnlySpan<int> tokens, int from, int alternatives) : Measurement<IReadOnlyList<TokenLogProbability>>(tokens)
{
    private readonly TokenLogProbability[] read = new TokenLogProbability[tokens.Length - from];

    public override int ReusablePositions => from - 1;

    public override int ShareablePositions => from;

    public override RowResult Wants(int position) => position >= from - 1 && position < Length - 1 ? RowResult.Head : RowResult.Nothing;

    public override bool Receive(int position, Span<float> row, TokenDistribution distribution)
    {
        var normalizer = distribution.LogSumExp(row);
        var best = TokenDistribution.Best(row, alternatives);
        var others = ImmutableArray.CreateBuilder<(int, double)>(best.Length);
        foreach (var token in best)
            others.Add((token, row[token] - normalizer));
        var next = Tokens[position + 1];
        read[position + 1 - from] = new TokenLogProbability(next, row[next] - normalizer, others.MoveToImmutable()) { Rank = TokenDistribution.Rank(row, next) };
        return position == Length - 2 && Finish(read);
    }
}

/// <summary>Mean over the positions of the final, normalised hidden state.</summary>
internal sealed class EmbeddingMeasurement(ReadOnlySpan<int> tokens) : Measurement<float[]>(tokens)
{
    private double[]? sums;

    public override int ReusablePositions => 0;

    public override int ShareablePositions => 0;

    public override RowResult Wants(int position) => RowResult.Hidden;

    public override bool Receive(int position, Span<float> row, TokenDistribution distribution)
    {
        sums ??= new double[row.Length];
        for (var i = 0; i < row.Length; i++)
            sums[i] += row[i];
        return position == Length - 1 && Finish(Array.ConvertAll(sums, sum => (float)(sum / Length)));
    }
}

/// <summary>The score head's output at the last token.</summary>
internal sealed class ScoreMeasurement(ReadOnlySpan<int> tokens) : Measurement<float>(tokens)
{
    public override int ReusablePositions => Length - 1;

    public override int ShareablePositions => 0;

    public override RowResult Wants(int position) => position == Length - 1 ? RowResult.Head : RowResult.Nothing;

    public override bool Receive(int position, Span<float> row, TokenDistribution distribution) => Finish(row[0]);
}
