using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Training;
using TorchSharp;

namespace Agora.Bench;

/// <summary>Loss curves of nano-base on nano's seed pairs, from the same weights on the same batches: float32, and bfloat16 weights rounded stochastically, with a float32 copy, and to nearest.</summary>
internal static class TrainingPrecision
{
    private const int Rows = 16;
    private const int Steps = 120;
    private const int Stretches = 6;

    private static readonly (string Name, torch.ScalarType Type, Bfloat16Update Update)[] Ways =
    [
        ("float32", torch.ScalarType.Float32, default),
        ("bfloat16, stochastic rounding", torch.ScalarType.BFloat16, Bfloat16Update.Stochastic),
        ("bfloat16, float32 copy", torch.ScalarType.BFloat16, Bfloat16Update.MasterWeights),
        ("bfloat16, to nearest", torch.ScalarType.BFloat16, Bfloat16Update.Nearest),
    ];

    /// <param name="documents">The last eighth is held out.</param>
    /// <returns>Whether stochastic rounding ends no more than 1 % above the copy on the rows held out, at each learning rate.</returns>
    public static bool Measure(CheckpointFolder checkpoint, TrainingDocument[] documents, int threads)
    {
        TorchLibrary.Load();        // before torch's own first use
        TrainingDocument[] learned = documents[..(documents.Length * 7 / 8)], heldOut = documents[learned.Length..];
        var good = true;
        foreach (var learningRate in (double[])[1e-3, 5e-5])
        {
            Console.WriteLine($"learning rate {learningRate}, {Steps} steps of {Rows} rows; mean training loss of {Stretches} stretches, and the loss of {heldOut.Length} rows held out before and after");
            var after = new Dictionary<Bfloat16Update, double>();
            foreach (var (name, type, update) in Ways)
            {
                using var model = TransformerModel.Load(checkpoint, torch.CPU, type);
                var gradient = new AutogradGradient(model, threads);       // disposed with the loop
                using var loop = new TrainingLoop(model, new OptimizerSettings { Bfloat16 = update, RoundingSeed = 1 }, gradient);
                var before = gradient.Loss(heldOut);
                var losses = Enumerable.Range(0, Steps).Select(step => loop.Take(new TrainingStep([.. Enumerable.Range(step * Rows, Rows).Select(row => learned[row % learned.Length])], learningRate)).Loss).ToArray();
                var last = gradient.Loss(heldOut);
                if (type == torch.ScalarType.BFloat16)
                    after[update] = last;
                Console.WriteLine($"  {name,-30} {string.Join("  ", losses.Chunk(Steps / Stretches).Select(stretch => $"{stretch.Average():F4}"))}   held out {before:F4} to {last:F4}");
            }
            good &= after[Bfloat16Update.Stochastic] <= 1.01 * after[Bfloat16Update.MasterWeights];
        }
        return good;
    }
}
