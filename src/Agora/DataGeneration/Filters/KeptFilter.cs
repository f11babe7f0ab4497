using Agora.Experiments;

namespace Agora.DataGeneration.Filters;

/// <summary>A filter whose verdict depends on what was kept before. Candidates come in blocks; within a block they are judged one after the other.</summary>
internal abstract class KeptFilter
{
    /// <summary>Compares each candidate of the block with everything kept so far.</summary>
    public abstract Task ReadAsync(IReadOnlyList<InstructionResponse> block, CancellationToken cancellationToken);

    /// <returns>What speaks against the candidate, the block's earlier ones included; null where nothing does.</returns>
    public abstract Rejection? Check(int candidate);

    /// <param name="name">For the reasons of later rejects: a seed's id, or <c>generated:12</c>.</param>
    public abstract void Keep(int candidate, string name);

    protected static string Part(InstructionResponse pair, InstancePart part) => part switch
    {
        InstancePart.Instruction => pair.Instruction,
        InstancePart.Response => pair.Response,
        _ => $"{pair.Instruction}\n\n{pair.Response}",
    };
}

/// <summary>An index that takes a block of texts at once and judges them one after the other.</summary>
/// <typeparam name="TText">A text as the index reads it.</typeparam>
/// <typeparam name="TFound">What speaks against a text.</typeparam>
internal abstract class IndexedFilter<TText, TFound> : KeptFilter where TFound : struct
{
    private readonly List<string> names = [];
    private TText[] texts = [];
    private TFound?[] earlier = [];
    private int blockStart;

    public sealed override Task ReadAsync(IReadOnlyList<InstructionResponse> block, CancellationToken cancellationToken)
    {
        texts = Read(block);
        earlier = new TFound?[block.Count];
        blockStart = names.Count;
        Parallel.For(0, block.Count, new ParallelOptions { CancellationToken = cancellationToken }, i => earlier[i] = Find(texts[i], 0));
        return Task.CompletedTask;
    }

    public sealed override Rejection? Check(int candidate) =>
        (earlier[candidate] ?? Find(texts[candidate], blockStart)) is { } found ? Rejection(found, names[Place(found)]) : null;

    public sealed override void Keep(int candidate, string name)
    {
        Add(texts[candidate]);
        names.Add(name);
    }

    protected abstract TText[] Read(IReadOnlyList<InstructionResponse> block);

    /// <summary>Looks among what was kept from a place on; called from many threads while nothing is added.</summary>
    protected abstract TFound? Find(TText text, int from);

    protected abstract void Add(TText text);

    protected abstract int Place(TFound found);

    protected abstract Rejection Rejection(TFound found, string other);
}
