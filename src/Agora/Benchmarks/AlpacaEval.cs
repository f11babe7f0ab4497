using System.Globalization;
using Agora.Experiments;

namespace Agora.Benchmarks;

/// <summary>AlpacaEval 2.0 (arXiv:2404.04475). Rows, as in the official <c>alpaca_eval.json</c>: <c>instruction</c> and <c>output</c>, the baseline's answer.</summary>
/// <remarks>
/// Departs from the official annotator: the judge's prompt is the project's own, and its answer is read as one of two digits instead of from
/// log-probabilities, so preferences are 0 or 1. The order of the two answers depends on the instruction's place and the experiment's seed alone.
/// </remarks>
internal static class AlpacaEval
{
    public static IBenchmark Open(BenchmarkSpec spec, string rootFolder)
    {
        var file = BenchmarkRows.Read(spec.File, rootFolder, spec.Limit);
        PairwiseItem[] items =
        [
            .. file.Rows.Select((row, place) => new PairwiseItem(
                new BenchmarkItem(row.Has("id") ? row.Id("id") : string.Create(CultureInfo.InvariantCulture, $"alpaca_eval/{place}"), row.Text("instruction")),
                row.Text("output"))),
        ];
        file.ThrowIfFaulty();
        return new PairwiseBenchmark(spec.Name, file.Hash, [.. items], new PairwiseRules
        {
            Prompt = JudgePrompt.Of("alpaca_eval"),
            MaxNewTokens = 8,
            Games = static (random, index) => [random.For("alpaca_eval order", index).Chance(0.5)],
            Read = Read,
            AskAgain = null,    // as published: an unreadable annotation is dropped, neither asked again nor a draw
        });
    }

    internal static PairwiseVerdict Read(string words) => words.Trim().TrimEnd('.') switch
    {
        "1" => new PairwiseVerdict(1, 1, "1", false),
        "2" => new PairwiseVerdict(0, 1, "2", false),
        _ => new PairwiseVerdict(null, 0, $"no verdict in \"{Shortened(words)}\"", false),
    };

    private static string Shortened(string words) => words.Length <= 60 ? words : words[..60] + "...";
}
