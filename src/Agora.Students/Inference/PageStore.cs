using Agora.Students.Inference.Kernels;

namespace Agora.Students.Inference;

/// <summary>The memory of keys and values: pages of 16 positions over all layers, rented and returned. Not thread-safe: <see cref="KeyValueCache"/> locks.</summary>
/// <param name="capacity">Pages that may be rented at once.</param>
internal abstract class PageStore(int capacity) : IDisposable
{
    public int Capacity { get; } = capacity;

    public int Rented { get; private set; }

    public static int PagesFor(int positions) => (positions + AttentionKernels.Page - 1) / AttentionKernels.Page;

    /// <param name="budgetBytes">Upper bound, but one full context always fits.</param>
    protected static int CapacityOf(long budgetBytes, long pageBytes, int maxPositions) => (int)Math.Min(int.MaxValue, Math.Max(budgetBytes / pageBytes, PagesFor(maxPositions)));

    /// <returns>What the store's own pass finds the page by; what stands in it is finite but meaningless.</returns>
    public nint Rent()
    {
        var page = Take();
        Rented++;
        return page;
    }

    public void Return(nint page)
    {
        Rented--;
        Put(page);
    }

    public abstract void Dispose();

    protected abstract nint Take();

    protected abstract void Put(nint page);
}
