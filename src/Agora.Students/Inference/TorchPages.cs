using Agora.Students.Checkpoints;
using Agora.Students.Inference.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Agora.Students.Inference;

/// <summary>Pages on a torch device, allocated once: a page is an index into two tensors.</summary>
internal sealed class TorchPages : PageStore
{
    private readonly Stack<nint> free = new();
    private int fresh;      // pages from here on were never rented

    public TorchPages(TransformerConfig config, long budgetBytes, ScalarType type, torch.Device device)
        : base(CapacityOf(budgetBytes, PageBytes(config, type), config.MaxPositions))
    {
        long[] shape = [config.Layers, Capacity, AttentionKernels.Page, config.KeyValueHeads, config.HeadSize];
        Keys = empty(shape, type, device).DetachFromDisposeScope();
        Values = empty(shape, type, device).DetachFromDisposeScope();
    }

    /// <summary>[layers, pages, 16, key-value heads, D].</summary>
    public Tensor Keys { get; }

    public Tensor Values { get; }

    public override void Dispose()
    {
        Keys.Dispose();
        Values.Dispose();
    }

    /// <returns>The page's index.</returns>
    protected override nint Take()
    {
        if (free.TryPop(out var page))
            return page;
        // Attention multiplies what lies behind a text's end by zero, which NaN from fresh memory would survive.
        using var scope = NewDisposeScope();
        Keys.narrow(1, fresh, 1).zero_();
        Values.narrow(1, fresh, 1).zero_();
        return fresh++;
    }

    protected override void Put(nint page) => free.Push(page);

    private static long PageBytes(TransformerConfig config, ScalarType type) => 2L * config.Layers * AttentionKernels.Page * config.KeyValueWidth * type.ElementSize();
}
