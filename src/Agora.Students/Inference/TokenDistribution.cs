using System.Runtime.Intrinsics;
using Agora.Students.Inference.Kernels;

namespace Agora.Students.Inference;

/// <summary>From logits to a token: penalty, temperature, top-k, top-p, min-p, one draw. Holds scratch memory for one vocabulary; one thread at a time.</summary>
internal sealed unsafe class TokenDistribution
{
    // Candidates are looked for among tokens at least this likely relative to the best; the bound falls by this factor until they suffice.
    private const float CandidateBound = 1f / 64;

    private readonly float[] weights;
    private readonly ulong[] candidates;

    public TokenDistribution(int vocabularySize)
    {
        // Padded, so that vectors may be read past the last token.
        weights = GC.AllocateArray<float>((vocabularySize + Lanes.Count - 1) / Lanes.Count * Lanes.Count, pinned: true);
        candidates = new ulong[vocabularySize];
    }

    /// <summary>Tokens left after filtering.</summary>
    public int Kept { get; private set; }

    private double keptMass;

    /// <summary>A token left after filtering and its probability; in the order of probability if a filter is on, of ids otherwise.</summary>
    public (int Token, double Probability) this[int index] => (Token(candidates[index]), Weight(candidates[index]) / keptMass);

    /// <summary>Divides a positive logit and multiplies a negative one, for each distinct token once.</summary>
    public static void Penalize(Span<float> logits, ReadOnlySpan<int> distinctPrevious, double penalty)
    {
        var factor = (float)penalty;
        foreach (var token in distinctPrevious)
            logits[token] = logits[token] > 0 ? logits[token] / factor : logits[token] * factor;
    }

    /// <summary>The most likely token; of equal ones the first.</summary>
    public static int Best(ReadOnlySpan<float> logits)
    {
        var best = 0;
        for (var i = 1; i < logits.Length; i++)
        {
            if (logits[i] > logits[best])
                best = i;
        }
        return best;
    }

    /// <summary>The most likely tokens, best first.</summary>
    public static int[] Best(ReadOnlySpan<float> logits, int count)
    {
        var queue = new PriorityQueue<int, (float Logit, int Order)>(count + 1);
        for (var i = 0; i < logits.Length && count > 0; i++)
        {
            queue.Enqueue(i, (logits[i], -i));
            if (queue.Count > count)
                queue.Dequeue();
        }
        var best = new int[queue.Count];
        for (var i = best.Length - 1; i >= 0; i--)
            best[i] = queue.Dequeue();
        return best;
    }

    /// <summary>ln Σ e^logit.</summary>
    /// <exception cref="InvalidOperationException">A logit is NaN, or all are −∞.</exception>
    public double LogSumExp(ReadOnlySpan<float> logits)
    {
        var max = Weigh(logits, 1);
        return max + ElementaryFunctions.Log(Mass(logits.Length));
    }

    /// <summary>Leaves the tokens that may be drawn, with their probabilities, in this object.</summary>
    public void Filter(ReadOnlySpan<float> logits, SamplingParameters parameters)
    {
        Weigh(logits, (float)(1 / parameters.Temperature));
        var total = Mass(logits.Length);
        if (parameters is { TopK: 0, TopP: >= 1, MinP: 0 })
        {
            for (var i = 0; i < logits.Length; i++)
                candidates[i] = Pack(weights[i], i);
            Kept = logits.Length;
            keptMass = total;
            return;
        }
        Gather(logits.Length, total, parameters);
        candidates.AsSpan(0, Kept).Sort();      // packed so that the best comes first, and of equal ones the smaller id
        if (parameters.TopK > 0 && parameters.TopK < logits.Length)
        {
            Kept = Math.Min(Kept, parameters.TopK);
            total = KeptSum();
        }
        if (parameters.TopP < 1)
        {
            var before = 0.0;
            for (var i = 0; i < Kept; i++)
            {
                if (before >= parameters.TopP * total)
                {
                    Kept = i;
                    break;
                }
                before += Weight(candidates[i]);
            }
        }
        if (parameters.MinP > 0)
        {
            var least = parameters.MinP * Weight(candidates[0]);
            while (Weight(candidates[Kept - 1]) < least)
                Kept--;
        }
        keptMass = KeptSum();
    }

    /// <param name="uniform">On [0, 1).</param>
    public int Draw(double uniform)
    {
        var left = uniform * keptMass;
        for (var i = 0; i < Kept; i++)
        {
            left -= Weight(candidates[i]);
            if (left < 0)
                return Token(candidates[i]);
        }
        // Rounding can leave a trifle over; it belongs to the last token that has any probability.
        for (var i = Kept - 1; i > 0; i--)
        {
            if (Weight(candidates[i]) > 0)
                return Token(candidates[i]);
        }
        return Token(candidates[0]);
    }

    /// <summary>weights ← e^((logit − max) · inverseTemperature).</summary>
    private float Weigh(ReadOnlySpan<float> logits, float inverseTemperature)
    {
        var max = float.NegativeInfinity;
        var sum = 0f;
        foreach (var logit in logits)
        {
            max = MathF.Max(max, logit);
            sum += logit;
        }
        if (!float.IsFinite(max) || float.IsNaN(sum))
            throw new InvalidOperationException("the model's logits are not finite: its weights are too large for float32, or its training diverged");
        logits.CopyTo(weights);
        weights.AsSpan(logits.Length).Fill(float.NegativeInfinity);
        var shift = Vector512.Create(max);
        var scale = Vector512.Create(inverseTemperature);
        fixed (float* w = weights)
        {
            for (var i = 0; i < weights.Length; i += Lanes.Count)
                Lanes.Exp((Vector512.Load(w + i) - shift) * scale).Store(w + i);
        }
        return max;
    }

    private double Mass(int count)
    {
        var sum = 0.0;
        for (var i = 0; i < count; i++)
            sum += weights[i];
        return sum;
    }

    /// <summary>All tokens above a bound that is low enough for the filters to see every token that they might keep: sorting the whole vocabulary would cost more than the model.</summary>
    private void Gather(int count, double total, SamplingParameters parameters)
    {
        for (var bound = CandidateBound; ; bound *= CandidateBound)
        {
            if (bound < 1e-30f)
                bound = 0;
            Kept = 0;
            for (var i = 0; i < count; i++)
            {
                if (weights[i] >= bound)
                    candidates[Kept++] = Pack(weights[i], i);
            }
            var enough = bound == 0
                || (parameters.TopK > 0 ? Kept >= parameters.TopK : parameters.TopP < 1 ? KeptSum() >= parameters.TopP * total : bound <= parameters.MinP);
            if (enough)
                return;
        }
    }

    private double KeptSum()
    {
        var sum = 0.0;
        for (var i = 0; i < Kept; i++)
            sum += Weight(candidates[i]);
        return sum;
    }

    // Non-negative floats order like their bits; inverted, the greatest sorts first.
    private static ulong Pack(float weight, int token) => ((ulong)~BitConverter.SingleToUInt32Bits(weight) << 32) | (uint)token;

    private static float Weight(ulong candidate) => BitConverter.UInt32BitsToSingle(~(uint)(candidate >> 32));

    private static int Token(ulong candidate) => (int)(uint)candidate;
}
