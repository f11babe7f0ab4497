using Agora.Students.Checkpoints;

namespace Agora.Tests.Inference;

/// <summary>The oracle: the same model in plain loops and float64, everything computed anew for every text, no cache, no batch.</summary>
internal sealed class NaiveTransformer(CheckpointFolder checkpoint)
{
    private readonly TransformerConfig config = checkpoint.Config;

    /// <returns>[tokens][vocabulary], or [tokens][1] of a reward model.</returns>
    public double[][] Logits(int[] tokens)
    {
        var x = tokens.Select(token => Row("model.embed_tokens.weight", token, config.HiddenSize)).ToArray();
        for (var layer = 0; layer < config.Layers; layer++)
        {
            var prefix = $"model.layers.{layer}.";
            var normed = x.Select(row => Norm(row, prefix + "input_layernorm.weight")).ToArray();
            var attended = Attention(normed, prefix + "self_attn.", config.AttentionWindows[layer]);
            for (var t = 0; t < x.Length; t++)
                x[t] = Sum(x[t], Linear(attended[t], prefix + "self_attn.o_proj"));
            for (var t = 0; t < x.Length; t++)
            {
                var input = Norm(x[t], prefix + "post_attention_layernorm.weight");
                var gate = Linear(input, prefix + "mlp.gate_proj");
                var up = Linear(input, prefix + "mlp.up_proj");
                x[t] = Sum(x[t], Linear([.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)], prefix + "mlp.down_proj"));
            }
        }
        var head = config.Head == ModelHead.Score ? "score" : config.TieEmbeddings ? "model.embed_tokens" : "lm_head";
        return [.. x.Select(row => Linear(Norm(row, "model.norm.weight"), head))];
    }

    private double[][] Attention(double[][] x, string prefix, int? window)
    {
        var queries = x.Select((row, t) => Heads(Linear(row, prefix + "q_proj"), t, prefix + "q_norm.weight")).ToArray();
        var keys = x.Select((row, t) => Heads(Linear(row, prefix + "k_proj"), t, prefix + "k_norm.weight")).ToArray();
        var values = x.Select(row => Linear(row, prefix + "v_proj").Chunk(config.HeadSize).ToArray()).ToArray();
        var result = new double[x.Length][];
        for (var t = 0; t < x.Length; t++)
        {
            result[t] = new double[config.QueryWidth];
            for (var head = 0; head < config.Heads; head++)
            {
                var shared = head / (config.Heads / config.KeyValueHeads);
                var first = Math.Max(0, t - (window ?? int.MaxValue) + 1);
                var scores = Enumerable.Range(first, t - first + 1).Select(s => Dot(queries[t][head], keys[s][shared]) / Math.Sqrt(config.HeadSize)).ToArray();
                var weights = scores.Select(score => Math.Exp(score - scores.Max())).ToArray();
                for (var s = first; s <= t; s++)
                {
                    for (var d = 0; d < config.HeadSize; d++)
                        result[t][head * config.HeadSize + d] += weights[s - first] / weights.Sum() * values[s][shared][d];
                }
            }
        }
        return result;
    }

    private double[][] Heads(double[] row, int position, string norm)
    {
        var heads = row.Chunk(config.HeadSize).ToArray();
        var frequencies = config.RopeFrequencies();
        var half = config.HeadSize / 2;
        for (var h = 0; h < heads.Length; h++)
        {
            var head = config.QueryKeyNorm ? Norm(heads[h], norm) : heads[h];
            var rotated = new double[config.HeadSize];
            for (var i = 0; i < half; i++)
            {
                var (sin, cos) = Math.SinCos(position * frequencies[i]);
                rotated[i] = head[i] * cos - head[i + half] * sin;
                rotated[i + half] = head[i + half] * cos + head[i] * sin;
            }
            heads[h] = rotated;
        }
        return heads;
    }

    private double[] Norm(double[] x, string weight)
    {
        var scale = 1 / Math.Sqrt(x.Sum(value => value * value) / x.Length + config.NormEpsilon);
        return [.. x.Zip(checkpoint.Read(weight), (value, w) => value * scale * w)];
    }

    private double[] Linear(double[] x, string name)
    {
        var weight = checkpoint.Read(name + ".weight");
        var result = new double[weight.Length / x.Length];
        for (var i = 0; i < result.Length; i++)
        {
            for (var k = 0; k < x.Length; k++)
                result[i] += weight[i * x.Length + k] * x[k];
        }
        var hasBias = config.Tensors().Any(tensor => tensor.Name == name + ".bias");
        return hasBias ? Sum(result, [.. checkpoint.Read(name + ".bias").Select(value => (double)value)]) : result;
    }

    private double[] Row(string name, int row, int width)
    {
        var values = new float[width];
        checkpoint.Read(name, (long)row * width, values);
        return [.. values.Select(value => (double)value)];
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    private static double[] Sum(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];
}
