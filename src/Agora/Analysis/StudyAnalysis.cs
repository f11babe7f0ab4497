using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Analysis;

/// <summary>What explains PGR in a study (arXiv:2412.03679, figures 4 to 7), each part with the reason where it cannot be computed.</summary>
public sealed record StudyAnalysis
{
    public required string Source { get; init; }
    /// <summary>In percent, of every interval.</summary>
    public required double ConfidenceLevel { get; init; }
    public required ImmutableArray<GeneratorMean> Generators { get; init; }
    public required AbilityRegression Coarse { get; init; }
    public required AbilityRegression FineByDomain { get; init; }
    public required AbilityRegression FineByAverage { get; init; }
    public required ComponentAnalysis Components { get; init; }
    public required ImmutableArray<HeldOutPrediction> Predictions { get; init; }
    public required Computed<ImmutableArray<MetaPromptComparison>> MetaPrompts { get; init; }
    public required Computed<ImmutableArray<PriceComparison>> Prices { get; init; }
    /// <summary>Null where the study knows no dollars of whole data sets.</summary>
    public Computed<ImmutableArray<ParetoFrontier>>? Frontiers { get; init; }
    /// <summary>Null where the study knows no sizes of data sets.</summary>
    public Computed<ImmutableArray<ScalingCurve>>? Curves { get; init; }
    /// <summary>Empty where no two priced curves meet in a setting.</summary>
    public ImmutableArray<SameMoney> SameMoney { get; init; } = [];
    public TrainingPrice Training { get; init; } = TrainingPrice.NotCounted;
    /// <summary>What was left out, and why.</summary>
    public required ImmutableArray<string> Remarks { get; init; }

    /// <summary>The analyses of the paper, and what the money of a run's data sets bought.</summary>
    public static StudyAnalysis Of(Study study, IReadOnlyList<SuppliedData> supply, IReadOnlyList<Purchase> purchases, TrainingPrice training, RandomStreams random, double level = 95)
    {
        var curves = ScalingCurve.All(supply, random);
        return Of(study, level) with { Frontiers = ParetoFrontier.All(purchases, training), Curves = curves, SameMoney = Analysis.SameMoney.All(curves, training), Training = training };
    }

    public static StudyAnalysis Of(Study study, double level = 95)
    {
        var table = FeatureTable.Of(study);
        return new StudyAnalysis
        {
            Source = study.Source,
            ConfidenceLevel = level,
            Generators =
            [
                .. from generator in study.Generators
                   let own = study.Cells.Where(cell => cell.Generator == generator.Name && cell.Pgr is not null).ToArray()
                   select new GeneratorMean(generator.Name, own.Length == 0 ? null : own.Average(cell => cell.Pgr!.Value), own.Length, generator.ProblemSolvingAverage),
            ],
            Coarse = AbilityRegression.Coarse(study, level),
            FineByDomain = AbilityRegression.FineByDomain(study, level),
            FineByAverage = AbilityRegression.FineByAverage(study, level),
            Components = ComponentAnalysis.Of(table, level),
            Predictions = HeldOutPrediction.Of(table),
            MetaPrompts = MetaPromptComparison.All(study, level),
            Prices = PriceComparison.All(study),
            Remarks = table.Remarks,
        };
    }

    /// <summary>What the held-out columns say of the component regression, in one sentence; null where they cannot be computed.</summary>
    public string? Verdict()
    {
        PredictionError? Held(string predictor) => Predictions.FirstOrDefault(entry => entry.Predictor == predictor)?.LeavingGeneratorsOut.ResultOrDefault;
        var inSample = Components.Regression.ResultOrDefault;
        if (inSample is null || Held("components") is not { } components || Held("setting mean") is not { } setting)
            return null;
        var survives = components.RSquared > 0 ? $"keeps {Figure(components.RSquared)}" : $"falls to {Figure(components.RSquared)}, worse than knowing the mean of everything,";
        var rival = setting.RSquared > components.RSquared
            ? $"a plain setting mean, which looks at no data set, reaches {Figure(setting.RSquared)} and beats it"
            : $"a plain setting mean reaches {Figure(setting.RSquared)} and does not beat it";
        return $"the regression on {Components.ComponentsUsed} components has R² {Figure(inSample.RSquared)} on the rows it was fitted to and {survives} when whole generators are left out; {rival}";
    }

    private static string Figure(double value) => value.ToString("0.000", System.Globalization.CultureInfo.InvariantCulture);
}

/// <param name="Pgr">Mean over the settings, in percent; null where none has one.</param>
/// <param name="ProblemSolving">Mean over all benchmarks, in percent; null where none was measured.</param>
public sealed record GeneratorMean(string Generator, double? Pgr, int Settings, double? ProblemSolving);
