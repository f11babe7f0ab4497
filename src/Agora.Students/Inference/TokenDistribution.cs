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

    /// <summary>One more than the number of likelier tokens.</summary>
    public static int Rank(ReadOnlySpan<float> logits, int token)
    {
        var rank = 1;
        foreach (var logit in logits)
            rank += logit > logits[token] ? 1 : 0;
        return rank;
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
    public double LogSumExp(ReadOnlySpan<float> logits)
    {
        var max = Weigh(logits, 1);
        return max + ElementaryFunctions.Log(Mass());
    }

    /// <summary>Leaves the tokens that may be drawn, with their probabilities, in this object.</summary>
    public void Filter(ReadOnlySpan<float> logits, SamplingParameters parameters)
    {
        // Bounded, so that zero times it stays zero however cold it gets.
        Weigh(logits, (float)Math.Min(1 / parameters.Temperature, 1e30));
        var total = Mass();
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

    /// <summary>weights ← e^((logit − max) · inverseTemperature); logits are finite.</summary>
    /// <returns>The greatest logit.</returns>
    private float Weigh(ReadOnlySpan<float> logits, float inverseTemperature)
    {
        logits.CopyTo(weights);
        weights.AsSpan(logits.Length).Fill(float.NegativeInfinity);
        fixed (float* w = weights)
        {
            var maxima = Vector512.Load(w);
            for (var i = Lanes.Count; i < weights.Length; i += Lanes.Count)
                maxima = Vector512.Max(maxima, Vector512.Load(w + i));
            var max = Lanes.Max(maxima);
            var shift = Vector512.Create(max);
            var scale = Vector512.Create(inverseTemperature);
            for (var i = 0; i < weights.Length; i += Lanes.Count)
                Lanes.Exp((Vector512.Load(w + i) - shift) * scale).Store(w + i);
            return max;
        }
    }

    /// <summary>Sum of all weights: 16 sums side by side, then over the lanes.</summary>
    private double Mass()
    {
        Vector512<double> low = default, high = default;
        fixed (float* w = weights)
        {
            for (var i = 0; i < weights.Length; i += Lanes.Count)
            {
                var (first, second) = Vector512.Widen(Vector512.Load(w + i));
                low += first;
                high += second;
            }
        }
        var sums = low + high;
        var sum = 0.0;
        for (var lane = 0; lane < Vector512<double>.Count; lane++)
            sum += sums[lane];
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
