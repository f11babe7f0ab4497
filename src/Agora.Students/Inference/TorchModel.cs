using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Students.Inference;

/// <summary>A model whose matrices torch multiplies: on a CUDA device, or on the CPU where the weights are too many for float32.</summary>
/// <remarks>
/// Torch chooses its blocking by the batch's shape, so that the last bits of a logit, and with them now and then a token, depend on what else is in the batch. Each request
/// keeps its own random stream, and the same sampler draws.
/// </remarks>
internal sealed class TorchModel : IDeviceModel
{
    private const long DefaultCpuCacheBytes = 768L << 20;

    // A step of 2,048 rows with its logits; and what is taken where a driver does not tell.
    private const long LeastLeftFree = 2L << 30, UnknownCudaCacheBytes = 4L << 30;

    private readonly Dictionary<string, Tensor> pieces;
    private readonly int threads;

    private TorchModel(string folder, TransformerConfig config, Dictionary<string, Tensor> pieces, ScalarType type, torch.Device device, int threads) =>
        (Folder, Config, this.pieces, Type, Device, this.threads) = (folder, config, pieces, type, device, threads);

    public string Folder { get; }

    public TransformerConfig Config { get; }

    public torch.Device Device { get; }

    /// <summary>Of weights, activations and cache; norms, rotation, softmax and logits are float32.</summary>
    public ScalarType Type { get; }

    public int Workers => 1;

    public int SlotsPerWorker => 256;

    public string Description => $"torch, {(Type == ScalarType.BFloat16 ? "bfloat16" : "float32")}, {Device}{(Device.type == DeviceType.CPU ? $", {threads} threads" : "")}";

    /// <summary>A piece by its name in <see cref="ParameterLayout"/>; null where the model has none.</summary>
    public Tensor? Piece(string name) => pieces.GetValueOrDefault(name);

    /// <param name="type">float32 or bfloat16.</param>
    /// <exception cref="AgoraException">A weight is NaN or infinite, or the device has too little memory.</exception>
    public static TorchModel Load(CheckpointFolder checkpoint, ScalarType type, torch.Device device, int threads)
    {
        TorchLibrary.Load();
        var pieces = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        try
        {
            using var scope = NewDisposeScope();
            foreach (var piece in new ParameterLayout(checkpoint.Config).Pieces)
            {
                var target = empty([.. piece.Shape], type, device).DetachFromDisposeScope();
                pieces.Add(piece.Name, target);
                foreach (var place in piece.Tensors)
                    Fill(checkpoint, place, target.view(-1).narrow(0, place.Offset - piece.Offset, place.Elements));
            }
            return new TorchModel(checkpoint.Folder, checkpoint.Config, pieces, type, device, threads);
        }
        catch (Exception exception)
        {
            foreach (var piece in pieces.Values)
                piece.Dispose();
            if (exception is System.Runtime.InteropServices.ExternalException)
                throw OutOfMemory(checkpoint, device, exception);
            throw;
        }
    }

    public PageStore NewPages(long? budgetBytes)
    {
        try
        {
            return new TorchPages(Config, budgetBytes ?? (Device.type == DeviceType.CPU ? DefaultCpuCacheBytes : CudaCacheBytes(TrainingDevice.FreeMemoryOf(Device))), Type, Device);
        }
        catch (System.Runtime.InteropServices.ExternalException exception)
        {
            throw new AgoraException($"keys and values do not fit the memory of {Device}", Folder, "use a device with more memory", exception);
        }
    }

    /// <summary>What keys and values get of a CUDA device by themselves: most of what is free once the weights are there; the rest is for a step's own tensors and for others.</summary>
    /// <param name="freeBytes">null where the device does not say.</param>
    internal static long CudaCacheBytes(long? freeBytes) => freeBytes is { } free ? Math.Max(0, Math.Min(free * 8 / 10, free - LeastLeftFree)) : UnknownCudaCacheBytes;

    public BatchPass NewPass(KeyValueCache cache, PageStore pages) => new TorchPass(this, cache, (TorchPages)pages, threads);

    public void Dispose()
    {
        foreach (var piece in pieces.Values)
            piece.Dispose();
    }

    // In stretches: neither a span nor a copy on its way to the device may be as large as an embedding.
    private static void Fill(CheckpointFolder checkpoint, ParameterPlace place, Tensor target)
    {
        const int Stretch = 1 << 22;
        var values = new float[Math.Min(Stretch, place.Elements)];
        for (long first = 0; first < place.Elements; first += values.Length)
        {
            using var scope = NewDisposeScope();
            var count = (int)Math.Min(values.Length, place.Elements - first);
            checkpoint.Read(place.Name, first, values.AsSpan(0, count));
            if (!Kernels.RowKernels.AllFinite(values.AsSpan(0, count)))
                throw new AgoraException($"tensor {place.Name} holds NaN or infinity", checkpoint.Folder, "the training that wrote it diverged, or the file is damaged; take another checkpoint");
            target.narrow(0, first, count).copy_(tensor(values, [values.Length]).narrow(0, 0, count));
        }
    }

    private static AgoraException OutOfMemory(CheckpointFolder checkpoint, torch.Device device, Exception cause) =>
        new($"the weights ({checkpoint.Config.Parameters:N0} parameters) do not fit the memory of {device}", checkpoint.Folder, "use a device with more memory, or a smaller model", cause);
}
