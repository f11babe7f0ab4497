using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;
using Agora.Recovery;

namespace Agora.Reports;

/// <summary>Sentences and cells that Markdown and HTML share.</summary>
internal static class ReportExplanations
{
    public static ImmutableArray<string> Of(RunReport report)
    {
        var confidence = report.Recovery.Confidence;
        var seeds = report.Recovery.Estimates.Select(estimate => estimate.TrainingSeeds).DefaultIfEmpty(0).Min();
        var level = ReportText.Level(confidence);
        return
        [
            "PGR, the performance gap recovered, is 100 · (student − base model) / (reference − base model), each a mean score on one benchmark. 0 is no better than the base "
                + "model, 100 as good as the reference; values below 0 and above 100 are results. It is undefined where the reference does not beat the base model.",
            "A setting's PGR is the mean over its domain's benchmarks; averages are means over settings.",
            string.Create(CultureInfo.InvariantCulture,
                $"Intervals: {level}, percentiles of {confidence.Resamples} bootstrap resamples of the benchmark items, drawn once for base model, reference and all students together. ")
                + (seeds > 1
                    ? $"They cover the luck of training too: {seeds} students per data set, resampled as well."
                    : "With one training seed they do not cover the luck of training; several seeds in the experiment's trainingSeeds widen them by it."),
            .. MetaPrompts(report.Experiment),
            "Generators are compared by the difference within each resample; p is two-sided and corrected by Holm's method over the pairs of the scope.",
            "Items that could not be graded for base model, reference or student are left out for all three, and counted; they never count as wrong.",
        ];
    }

    private static IEnumerable<string> MetaPrompts(Experiment experiment)
    {
        string[] own = [.. experiment.Generators.Where(name => experiment.MetaPromptOf(name) != experiment.Generation.MetaPrompt).Select(name => $"{name} with {experiment.MetaPromptOf(name).Name()}")];
        if (own.Length > 0)
            yield return $"Generators were asked with the meta-prompt {experiment.Generation.MetaPrompt.Name()}, but {string.Join(", ", own)}.";
    }

    public static string Ungraded(ImmutableArray<UnscoredCount> unscored) =>
        unscored.IsEmpty ? "none" : string.Join("; ", unscored.Select(count => $"{ReportText.Count(count.Answers)}: {count.Reason}"));

    public static string Rejects(DataSetFacts data) =>
        data.Rejects.IsEmpty ? "none" : string.Join(", ", data.Rejects.Select(reject => $"{reject.Reason} {ReportText.Count(reject.Completions)}"));

    /// <summary>Difference, p, corrected p, verdict.</summary>
    public static ImmutableArray<string> Verdict(GeneratorComparison pair, ConfidenceSpec confidence) => pair.Outcome switch
    {
        ComparisonOutcome.Difference difference =>
        [
            $"{ReportText.Number(difference.Points)} {ReportText.Of(difference.Interval)}",
            ReportText.PValue(difference.PValue),
            ReportText.PValue(difference.AdjustedPValue),
            !difference.SignificantAt(confidence.Level) ? "no significant difference"
                : difference.Points > 0 ? $"{pair.First} teaches better"
                : $"{pair.Second} teaches better",
        ],
        ComparisonOutcome.Undecided(var reason) => [ReportText.Undefined, ReportText.NotMeasured, ReportText.NotMeasured, reason],
        _ => throw new InvalidOperationException($"no words for {pair.Outcome}"),
    };
}
