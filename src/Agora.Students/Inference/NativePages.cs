using Agora.Students.Checkpoints;
using Agora.Students.Inference.Kernels;

namespace Agora.Students.Inference;

/// <summary>Pages in float32 outside the managed heap; memory is taken from the system only when first needed.</summary>
internal sealed class NativePages : PageStore
{
    private const int PagesPerSlab = 16;

    private readonly Stack<nint> free = new();
    private readonly List<FloatBuffer> slabs = [];
    private readonly long pageFloats;

    public NativePages(TransformerConfig config, long budgetBytes)
        : base(CapacityOf(budgetBytes, PageFloats(config) * sizeof(float), config.MaxPositions))
    {
        KeysPerHead = config.HeadSize * AttentionKernels.Page;
        FloatsPerHead = FloatsOfHead(config);
        FloatsPerLayer = (long)FloatsPerHead * config.KeyValueHeads;
        pageFloats = PageFloats(config);
    }

    /// <summary>Floats of a head's keys in a page; its values follow.</summary>
    public int KeysPerHead { get; }

    public int FloatsPerHead { get; }

    public long FloatsPerLayer { get; }

    public override void Dispose()
    {
        foreach (var slab in slabs)
            slab.Dispose();
    }

    /// <returns>The page's address.</returns>
    protected override unsafe nint Take()
    {
        if (free.Count == 0)
        {
            var slab = new FloatBuffer(pageFloats * PagesPerSlab);
            slabs.Add(slab);
            for (var i = PagesPerSlab - 1; i >= 0; i--)
                free.Push((nint)(slab.Start + i * pageFloats));
        }
        return free.Pop();
    }

    protected override void Put(nint page) => free.Push(page);

    private static int FloatsOfHead(TransformerConfig config) => (config.HeadSize + AttentionKernels.PadHead(config.HeadSize)) * AttentionKernels.Page;

    private static long PageFloats(TransformerConfig config) => (long)FloatsOfHead(config) * config.KeyValueHeads * config.Layers;
}
