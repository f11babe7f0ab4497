using System.Globalization;
using Agora.Experiments;

namespace Agora.DataGeneration.Filters;

/// <summary>Turns away texts that were kept before, but for white space.</summary>
internal sealed class ExactDuplicateFilter(ExactDuplicateSpec spec) : IndexedFilter<string, int>
{
    private readonly Dictionary<string, int> kept = new(StringComparer.Ordinal);

    protected override string[] Read(IReadOnlyList<InstructionResponse> block) =>
        [.. block.Select(pair => string.Join(' ', Part(pair, spec.Of).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)))];

    protected override int? Find(string text, int from) => kept.TryGetValue(text, out var place) && place >= from ? place : null;

    // Of two seeds that are alike the first one stands.
    protected override void Add(string text)
    {
        kept.TryAdd(text, added);
        added++;
    }

    protected override int Place(int found) => found;

    protected override Rejection Rejection(int found, string other) => new(RejectReason.ExactDuplicate, $"the same as {other}");

    private int added;
}

/// <summary>Turns away texts whose runs of words overlap with those of a kept one; <see cref="MinHashIndex"/> says how.</summary>
internal sealed class NearDuplicateFilter(NearDuplicateSpec spec) : IndexedFilter<ShingledText, (int Text, double Jaccard)>
{
    private readonly MinHashIndex index = new(spec.Threshold, spec.Shingle);

    protected override ShingledText[] Read(IReadOnlyList<InstructionResponse> block)
    {
        var texts = new ShingledText[block.Count];
        Parallel.For(0, block.Count, i => texts[i] = index.Read(Part(block[i], spec.Of)));
        return texts;
    }

    protected override (int Text, double Jaccard)? Find(ShingledText text, int from) => index.Find(text, from);

    protected override void Add(ShingledText text) => index.Add(text);

    protected override int Place((int Text, double Jaccard) found) => found.Text;

    protected override Rejection Rejection((int Text, double Jaccard) found, string other) =>
        new(RejectReason.NearDuplicate, string.Create(CultureInfo.InvariantCulture, $"Jaccard similarity {found.Jaccard:0.000} with {other}"));
}
