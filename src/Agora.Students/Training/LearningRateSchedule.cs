using Agora.Experiments;

namespace Agora.Students.Training;

/// <summary>How the learning rate moves over a pre-training run, after warm-up.</summary>
public enum DecayShape { Constant, Linear, Cosine }

/// <summary>Learning rates per step.</summary>
internal static class LearningRateSchedule
{
    /// <summary>Rises linearly to 1 over the first steps and stays there.</summary>
    /// <param name="step">From 0.</param>
    public static double Warmup(int step, int warmupSteps) => step < warmupSteps ? (step + 1.0) / (warmupSteps + 1) : 1;

    /// <summary>The learning rate of a student's step.</summary>
    /// <param name="step">From 0.</param>
    /// <param name="epoch">From 0.</param>
    public static double Of(StudentRecipe recipe, int step, int steps, int epoch) => recipe.Schedule switch
    {
        Schedule.EpochDecay => recipe.LearningRate * Warmup(step, recipe.WarmupSteps) * Math.Pow(recipe.EpochDecay, epoch),
        Schedule.Constant => recipe.LearningRate * Warmup(step, recipe.WarmupSteps),
        Schedule.Linear => recipe.LearningRate * Share(step, steps, recipe.WarmupSteps, DecayShape.Linear, recipe.FinalLearningRateShare),
        Schedule.Cosine => recipe.LearningRate * Share(step, steps, recipe.WarmupSteps, DecayShape.Cosine, recipe.FinalLearningRateShare),
        _ => throw new InvalidOperationException($"no schedule {recipe.Schedule}"),
    };

    /// <summary>Warm-up, then a decay that reaches <paramref name="finalShare"/> of the peak at the last step.</summary>
    public static double Share(int step, int steps, int warmupSteps, DecayShape shape, double finalShare)
    {
        if (step < warmupSteps)
            return Warmup(step, warmupSteps);
        var done = (step - warmupSteps) / Math.Max(steps - 1.0 - warmupSteps, 1);
        return shape switch
        {
            DecayShape.Linear => 1 - (1 - finalShare) * done,
            DecayShape.Cosine => finalShare + (1 - finalShare) * (1 + Math.Cos(Math.PI * done)) / 2,
            _ => 1,
        };
    }
}
