using System.Collections.Immutable;

namespace Agora.Benchmarks.Judged;

/// <param name="Score">What the judge makes of the model's answers, in percent.</param>
public readonly record struct JudgedModel(string Judge, string Model, double Score);

/// <summary>What a judge adds to its own answers.</summary>
/// <param name="Own">Its score of itself minus the other judges' mean, in points.</param>
/// <param name="Others">The same difference over all other models: how lenient it is with anybody; null where there is no other model that another judge scored too.</param>
public sealed record SelfPreference(string Judge, double Own, double? Others)
{
    /// <summary>In points: what is left for itself once leniency is taken off; null where leniency is not known.</summary>
    public double? Net => Own - Others;

    /// <summary>Of every judge that is also among the models, and whose answers another judge scored as well; without a second judge nothing can be said.</summary>
    public static ImmutableArray<SelfPreference> Of(IReadOnlyCollection<JudgedModel> scores)
    {
        double? Excess(string judge, string model)
        {
            var own = scores.Where(score => score.Judge == judge && score.Model == model).Select(score => (double?)score.Score).FirstOrDefault();
            return own - scores.Where(score => score.Judge != judge && score.Model == model).Select(score => (double?)score.Score).Average();
        }
        return
        [
            .. from judge in scores.Select(score => score.Judge).Distinct()
               let own = Excess(judge, judge)
               where own is not null
               select new SelfPreference(judge, own.Value, scores.Select(score => score.Model).Distinct().Where(model => model != judge).Select(model => Excess(judge, model)).Average()),
        ];
    }
}
