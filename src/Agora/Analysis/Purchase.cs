using Agora.Experiments;

namespace Agora.Analysis;

/// <summary>What was bought, and what it did: one data set, or all that a generator wrote for a run.</summary>
/// <param name="Setting">Null: all settings of the run together, with the mean of their PGRs.</param>
/// <param name="Instances">Valid ones, of all settings together.</param>
/// <param name="Pgr">In percent.</param>
/// <param name="Low">Of the run's confidence interval; null where there is none.</param>
/// <param name="GenerationDollars">For all completions; null where no price is known.</param>
/// <param name="FilteringDollars">Part of it: completions that checks and filters turned away, and what a method's judge was asked; null where it is not known.</param>
/// <param name="TrainingHours">Of one student, or of one for each setting; null where it is not known.</param>
public sealed record Purchase(
    string Generator, Setting? Setting, string MetaPrompt, int Instances, double Pgr, double? Low, double? High, double? GenerationDollars, double? FilteringDollars, double? TrainingHours);

/// <summary>What an hour of the machine that trains students costs, and how long it takes.</summary>
/// <param name="DollarsPerHour">0: training is not counted.</param>
/// <param name="HoursPerInstance">Null: as long as it took in the run.</param>
public sealed record TrainingPrice(double DollarsPerHour, double? HoursPerInstance)
{
    public static TrainingPrice NotCounted { get; } = new(0, null);

    public bool IsCounted => DollarsPerHour > 0;

    /// <param name="hours">That it took in the run; null where that is not known.</param>
    /// <returns>US dollars; null where the time is not known.</returns>
    public double? Of(int instances, double? hours) => DollarsPerHour == 0 ? 0 : DollarsPerHour * (HoursPerInstance * instances ?? hours);
}
