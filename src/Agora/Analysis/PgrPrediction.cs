using System.Collections.Immutable;

namespace Agora.Analysis;

/// <summary>A data set's PGR as expected before any full training.</summary>
/// <param name="Pgr">In percent.</param>
/// <param name="Low">Of the interval of 95 % in which a measurement with the study's training seeds should lie.</param>
/// <param name="Predictor">Which of the predictors says so.</param>
/// <param name="MeanAbsoluteError">Of that predictor on what it never saw, in percentage points.</param>
/// <param name="Coverage">Share of its intervals that held the measurement there.</param>
/// <param name="LooksAtData">False where it knows nothing but the setting.</param>
/// <param name="Unseen">What it was judged on: generator, or setting where the study does not have the target's.</param>
public sealed record PgrPrediction(string Predictor, double Pgr, double Low, double High, double MeanAbsoluteError, double? Coverage, bool LooksAtData, string Unseen)
{
    /// <summary>The best prediction that what is known of the data set allows.</summary>
    /// <param name="target">Without PGR.</param>
    /// <returns>Not computable, with what is missing, where no predictor that could be asked beats the mean of everything on data that it never saw.</returns>
    public static Computed<PgrPrediction> Of(PredictionTrial trial, StudyCell target)
    {
        var table = trial.Table;
        var known = table.Cells.Any(cell => cell.Setting == target.Setting);
        var unseen = known ? "generator" : "setting";
        var reasons = new List<string>();
        foreach (var candidate in trial.Ranked(known))
        {
            string[] missing =
            [
                .. candidate.Predictor.Needs.Where(metric => !target.Metrics.ContainsKey(metric)),
                .. candidate.Predictor.Probe is { } probe && !target.Probes.ContainsKey(probe) ? (IEnumerable<string>)[$"probe \"{probe}\""] : [],
            ];
            if (missing.Length > 0)
            {
                reasons.Add($"{candidate.Predictor.Name} lacks {string.Join(", ", missing)}");
                continue;
            }
            var extended = table.With(target);
            if (candidate.Predictor.Learn(extended, [.. Enumerable.Range(0, table.Cells.Length)])?.Invoke(table.Cells.Length) is { Low: { } low, High: { } high } predicted)
                return new PgrPrediction(candidate.Predictor.Name, predicted.Value, low, high, candidate.Error.MeanAbsoluteError, candidate.Error.Coverage,
                    candidate.Predictor.Probe is not null || !candidate.Predictor.Needs.IsEmpty, unseen);
            reasons.Add($"{candidate.Predictor.Name} could not be fitted");
        }
        return new Computed<PgrPrediction>.NotComputable(reasons.Count == 0
            ? $"no predictor beats the mean of everything on a {unseen} that it never saw{(known ? "" : $": the study has no {target.Setting}")}"
            : $"of the predictors that beat the mean of everything on a {unseen} that it never saw, none can be asked: {string.Join("; ", reasons)}");
    }
}

/// <summary>Every predictor that gives intervals, held against the generators and settings of a study.</summary>
public sealed class PredictionTrial
{
    private readonly ImmutableArray<(Predictor Predictor, HeldOutPrediction Held)> tried;

    private PredictionTrial(FeatureTable table, ImmutableArray<(Predictor, HeldOutPrediction)> tried) => (Table, this.tried) = (table, tried);

    public FeatureTable Table { get; }
    /// <summary>In the order of the catalogue.</summary>
    public ImmutableArray<HeldOutPrediction> Results => [.. tried.Select(entry => entry.Held)];

    public static PredictionTrial Of(Study study)
    {
        var table = FeatureTable.Of(study);
        return new PredictionTrial(table, [.. Predictor.For(table).AsParallel().AsOrdered().Select(predictor => (predictor, HeldOutPrediction.Of(table, predictor)))]);
    }

    /// <summary>Best first, by mean absolute error on what was held out; those that do not beat the mean of everything are left out.</summary>
    internal IEnumerable<(Predictor Predictor, PredictionError Error)> Ranked(bool settingKnown) =>
        Ranked(tried.Select(entry => (entry.Predictor, settingKnown ? entry.Held.LeavingGeneratorsOut : entry.Held.LeavingSettingsOut)));

    internal static IEnumerable<(Predictor Predictor, PredictionError Error)> Ranked(IEnumerable<(Predictor Predictor, Computed<PredictionError> Held)> tried) =>
        from entry in tried
        let error = entry.Held.ResultOrDefault
        where error is { RSquared: > 0, Coverage: not null }
        orderby error.MeanAbsoluteError
        select (entry.Predictor, error);

    /// <summary>The error of the whole procedure, the choice of a predictor included; takes several times as long as the trial.</summary>
    public ImmutableArray<NestedSelection> Nested() => NestedSelection.Of(Table);
}
