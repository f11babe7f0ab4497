using Agora.Students.Checkpoints;
using Agora.Students.Inference.Kernels;

namespace Agora.Students.Inference;

/// <summary>The memory of keys and values: pages of 16 positions over all layers, rented and returned. Not thread-safe: <see cref="KeyValueCache"/> locks.</summary>
internal sealed class PageStore : IDisposable
{
    private const int PagesPerSlab = 16;

    private readonly Stack<nint> free = new();
    private readonly List<FloatBuffer> slabs = [];
    private readonly long pageFloats;

    /// <param name="budgetBytes">Upper bound; memory is taken from the system only when first needed. One full context always fits.</param>
    public PageStore(TransformerConfig config, long budgetBytes)
    {
        KeysPerHead = config.HeadSize * AttentionKernels.Page;
        FloatsPerHead = KeysPerHead + AttentionKernels.PadHead(config.HeadSize) * AttentionKernels.Page;
        FloatsPerLayer = (long)FloatsPerHead * config.KeyValueHeads;
        pageFloats = FloatsPerLayer * config.Layers;
        Capacity = (int)Math.Min(int.MaxValue, Math.Max(budgetBytes / (pageFloats * sizeof(float)), PagesFor(config.MaxPositions)));
    }

    /// <summary>Pages that may be rented at once.</summary>
    public int Capacity { get; }

    public int Rented { get; private set; }

    /// <summary>Floats of a head's keys in a page; its values follow.</summary>
    public int KeysPerHead { get; }

    public int FloatsPerHead { get; }

    public long FloatsPerLayer { get; }

    public static int PagesFor(int positions) => (positions + AttentionKernels.Page - 1) / AttentionKernels.Page;

    /// <returns>Address of the page; what stands in it is finite but meaningless.</returns>
    public unsafe nint Rent()
    {
        if (free.Count == 0)
        {
            var slab = new FloatBuffer(pageFloats * PagesPerSlab);
            slabs.Add(slab);
            for (var i = PagesPerSlab - 1; i >= 0; i--)
                free.Push((nint)(slab.Start + i * pageFloats));
        }
        Rented++;
        return free.Pop();
    }

    public void Return(nint page)
    {
        Rented--;
        free.Push(page);
    }

    public void Dispose()
    {
        foreach (var slab in slabs)
            slab.Dispose();
    }
}
