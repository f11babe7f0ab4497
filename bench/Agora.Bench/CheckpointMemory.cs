using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Agora.Students.Checkpoints;
using Agora.Students.Inference;

namespace Agora.Bench;

/// <summary>Peak resident memory of loading and saving a checkpoint of about a gigabyte, against what the weights take where they are kept. Linux only; each part in a process of its own.</summary>
internal static unsafe class CheckpointMemory
{
    private const double Goal = 1.1;

    private static readonly TransformerConfig Config = new()
    {
        VocabularySize = 32_000,
        HiddenSize = 2048,
        IntermediateSize = 5632,
        Layers = 4,
        Heads = 32,
        KeyValueHeads = 32,
        HeadSize = 64,
        MaxPositions = 256,
        TieEmbeddings = true,
        AttentionWindows = [null, null, null, null],
        EndOfSequenceIds = [2],
    };

    /// <returns>Whether every part keeps to the goal.</returns>
    public static bool Measure()
    {
        var folder = Directory.CreateTempSubdirectory("agora-checkpoint-").FullName;
        try
        {
            var kept = true;
            foreach (var type in FloatType.All)
            {
                var source = Path.Combine(folder, type.Name);
                // Any numbers do; every page is written, so that none is a hole of the file.
                CheckpointWriter.SaveNew(Config, source, [.. Config.Tensors().Select(tensor => new TensorToSave(tensor.Name, tensor.Shape, type, (first, values) =>
                {
                    for (var i = 0; i < values.Length; i++)
                        values[i] = ((first + i) % 251 - 125) / 4096f;
                }))]);
                Agora.Tests.Inference.RandomModel.Tokenizer().Save(source, Config.MaxPositions);
                foreach (var part in (string[])["stored", "float32", "engine"])
                    kept &= Child(part, source);
                Directory.Delete(source, recursive: true);
            }
            return kept;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static bool Child(string part, string source)
    {
        using var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [.. Entry(), "checkpoint-part", part, source]))!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    // Started as "dotnet Agora.Bench.dll", the process is dotnet.
    private static string[] Entry() => Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [Path.Combine(AppContext.BaseDirectory, "Agora.Bench.dll")] : [];

    /// <returns>Whether the part keeps to the goal.</returns>
    public static bool MeasurePart(string part, string source)
    {
        var before = Peak();
        using var checkpoint = CheckpointFolder.Open(source);
        var type = checkpoint.StoredType;
        var elements = Config.Parameters;
        var clock = Stopwatch.StartNew();
        if (part == "engine")
        {
            checkpoint.Dispose();
            using var engine = InferenceEngine.Load(source, threads: 1);
            return Print(type, "load into the engine, which computes in float32", 4 * elements, before, clock);
        }
        var weights = (byte*)NativeMemory.Alloc((nuint)(elements * (part == "stored" ? type.Size : 4)));
        var places = new Dictionary<string, long>();
        var next = 0L;
        foreach (var (name, _) in Config.Tensors())
        {
            places[name] = next;
            var count = checkpoint.Entry(name).Elements;
            // In parts, as a caller with another layout would.
            for (long first = 0; first < count; first += 4096)
            {
                var part4096 = (int)Math.Min(4096, count - first);
                if (part == "stored")
                    checkpoint.ReadStored(name, first * type.Size, new Span<byte>(weights + (next + first) * type.Size, part4096 * type.Size));
                else
                    checkpoint.Read(name, first, new Span<float>((float*)weights + next + first, part4096));
            }
            next += count;
        }
        if (part == "stored")
            return Print(type, "load as stored", checkpoint.Config.Parameters * type.Size, before, clock);
        var kept = Print(type, "load as float32", 4 * elements, before, clock);
        clock.Restart();
        var target = source + "-saved";
        CheckpointWriter.SaveLike(source, target, [.. Config.Tensors().Select(tensor => new TensorToSave(tensor.Name, tensor.Shape, type, (first, values) =>
            new ReadOnlySpan<float>((float*)weights + places[tensor.Name] + first, values.Length).CopyTo(values)))], maxShardBytes: 300_000_000);
        kept &= Print(type, "load as float32 and save in shards", 4 * elements, before, clock);
        using (var saved = CheckpointFolder.Open(target))
        {
            var (a, b) = (new byte[1 << 20], new byte[1 << 20]);
            foreach (var (name, _) in Config.Tensors())
            {
                for (long at = 0, length = checkpoint.Entry(name).Length; at < length; at += a.Length)
                {
                    var count = (int)Math.Min(a.Length, length - at);
                    checkpoint.ReadStored(name, at, a.AsSpan(0, count));
                    saved.ReadStored(name, at, b.AsSpan(0, count));
                    if (!a.AsSpan(0, count).SequenceEqual(b.AsSpan(0, count)))
                        throw new InvalidOperationException($"{name} was not saved bit by bit");
                }
            }
        }
        Directory.Delete(target, recursive: true);
        NativeMemory.Free(weights);
        return kept;
    }

    private static bool Print(FloatType type, string what, long weights, long before, Stopwatch clock)
    {
        var peak = Peak();
        var ratio = (double)(peak - before) / weights;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{type,-5} {what,-50} weights {weights >> 20,5} MiB, peak resident {peak >> 20,5} MiB, of which {before >> 20} MiB before; ratio {ratio:F3} (goal {Goal}), {clock.Elapsed.TotalSeconds:F1} s, {weights / clock.Elapsed.TotalSeconds / 1e9:F2} GB/s"));
        return ratio <= Goal;
    }

    /// <summary>Bytes: the most that this process has had resident.</summary>
    private static long Peak() =>
        1024 * long.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
