using Agora.Students.Inference.Kernels;

namespace Agora.Students.Inference;

/// <summary>Hands out the memory of keys and values: a sequence is admitted only when its longest possible text fits, so that none ever stops half-way for want of memory.</summary>
internal sealed class KeyValueCache : IDisposable
{
    private readonly Lock gate = new();
    private readonly PrefixTree prefixes = new();
    private readonly int maxSharedPages;
    private readonly EngineCounters counters;
    private int promised;       // to sequences, pages of the tree not counted

    public KeyValueCache(PageStore pages, EngineCounters counters)
    {
        this.counters = counters;
        Pages = pages;
        // Prompts that never come back must not crowd out running sequences, nor grow the process for nothing.
        maxSharedPages = Math.Max(1, Pages.Capacity / 4);
    }

    public PageStore Pages { get; }

    public int RentedPages
    {
        get
        {
            lock (gate)
                return Pages.Rented;
        }
    }

    public int SharedPages
    {
        get
        {
            lock (gate)
                return prefixes.Count;
        }
    }

    /// <summary>Promises the sequence its pages and lends it those of a prefix that was read before.</summary>
    /// <returns>False where others must finish first.</returns>
    public bool TryAdmit(Sequence sequence)
    {
        lock (gate)
        {
            var shared = prefixes.Find(sequence.Tokens[..sequence.ReusablePositions]);
            var own = PageStore.PagesFor(sequence.MaxLength) - shared.Count;
            while (promised + prefixes.Count + own > Pages.Capacity)
            {
                if (prefixes.Evict() is not { } page)
                {
                    foreach (var node in shared)
                        prefixes.Release(node);
                    return false;
                }
                Pages.Return(page);
            }
            promised += own;
            sequence.PromisedPages = own;
            foreach (var node in shared)
                sequence.AddPage(node.Page, node);
            sequence.Computed = shared.Count * AttentionKernels.Page;
            sequence.IsAdmitted = true;
            counters.AddCached(sequence.Computed);
            sequence.Admitted();
            return true;
        }
    }

    /// <summary>Makes room for positions below <paramref name="end"/>.</summary>
    public void Extend(Sequence sequence, int end)
    {
        if (sequence.PageCount * AttentionKernels.Page >= end)
            return;
        lock (gate)
        {
            while (sequence.PageCount * AttentionKernels.Page < end)
                sequence.AddPage(Pages.Rent(), null);
        }
    }

    /// <summary>Lets later prompts use the pages of this one, once they are computed.</summary>
    public void Share(Sequence sequence)
    {
        var pages = sequence.ShareablePositions / AttentionKernels.Page;
        if (sequence.SharedCount >= pages)
            return;
        lock (gate)
        {
            for (var i = sequence.SharedCount; i < pages; i++)
            {
                var own = sequence.Pages[i];
                var parent = i > 0 ? sequence.SharedNode(i - 1) : null;
                var (node, added) = prefixes.Add(parent, sequence.Tokens.Slice(i * AttentionKernels.Page, AttentionKernels.Page), own);
                if (!added)
                    Pages.Return(own);
                sequence.SharePage(i, node);
                sequence.PromisedPages--;
                promised--;
            }
            while (prefixes.Count > maxSharedPages && prefixes.Evict() is { } page)
                Pages.Return(page);
        }
    }

    public void Release(Sequence sequence)
    {
        lock (gate)
        {
            for (var i = sequence.PageCount - 1; i >= 0; i--)
            {
                if (i < sequence.SharedCount)
                    prefixes.Release(sequence.SharedNode(i));
                else
                    Pages.Return(sequence.Pages[i]);
            }
            promised -= sequence.PromisedPages;
            sequence.ClearPages();
        }
    }

    public void Dispose() => Pages.Dispose();
}
