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
    private const int Seeds = 3;
    private const string Stochastic = "bfloat16, stochastic rounding", Copy = "bfloat16, float32 copy";

    private static readonly (string Name, torch.ScalarType Type, Bfloat16Update Update)[] Ways =
    [
        ("float32", torch.ScalarType.Float32, default),
        (Stochastic, torch.ScalarType.BFloat16, Bfloat16Update.Stochastic),
        (Copy, torch.ScalarType.BFloat16, Bfloat16Update.MasterWeights),
        ("bfloat16, to nearest", torch.ScalarType.BFloat16, Bfloat16Update.Nearest),
    ];

    /// <param name="documents">The last eighth is held out.</param>
    /// <returns>Whether stochastic rounding ends no more than 1 % above the copy on the rows held out, at each learning rate, in the mean over the seeds.</returns>
    public static bool Measure(CheckpointFolder checkpoint, TrainingDocument[] documents, int threads)
    {
        TorchLibrary.Load();        // before torch's own first use
        TrainingDocument[] learned = documents[..(documents.Length * 7 / 8)], heldOut = documents[learned.Length..];
        var good = true;
        foreach (var learningRate in (double[])[1e-3, 5e-5])
        {
            Console.WriteLine($"learning rate {learningRate}, {Steps} steps of {Rows} rows; mean training loss of {Stretches} stretches, and the loss of {heldOut.Length} rows held out before and after; {Seeds} orders of the rows and seeds of the rounding");
            var after = Ways.ToDictionary(way => way.Name, _ => new List<double>());
            for (var seed = 1; seed <= Seeds; seed++)
            {
                var order = learned.ToArray();
                new RandomStreams(seed).For("order of rows").Shuffle<TrainingDocument>(order);
                foreach (var (name, type, update) in Ways)
                {
                    using var model = TransformerModel.Load(checkpoint, torch.CPU, type);
                    var gradient = new AutogradGradient(model, threads);       // disposed with the loop
                    using var loop = new TrainingLoop(model, new OptimizerSettings { Bfloat16 = update, RoundingSeed = seed }, gradient);
                    var before = gradient.Loss(heldOut);
                    var losses = Enumerable.Range(0, Steps).Select(step => loop.Take(new TrainingStep([.. Enumerable.Range(step * Rows, Rows).Select(row => order[row % order.Length])], learningRate)).Loss).ToArray();
                    var last = gradient.Loss(heldOut);
                    after[name].Add(last);
                    Console.WriteLine($"  seed {seed} {name,-30} {string.Join("  ", losses.Chunk(Steps / Stretches).Select(stretch => $"{stretch.Average():F4}"))}   held out {before:F4} to {last:F4}");
                }
            }
            foreach (var (name, losses) in after)
                Console.WriteLine($"  {name,-30} mean {losses.Average():F4}, {losses.Min():F4} to {losses.Max():F4}; {losses.Average() / after[Copy].Average() - 1:P1} above the copy, by seed {string.Join(", ", losses.Zip(after[Copy], (own, copy) => $"{own / copy - 1:P1}"))}");
            good &= after[Stochastic].Average() <= 1.01 * after[Copy].Average();
        }
        return good;
    }
}
