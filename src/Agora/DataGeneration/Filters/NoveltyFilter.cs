using System.Globalization;
using Agora.Experiments;

namespace Agora.DataGeneration.Filters;

/// <summary>Turns away instructions that are too similar to a kept one by ROUGE-L; <see cref="NoveltyIndex"/> says how.</summary>
internal sealed class NoveltyFilter(NoveltySpec spec) : IndexedFilter<RougeText, SimilarText>
{
    private readonly NoveltyIndex index = new(spec.Threshold);

    protected override RougeText[] Read(IReadOnlyList<InstructionResponse> block) => [.. block.Select(pair => index.Read(pair.Instruction))];

    protected override SimilarText? Find(RougeText text, int from) => index.Find(text, from);

    protected override void Add(RougeText text) => index.Add(text);

    protected override int Place(SimilarText found) => found.Text;

    protected override Rejection Rejection(SimilarText found, string other) =>
        new(RejectReason.NotNovel, string.Create(CultureInfo.InvariantCulture, $"ROUGE-L {found.F:0.000} with {other}"));
}
