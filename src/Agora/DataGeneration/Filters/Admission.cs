using Agora.Experiments;
using Microsoft.Extensions.AI;

namespace Agora.DataGeneration.Filters;

/// <summary>Decides which of a round's candidates are kept where that depends on what was kept before.</summary>
/// <remarks>Candidates are judged in the order of their places, after all of their round have arrived: the same completions give the same verdicts, whatever the order of arrival.</remarks>
internal sealed class Admission
{
    // Candidates of one block are compared with all before it side by side, and among themselves one after the other.
    internal const int Block = 256;

    private readonly KeptFilter[] filters;

    /// <param name="embeddings">The model of the filter by embeddings; null where the experiment has no such filter.</param>
    public Admission(FilterSpec spec, IEmbeddingGenerator<string, Embedding<float>>? embeddings)
    {
        KeptFilter?[] wanted =
        [
            spec.ExactDuplicates is { } exact ? new ExactDuplicateFilter(exact) : null,
            spec.NearDuplicates is { } near ? new NearDuplicateFilter(near) : null,
            spec.EmbeddingDuplicates is { } duplicates
                ? new EmbeddingDuplicateFilter(duplicates, embeddings ?? throw new InvalidOperationException("the filter by embeddings has no model"))
                : null,
            spec.Novelty is { } novelty ? new NoveltyFilter(novelty) : null,
        ];
        filters = [.. wanted.OfType<KeptFilter>()];
    }

    /// <summary>Whether there is any filter of this kind.</summary>
    public bool JudgesAny => filters.Length > 0;

    /// <summary>Keeps every text, whatever it is like: seeds, against which instances are compared.</summary>
    public async Task KeepAsync(IEnumerable<(string Name, InstructionResponse Pair)> texts, CancellationToken cancellationToken)
    {
        if (filters.Length == 0) return;
        foreach (var block in texts.Chunk(Block))
        {
            foreach (var filter in filters)
            {
                await filter.ReadAsync([.. block.Select(text => text.Pair)], cancellationToken);
                for (var i = 0; i < block.Length; i++) filter.Keep(i, block[i].Name);
            }
        }
    }

    /// <returns>For each candidate what speaks against it; null where it is kept.</returns>
    public async Task<Rejection?[]> JudgeAsync(IReadOnlyList<(string Name, InstructionResponse Pair)> candidates, CancellationToken cancellationToken)
    {
        var verdicts = new Rejection?[candidates.Count];
        if (filters.Length == 0) return verdicts;
        var start = 0;
        foreach (var block in candidates.Chunk(Block))
        {
            var pairs = block.Select(candidate => candidate.Pair).ToArray();
            foreach (var filter in filters) await filter.ReadAsync(pairs, cancellationToken);
            for (var i = 0; i < block.Length; i++)
            {
                verdicts[start + i] = filters.Select(filter => filter.Check(i)).FirstOrDefault(rejection => rejection is not null);
                if (verdicts[start + i] is not null) continue;
                foreach (var filter in filters) filter.Keep(i, block[i].Name);
            }
            start += block.Length;
        }
        return verdicts;
    }
}
