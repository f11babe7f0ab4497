using Agora.Students.Checkpoints;

namespace Agora.Students.Inference;

/// <summary>A model's weights where they are computed with, and what computes with them.</summary>
internal interface IDeviceModel : IDisposable
{
    TransformerConfig Config { get; }

    /// <summary>Threads of the scheduler, each with its own batch.</summary>
    int Workers { get; }

    /// <summary>Sequences in one batch at most.</summary>
    int SlotsPerWorker { get; }

    /// <summary>For people: what computes, where and in which type.</summary>
    string Description { get; }

    /// <param name="budgetBytes">Upper bound of the memory for keys and values; null: what suits the device. One full context always fits.</param>
    PageStore NewPages(long? budgetBytes);

    /// <param name="pages">From <see cref="NewPages"/>.</param>
    BatchPass NewPass(KeyValueCache cache, PageStore pages);
}

/// <summary>The managed engine: float32 on the CPU, the same bits in any batch.</summary>
internal sealed class ManagedModel(TransformerWeights weights, int threads) : IDeviceModel
{
    private const long DefaultCacheBytes = 768L << 20;

    public TransformerConfig Config => weights.Config;

    public int Workers => threads;

    public int SlotsPerWorker => 64;

    public string Description => $"managed kernels, float32, {threads} threads";

    public PageStore NewPages(long? budgetBytes) => new NativePages(weights.Config, budgetBytes ?? DefaultCacheBytes);

    public BatchPass NewPass(KeyValueCache cache, PageStore pages) => new TransformerPass(weights, cache, (NativePages)pages);

    public void Dispose() => weights.Dispose();
}
