namespace Agora.DataGeneration;

/// <summary>What the first tries of a data set brought, as the base of an estimate of the whole.</summary>
/// <remarks>Its requests are those with which the data set itself begins: with journalled clients what a pilot pays for is not paid for again.</remarks>
public sealed record GenerationPilot
{
    public required int Tries { get; init; }
    public required int Valid { get; init; }
    /// <summary>All that the generator was asked.</summary>
    public required BillLine Generated { get; init; }
    /// <summary>All that the method's judge was asked.</summary>
    public required BillLine Judged { get; init; }

    /// <summary>Tries that a data set of so many instances will take by this, within what its limits allow.</summary>
    public double TriesFor(int instances, double mostPerInstance) => instances * (Valid == 0 ? mostPerInstance : Math.Min(mostPerInstance, (double)Tries / Valid));

    /// <summary>Places of the first round: what is asked for them does not depend on other instances.</summary>
    internal static int MostTries(GenerationPlan plan) => Math.Min(plan.Spec.Instances,
        GenerationMethods.For(plan.Setting.Method) is { OneSeedPerPlace: true, Method.NeedsSeeds: true } ? plan.Seeds.Instances.Count : plan.Spec.RoundLength);

    /// <param name="tries">At least 1; no more are made than the first round has places.</param>
    /// <inheritdoc cref="DataGenerator.GenerateAsync(GenerationPlan, GenerationModels, IProgress{GenerationProgress}?, CancellationToken)"/>
    public static async Task<GenerationPilot> AskAsync(GenerationPlan plan, int tries, GenerationModels models, CancellationToken cancellationToken)
    {
        tries = Math.Min(tries, MostTries(plan));
        // Places, tries and random streams are those of the whole; the filters that compare instances need all of them, and are left to the whole.
        var spec = plan.Spec with { Instances = tries, RoundLength = tries, TriesPerInstance = 1, MaxCompletionsPerInstance = 1 };
        var outcome = await DataGenerator.GenerateAsync(plan with { Spec = spec with { Filters = spec.Filters with { ExactDuplicates = null, NearDuplicates = null, EmbeddingDuplicates = null, Novelty = null } } }, models, null, cancellationToken);
        return new GenerationPilot { Tries = tries, Valid = outcome.Instances.Length, Generated = outcome.Bill.Total, Judged = outcome.Bill.Judged ?? BillLine.Nothing };
    }
}
