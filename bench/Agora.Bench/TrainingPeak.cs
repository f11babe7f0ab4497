using System.Diagnostics;
using System.Globalization;
using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Training;
using TorchSharp;

namespace Agora.Bench;

/// <summary>Peak resident memory of training steps against the estimate that is made before the first one, and what activation checkpointing saves of it. Linux only; each case in a process of its own.</summary>
internal static class TrainingPeak
{
    // The estimate decides whether a training is begun: too low a one ends in the system's killer, too high a one refuses what would fit.
    private const double LowestShare = 0.85, HighestShare = 1.15;

    private static readonly (string Name, TransformerConfig Config)[] Models =
    [
        ("9 M", TrainingSpeed.Llama(hidden: 320, layers: 6, heads: 5, ffn: 864, vocabulary: 2048)),
        ("36 M", TrainingSpeed.Llama(hidden: 512, layers: 8, heads: 8, ffn: 1376, vocabulary: 8192)),
        ("112 M", TrainingSpeed.Llama(hidden: 768, layers: 12, heads: 12, ffn: 2048, vocabulary: 16384)),
    ];

    private static readonly string[] Ways = ["fused", "f32", "f32 checkpointed", "bf16", "bf16 checkpointed", "LoRA", "LoRA checkpointed"];

    /// <returns>Whether every peak is from 0.85 to 1.15 of its estimate.</returns>
    public static bool Measure(int tokens)
    {
        var good = true;
        foreach (var (name, config) in Models)
        {
            foreach (var way in Ways.Where(way => way != "fused" || config.Parameters <= LanedGradient.LargestModel))
            {
                using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["training-peak", name, way, tokens.ToString(CultureInfo.InvariantCulture)]))!;
                process.WaitForExit();
                good &= process.ExitCode == 0;
            }
        }
        return good;
    }

    /// <summary>One case: two steps of rows of the given length, a micro-batch's worth of tokens each.</summary>
    public static bool MeasurePart(string name, string way, int length)
    {
        TorchLibrary.Load();
        const int threads = 2;
        var config = Models.Single(model => model.Name == name).Config;
        var fused = way == "fused";
        var checkpointed = way.EndsWith(" checkpointed", StringComparison.Ordinal);
        var lora = way.StartsWith("LoRA", StringComparison.Ordinal) ? new LoraSpec() : null;
        var precision = way.StartsWith("bf16", StringComparison.Ordinal) ? Precision.Bf16 : Precision.F32;
        // Libraries, code and thread pools are there before the case begins.
        Train(TrainingSpeed.Llama(hidden: 64, layers: 2, heads: 2, ffn: 128, vocabulary: 512), 64, 1);
        var before = Status("VmRSS");
        File.WriteAllText("/proc/self/clear_refs", "5");      // the peak counts from here on
        Train(config, length, Math.Max(1, MicroBatch.TokensAtOnce / length) * (fused ? 2 : 1));
        var peak = (Status("VmHWM") - before) / 1024;
        var need = TrainingMemory.Of(new TrainingMemory.Shape(config, fused, precision, Bfloat16Update.Stochastic, checkpointed, lora, length, threads));
        var share = peak / (need.Total / 1048576.0);
        var good = share is >= LowestShare and <= HighestShare;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}, {way}, rows of {length}: peak {peak:N0} MiB, estimate {need.Total / 1048576.0:N0} MiB ({need.Describe()}): {share:F2} of it{(good ? "" : $", not {LowestShare} to {HighestShare}")}"));
        return good;

        void Train(TransformerConfig sizes, int row, int rows)
        {
            using var model = Load(sizes, precision == Precision.Bf16 ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32);
            if (lora is not null)
                model.Adapters = new LoraAdapters(model, lora, new RandomStreams(1).For("LoRA adapters"));
            IStepGradient gradient = fused ? new LanedGradient(model, threads, sharing: true) : new AutogradGradient(model, threads, checkpointed);
            using var loop = new TrainingLoop(model, new OptimizerSettings { UpdateThreads = fused ? threads : null }, gradient);
            var random = new RandomStreams(2).For("rows");
            for (var step = 0; step < 2; step++)
                loop.Take(new TrainingStep([.. Enumerable.Range(0, rows).Select(_ => new TrainingDocument([.. Enumerable.Range(0, row).Select(_ => random.Next(sizes.VocabularySize))]))], 1e-4));
        }
    }

    private static TransformerModel Load(TransformerConfig config, torch.ScalarType type)
    {
        var folder = Directory.CreateTempSubdirectory("agora-bench-").FullName;
        try
        {
            CheckpointWriter.SaveNew(config, folder, [.. config.Tensors().Select(tensor => new TensorToSave(tensor.Name, tensor.Shape, FloatType.BF16, (first, values) =>
            {
                for (var i = 0; i < values.Length; i++)
                    values[i] = tensor.Shape.Length == 1 ? 1 : ((first + i) * 7 % 251 - 125) / 8192f;
            }))]);
            using var checkpoint = CheckpointFolder.Open(folder);
            return TransformerModel.Load(checkpoint, torch.CPU, type);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // In KiB.
    private static double Status(string key)
    {
        GC.Collect();
        var line = File.ReadLines("/proc/self/status").Single(line => line.StartsWith(key + ":", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);
    }
}
