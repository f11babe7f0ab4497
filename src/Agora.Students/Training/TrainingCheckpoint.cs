using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Agora.Experiments;
using Agora.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Students.Training;

/// <summary>Where a training stands between two steps, besides its tensors.</summary>
internal sealed record TrainingPosition
{
    /// <summary>What decides the result; a checkpoint of anything else is not used.</summary>
    public required string Key { get; init; }
    /// <summary>Steps taken. The plan of all steps follows from the seed, so this is the position in the data, too.</summary>
    public required int Steps { get; init; }
    /// <summary>Base of the random numbers that steps draw; with the number of steps it is the whole state of the generator.</summary>
    public required long Seed { get; init; }
    public required ImmutableArray<StepLoss> Losses { get; init; }
    public required ImmutableArray<double> HeldOutLosses { get; init; }
    public required RisingLoss.State Rising { get; init; }
}

/// <summary>The state of an unfinished training in one file: position, weights and optimiser, sealed by a checksum, and replaced as a whole.</summary>
/// <remarks>
/// Layout: 8 bytes "AGTRAIN1"; int32 length of a JSON header; the header; the tensors' bytes in the header's order; SHA-256 of all before. Little-endian. The file is written beside its place, flushed to
/// the disk and renamed, so that a kill or a power cut leaves the one before.
/// </remarks>
internal sealed class TrainingCheckpoint(string folder, string key)
{
    private const string FileName = "training.checkpoint";
    private const int ChunkElements = 1 << 22;
    private static readonly byte[] Magic = "AGTRAIN1"u8.ToArray();
    private static readonly JsonSerializerOptions Json = new() { IncludeFields = true };

    public string Path { get; } = System.IO.Path.Combine(folder, FileName);

    public string Key => key;

    private sealed record Header(TrainingPosition Position, ImmutableArray<Section> Tensors);

    /// <param name="Type">As torch names it.</param>
    private sealed record Section(string Name, string Type, long Elements);

    /// <param name="tensors">One-dimensional; on any device.</param>
    /// <exception cref="AgoraException">The disk is full or cannot be written; the checkpoint before stays.</exception>
    public void Save(TrainingPosition position, IReadOnlyList<(string Name, Tensor Values)> tensors)
    {
        var beside = Path + ".tmp";
        try
        {
            Directory.CreateDirectory(folder);
            using (var file = new FileStream(beside, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                var header = JsonSerializer.SerializeToUtf8Bytes(new Header(position, [.. tensors.Select(SectionOf)]), Json);
                Span<byte> length = stackalloc byte[4];
                BinaryPrimitives.WriteInt32LittleEndian(length, header.Length);
                Write(Magic);
                Write(length);
                Write(header);
                foreach (var (_, values) in tensors)
                    ForEachChunk(values, writeBack: false, Write);
                file.Write(hash.GetHashAndReset());
                file.Flush(flushToDisk: true);

                void Write(Span<byte> bytes)
                {
                    hash.AppendData(bytes);
                    file.Write(bytes);
                }
            }
            File.Move(beside, Path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            File.Delete(beside);
            throw new AgoraException($"cannot write a checkpoint of the training: {error.Message}", Path, "free some space and give the same command again: it goes on from the last checkpoint", error);
        }
    }

    /// <summary>Fills the tensors from the file, if there is one that is whole and belongs to this training.</summary>
    /// <param name="tensors">As they were saved: the same names, types and sizes in the same order.</param>
    /// <param name="refused">Told why a file that is there is not used; the tensors are then untouched.</param>
    public TrainingPosition? TryLoad(IReadOnlyList<(string Name, Tensor Values)> tensors, Action<string> refused)
    {
        try
        {
            if (!File.Exists(Path))
                return null;
            using var file = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            if (Check(file, tensors, out var position) is { } fault)
            {
                refused($"the checkpoint is not used: {fault} ({Path})");
                return null;
            }
            foreach (var (_, values) in tensors)
                ForEachChunk(values, writeBack: true, file.ReadExactly);
            return position;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new AgoraException($"cannot read the checkpoint of the training: {error.Message}", Path, "mend the disk, or remove the file to train from the start", error);
        }
    }

    /// <returns>What is wrong; null where the file is good, which then stands at the first tensor.</returns>
    private string? Check(FileStream file, IReadOnlyList<(string Name, Tensor Values)> tensors, out TrainingPosition? position)
    {
        position = null;
        var start = new byte[Magic.Length + 4];
        if (file.Length < start.Length + SHA256.HashSizeInBytes)
            return "it is cut off";
        file.ReadExactly(start);
        var length = BinaryPrimitives.ReadInt32LittleEndian(start.AsSpan(Magic.Length));
        if (!start.AsSpan().StartsWith(Magic))
            return "it is no checkpoint, or one of another version";
        if (length < 2 || length > file.Length - start.Length - SHA256.HashSizeInBytes)
            return "it is cut off";
        if (!Sealed(file))
            return "its checksum is wrong, so it is torn or damaged";
        file.Position = start.Length;
        var json = new byte[length];
        file.ReadExactly(json);
        Header? header;
        try
        {
            header = JsonSerializer.Deserialize<Header>(json, Json);
        }
        catch (JsonException error)
        {
            return $"its header cannot be read: {error.Message}";
        }
        if (header is not { Position: { } found, Tensors.IsDefault: false })
            return "its header is not whole";
        if (found.Key != key)
            return "it is of another training";
        if (!header.Tensors.SequenceEqual(tensors.Select(SectionOf))
            || file.Length != file.Position + tensors.Sum(tensor => tensor.Values.numel() * tensor.Values.element_size()) + SHA256.HashSizeInBytes)
            return "it holds other tensors than this training has";
        if (found.Losses.IsDefault || found.HeldOutLosses.IsDefault || found.Steps != found.Losses.Length)
            return "its position does not fit its losses";
        position = found;
        return null;
    }

    private static bool Sealed(FileStream file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        file.Position = 0;
        for (var left = file.Length - SHA256.HashSizeInBytes; left > 0;)
        {
            var count = (int)Math.Min(left, buffer.Length);
            file.ReadExactly(buffer, 0, count);
            hash.AppendData(buffer, 0, count);
            left -= count;
        }
        var seal = new byte[SHA256.HashSizeInBytes];
        file.ReadExactly(seal);
        return hash.GetHashAndReset().AsSpan().SequenceEqual(seal);
    }

    private static Section SectionOf((string Name, Tensor Values) tensor) => new(tensor.Name, tensor.Values.dtype.ToString(), tensor.Values.numel());

    private delegate void UseBytes(Span<byte> bytes);

    // In pieces: neither a span nor a copy from a device may be as large as a model.
    private static void ForEachChunk(Tensor values, bool writeBack, UseBytes use)
    {
        using var noGradient = no_grad();
        for (long first = 0; first < values.numel(); first += ChunkElements)
        {
            using var scope = NewDisposeScope();
            var place = values.narrow(0, first, Math.Min(ChunkElements, values.numel() - first));
            var here = place.device_type == DeviceType.CPU ? place : place.cpu();
            use(here.bytes);
            if (writeBack && !ReferenceEquals(here, place))
                place.copy_(here);
        }
    }
}
