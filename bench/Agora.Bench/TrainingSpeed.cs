using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Agora.Experiments;
using Agora.Students.ChatTemplates;
using Agora.Students.Checkpoints;
using Agora.Students.Tokenization;
using Agora.Students.Training;
using TorchSharp;

namespace Agora.Bench;

/// <summary>Tokens per second of fine-tuning beside eager PyTorch, from the same weights on the same batches; what padding would cost; whether memory stays flat.</summary>
internal static class TrainingSpeed
{
    private const int Batch = 16;
    private const int Length = 256;
    private const double LearningRate = 1e-3;
    private const int PaddingSteps = 24;
    // Not timed: caches, and code that is compiled anew.
    private const int WarmUpSteps = 4;

    private static readonly (string Name, TransformerConfig Config)[] Models =
    [
        ("4.2 M", Llama(hidden: 256, layers: 4, heads: 4, ffn: 688, vocabulary: 2048)),
        ("8.4 M", Llama(hidden: 320, layers: 6, heads: 5, ffn: 864, vocabulary: 2048)),
    ];

    /// <param name="part">speed, padding, memory, precision, peak, or nothing for all.</param>
    /// <returns>Whether every goal that could be measured was reached.</returns>
    public static bool Measure(string? part, int threads)
    {
        var good = true;
        if (part is null or "speed")
            foreach (var (name, config) in Models)
                good &= AgainstTorch(name, config, Patterned(config), LearningRate, threads, rounds: 3, steps: 6, goal: 1.3);
        if (part is null or "padding")
            good &= Padding(threads);
        if (part is null or "memory")
            good &= Flatness(threads);
        if (part is null or "precision")
            good &= Precisions(threads);
        if (part is null or "peak")
            good &= TrainingPeak.Measure(256) & TrainingPeak.Measure(1024);
        return good;
    }

    internal static TransformerConfig Llama(int hidden, int layers, int heads, int ffn, int vocabulary) => new()
    {
        VocabularySize = vocabulary,
        HiddenSize = hidden,
        IntermediateSize = ffn,
        Layers = layers,
        Heads = heads,
        KeyValueHeads = heads,
        HeadSize = hidden / heads,
        MaxPositions = 4096,
        AttentionWindows = [.. Enumerable.Repeat<int?>(null, layers)],
    };

    // The next token is the last one and a step of 1 to 3, fixed for the row: the loss must fall.
    private static int[][] Patterned(TransformerConfig config)
    {
        var random = new RandomStreams(1).For("rows");
        return [.. Enumerable.Range(0, 8 * Batch).Select(_ =>
        {
            int first = random.Next(config.VocabularySize), step = 1 + random.Next(3);
            return Enumerable.Range(0, Length).Select(i => (first + step * i) % config.VocabularySize).ToArray();
        })];
    }

    private static bool AgainstTorch(string name, TransformerConfig config, int[][] rows, double learningRate, int threads, int rounds, int steps, double goal)
    {
        var folder = Directory.CreateTempSubdirectory("agora-bench-").FullName;
        try
        {
            using var model = TransformerModel.Initialise(config, new RandomStreams(1).For("initial weights"));
            CheckpointWriter.SaveNew(config, folder, model.TensorsToSave(FloatType.F32));
            File.WriteAllText(Path.Combine(folder, "batches.json"), JsonSerializer.Serialize(new { rows, perStep = Batch, learningRate }));
            using var loop = new TrainingLoop(model, new OptimizerSettings { UpdateThreads = threads }, new LanedGradient(model, threads, sharing: true));
            List<double> ours = [], theirs = [], losses = [];
            Peer? peer = null;
            for (var round = 0; round < rounds; round++)
            {
                // Two steps of each round are warm-up; the peer starts anew each time, ours goes on.
                for (var step = 0; step < steps + 2; step++)
                {
                    var documents = rows.Skip(losses.Count * Batch % rows.Length).Take(Batch).Select(row => new TrainingDocument(row)).ToArray();
                    var clock = Stopwatch.StartNew();
                    losses.Add(loop.Take(new TrainingStep(documents, learningRate)).Loss);
                    if (step >= 2)
                        ours.Add(clock.Elapsed.TotalSeconds);
                }
                if (RunPeer(folder, Path.Combine(folder, "batches.json"), steps + 2, threads) is not { } answer)
                    break;
                peer = answer;
                theirs.AddRange(answer.Seconds.Skip(2));
            }
            var tokens = (double)Batch * Length;
            var rate = tokens / Median(ours);
            Console.WriteLine($"{name}, {config.Parameters:N0} parameters, {Batch} x {Length}, {threads} threads: Agora {rate:N0} tokens/s (peak of this process {PeakMebibytes():N0} MiB)");
            if (peer is null)
                return true;
            var difference = peer.Losses.Zip(losses, (a, b) => Math.Abs(a - b)).Take(steps).Max();
            var ratio = rate / (tokens / Median(theirs));
            Console.WriteLine(
                $"  PyTorch {peer.Torch} ({peer.Blas}, {peer.CoreType}): {tokens / Median(theirs):N0} tokens/s, peak {peer.PeakMebibytes:N0} MiB; losses of the first {steps} steps differ by at most {difference:E1}");
            Console.WriteLine($"  ratio {ratio:F2}, goal >= {goal}: {(ratio >= goal ? "reached" : "MISSED")}");
            return ratio >= goal && difference < 1e-2;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Nano's base model on the seed pairs of all its settings, as they are against every row padded to the longest.</summary>
    private static bool Padding(int threads)
    {
        var nano = Path.Combine(Checkout(), "nano");
        using var checkpoint = CheckpointFolder.Open(Path.Combine(nano, "models", "nano-base"));
        var documents = SeedPairs(nano);
        var longest = documents.Max(document => document.Tokens.Length);
        var padded = documents.Select(document => new TrainingDocument(
            [.. document.Tokens, .. Enumerable.Repeat(0, longest - document.Tokens.Length)], [.. document.Targets!, .. Enumerable.Repeat(false, longest - document.Tokens.Length)])).ToArray();
        var real = documents.Average(document => document.Tokens.Length);

        var folder = Directory.CreateTempSubdirectory("agora-bench-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "batches.json"), JsonSerializer.Serialize(new
            {
                rows = documents.Select(document => document.Tokens.Concat(Enumerable.Repeat(-1, longest - document.Tokens.Length))),
                targets = padded.Select(document => document.Targets),
                perStep = Batch,
                learningRate = LearningRate,
            }));
            List<double> asTheyAre = [], toTheLongest = [], torch = [], losses = [];
            Peer? peer = null;
            for (var round = 0; round < 3; round++)
            {
                asTheyAre.Add(Seconds(checkpoint, documents, threads, PaddingSteps, losses = []));
                toTheLongest.Add(Seconds(checkpoint, padded, threads, PaddingSteps, []));
                if (RunPeer(Path.Combine(nano, "models", "nano-base"), Path.Combine(folder, "batches.json"), PaddingSteps + WarmUpSteps, threads) is { } answer)
                {
                    peer = answer;
                    torch.Add(answer.Seconds.Skip(WarmUpSteps).Average());
                }
            }
            double ours = Batch * real / Median(asTheyAre), ourPadded = Batch * real / Median(toTheLongest);
            Console.WriteLine($"nano's rows: {documents.Length} of {real:F1} tokens on average, the longest of {longest}; nano-base, {Batch} rows a step, {threads} threads");
            Console.WriteLine($"  without padding {ours:N0} tokens/s; the same engine padded to the longest {ourPadded:N0} tokens that are no padding/s: ratio {ours / ourPadded:F2}");
            if (peer is null)
                return true;
            var peers = Batch * real / Median(torch);
            var difference = peer.Losses.Zip(losses, (a, b) => Math.Abs(a - b)).Max();
            Console.WriteLine($"  PyTorch {peer.Torch} ({peer.Blas}, {peer.CoreType}) padded to the longest {peers:N0} tokens that are no padding/s; losses of {losses.Count} steps differ by at most {difference:E1}");
            Console.WriteLine($"  ratio {ours / peers:F2}, goal >= 3: {(ours / peers >= 3 ? "reached" : "MISSED")}");
            return ours / peers >= 3 && difference < 1e-2;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Instructions and responses of all settings in the student's chat format, in an order drawn once.</summary>
    private static TrainingDocument[] SeedPairs(string nano)
    {
        var tokenizer = Tokenizer.Load(Path.Combine(nano, "models", "nano-base"));
        var template = ChatTemplate.Load(Path.Combine(nano, "models", "nano-base"));
        var text = new SupervisedText(tokenizer, (instruction, response) => template.Render(
            [new ChatTurn("system", new StudentRecipe().SystemMessage), new ChatTurn("user", instruction), .. response is null ? Array.Empty<ChatTurn>() : [new ChatTurn("assistant", response)]], response is null));
        var documents = Directory.GetFiles(Path.Combine(nano, "seeds"), "*.jsonl", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .SelectMany(File.ReadLines).Select(line => JsonDocument.Parse(line).RootElement)
            .Where(row => row.TryGetProperty("response", out _))
            .Select(row => text.Encode(new Agora.Training.TrainingPair(row.GetProperty("instruction").GetString()!, row.GetProperty("response").GetString()!))).ToArray();
        new RandomStreams(1).For("order").Shuffle<TrainingDocument>(documents);
        return documents[..Math.Min(documents.Length, 1024)];
    }

    private static bool Precisions(int threads)
    {
        var nano = Path.Combine(Checkout(), "nano");
        using var checkpoint = CheckpointFolder.Open(Path.Combine(nano, "models", "nano-base"));
        return TrainingPrecision.Measure(checkpoint, SeedPairs(nano), threads);
    }

    private static double Seconds(CheckpointFolder checkpoint, TrainingDocument[] documents, int threads, int steps, List<double> losses)
    {
        using var model = TransformerModel.Load(checkpoint);
        using var loop = new TrainingLoop(model, new OptimizerSettings { UpdateThreads = threads }, new LanedGradient(model, threads, sharing: true));
        var times = new List<double>();
        for (var step = 0; step < steps + WarmUpSteps; step++)
        {
            var batch = documents.Skip(step * Batch % documents.Length).Take(Batch).ToArray();
            var clock = Stopwatch.StartNew();
            losses.Add(loop.Take(new TrainingStep(batch, LearningRate)).Loss);
            if (step >= WarmUpSteps)
                times.Add(clock.Elapsed.TotalSeconds);
        }
        return times.Average();
    }

    private static bool Flatness(int threads)
    {
        var config = Llama(hidden: 64, layers: 2, heads: 2, ffn: 172, vocabulary: 512);
        var good = true;
        foreach (var autograd in new[] { false, true })
        {
            using var model = TransformerModel.Initialise(config, new RandomStreams(1).For("initial weights"));
            using var loop = new TrainingLoop(model, new OptimizerSettings { ClipNorm = 1, UpdateThreads = autograd ? null : threads }, autograd ? new AutogradGradient(model, threads) : new LanedGradient(model, threads, sharing: true));
            var random = new RandomStreams(2).For("lengths");
            var rows = Patterned(config);
            (long Tensors, double Mebibytes) early = default;
            for (var step = 1; step <= 1000; step++)
            {
                var documents = Enumerable.Range(0, 8).Select(_ => new TrainingDocument(rows[random.Next(rows.Length)][..(16 + random.Next(200))])).ToArray();
                loop.Take(new TrainingStep(documents, 1e-3));
                if (step == 100)
                    early = Now();
            }
            var late = Now();
            var flat = late.Tensors == early.Tensors && late.Mebibytes < early.Mebibytes * 1.05 + 8;
            good &= flat;
            Console.WriteLine(
                $"{(autograd ? "autograd" : "written-out backward pass")}: after 100 and 1,000 steps {early.Tensors} and {late.Tensors} live tensors, {early.Mebibytes:N0} and {late.Mebibytes:N0} MiB resident: {(flat ? "flat" : "GROWS")}");
        }
        return good;

        static (long Tensors, double Mebibytes) Now()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return (torch.Tensor.TotalCount, Environment.WorkingSet / 1048576.0);
        }
    }

    private sealed record Peer(double[] Seconds, double[] Losses, string Torch, string Blas, string? CoreType, double PeakMebibytes);

    private static Peer? RunPeer(string model, string batches, int steps, int threads)
    {
        var start = new ProcessStartInfo("/usr/bin/python3", [Path.Combine(AppContext.BaseDirectory, "torch_training_peer.py"), model, batches, steps.ToString(CultureInfo.InvariantCulture), threads.ToString(CultureInfo.InvariantCulture)])
        {
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode == 0)
            return JsonSerializer.Deserialize<Peer>(output, JsonSerializerOptions.Web)!;
        Console.WriteLine($"  the peer did not run (exit code {process.ExitCode}): no ratio");
        return null;
    }

    private static string Checkout()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Agora.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("the bench runs inside a checkout");
        return folder;
    }

    private static double PeakMebibytes()
    {
        using var self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64 / 1048576.0;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
