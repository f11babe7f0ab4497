using System.Collections.Immutable;
using Agora.Experiments;
using Agora.SeedData;
using Microsoft.Extensions.AI;

namespace Agora.DataGeneration;

/// <summary>Has a generator write a data set: exactly as many valid instances as planned, or as many as the stated limits allow.</summary>
/// <remarks>
/// <para>Places are worked on in rounds. Demonstrations come from complete earlier rounds only and random choices from streams named by place and try, so that
/// the same completions for the same requests give the same data set, whatever the order in which they arrive.</para>
/// <para>A place has <see cref="GenerationSpec.TriesPerInstance"/> tries. Places that are left then go into top-up rounds, with a new seed where the method
/// has one per place, until all are filled, the completions are used up or the seeds are. How many completions a round may use is shared out to its
/// places beforehand, so that not even the limit depends on timing.</para>
/// <para>Nothing is kept here between runs: a resume asks the same requests again, and a journalled client answers them.</para>
/// </remarks>
public static class DataGenerator
{
    /// <exception cref="AgoraException">Fewer seeds than one prompt shows, or the generator cannot be reached.</exception>
    public static async Task<GenerationOutcome> GenerateAsync(
        GenerationPlan plan, IChatClient generator, IProgress<GenerationProgress>? progress, CancellationToken cancellationToken) =>
        await GenerateAsync(plan, new GenerationModels(generator), progress, cancellationToken);

    /// <inheritdoc cref="GenerateAsync(GenerationPlan, IChatClient, IProgress{GenerationProgress}?, CancellationToken)"/>
    public static async Task<GenerationOutcome> GenerateAsync(
        GenerationPlan plan, GenerationModels models, IProgress<GenerationProgress>? progress, CancellationToken cancellationToken)
    {
        var method = GenerationMethods.For(plan.Setting.Method);
        RefuseTooFewSeeds(plan, method);
        var run = new GenerationRun(plan, method, models, progress);
        var places = Enumerable.Range(0, plan.Spec.Instances).Select(place => new GenerationPlace(place)).ToImmutableArray();
        var unusedSeeds = new Queue<SeedInstance>(method.OneSeedPerPlace ? plan.Seeds.Instances : []);
        var completionsLeft = CompletionLimit(plan.Spec);
        var generated = new List<SyntheticInstance>();   // grows between rounds only
        var round = 0;
        if (!method.OneSeedPerPlace) await run.KeepSeedsAsync(cancellationToken);

        for (var waiting = WithSeeds(places); waiting.Length > 0 && completionsLeft > 0; waiting = WithSeeds([.. places.Where(place => place.Instance is null)]))
        {
            // Without feedback between instances there is nothing to wait for: all places are one round.
            foreach (var members in waiting.Chunk(method.OneSeedPerPlace ? waiting.Length : plan.Spec.RoundLength))
            {
                int[] shares = [.. Shares(completionsLeft, members.Length, plan.Spec.TriesPerInstance).Zip(members, (share, place) => place.KeepsSeed ? Math.Min(share, plan.Spec.TriesPerInstance - place.TriesOnSeed) : share)];
                var context = new GenerationRound(round++, generated);
                var before = members.Sum(place => (long)place.Tries);
                await Parallel.ForEachAsync(members.Zip(shares), new ParallelOptions { MaxDegreeOfParallelism = plan.MaxParallel, CancellationToken = cancellationToken },
                    async (work, stop) => await run.FillAsync(work.First, context, work.Second, stop));
                await run.AdmitAsync(members, cancellationToken);
                completionsLeft -= members.Sum(place => (long)place.Tries) - before;
                generated.AddRange(members.Where(place => place.Instance is not null).Select(place => place.Instance!));
                if (completionsLeft == 0) break;
            }
        }
        return run.Outcome(places, completionsLeft);

        ImmutableArray<GenerationPlace> WithSeeds(ImmutableArray<GenerationPlace> candidates)
        {
            if (!method.OneSeedPerPlace) return candidates;
            var supplied = ImmutableArray.CreateBuilder<GenerationPlace>();
            foreach (var place in candidates)
            {
                if (!place.KeepsSeed)
                {
                    if (unusedSeeds.Count == 0) continue;
                    place.Give(unusedSeeds.Dequeue());
                }
                supplied.Add(place);
            }
            return supplied.ToImmutable();
        }
    }

    /// <summary>The most completions that the spec allows for one data set.</summary>
    public static long CompletionLimit(GenerationSpec spec) => (long)Math.Ceiling(spec.MaxCompletionsPerInstance * spec.Instances);

    private static IEnumerable<int> Shares(long completions, int places, int mostPerPlace)
    {
        var (each, more) = Math.DivRem(completions, places);
        return Enumerable.Range(0, places).Select(i => (int)Math.Min(mostPerPlace, each + (i < more ? 1 : 0)));
    }

    internal static void RefuseTooFewSeeds(GenerationPlan plan, IGenerationMethod method)
    {
        var shown = !method.Method.NeedsSeeds ? 0 : method.OneSeedPerPlace ? 1 : plan.MetaPrompt.Demonstrations;
        if (plan.Seeds.Instances.Length < shown)
            throw new AgoraException($"{plan.Setting} has {plan.Seeds.Instances.Length} seeds, and its meta-prompt shows {shown}", plan.MetaPrompt.File,
                "add seed rows, or take demonstrations out of the template")
            { ExitCode = 2 };
        if (method.NeedsSeedResponses && plan.Seeds.Instances.FirstOrDefault(seed => seed.Response is null) is { } bare)
            throw new AgoraException($"{plan.Setting} needs a response in every seed, and one has none", bare.Id.Value, "map the column that holds the responses") { ExitCode = 2 };
    }
}

/// <param name="Generated">Instances of complete earlier rounds, by round and place.</param>
internal sealed record GenerationRound(int Number, IReadOnlyList<SyntheticInstance> Generated);

/// <summary>One place of the plan while it is being filled; one task at a time works on it.</summary>
internal sealed class GenerationPlace(int index)
{
    public int Index { get; } = index;
    public SeedInstance? Seed { get; private set; }
    public int Tries { get; set; }
    public int TriesOnSeed { get; set; }
    /// <summary>A filter turned its last instance away, and the seed has tries left.</summary>
    public bool KeepsSeed { get; set; }
    public SyntheticInstance? Instance { get; set; }
    /// <summary>What the instance was read from, until its round is over.</summary>
    public string? Completion { get; set; }
    public BillLine KeptLine { get; set; } = BillLine.Nothing;
    public BillLine RetriedLine { get; set; } = BillLine.Nothing;
    public BillLine JudgedLine { get; set; } = BillLine.Nothing;
    public List<(RejectedCompletion Reject, BillLine Line)> Rejects { get; } = [];

    public void Give(SeedInstance seed)
    {
        Seed = seed;
        TriesOnSeed = 0;
    }

    public void Reject(Rejection rejection, string completion, string promptHash, SeedId? seed, BillLine line) => Rejects.Add((new RejectedCompletion
    {
        Place = Index,
        Try = Tries,
        Reason = rejection.Reason,
        Detail = rejection.Detail,
        Completion = completion,
        PromptHash = promptHash,
        Seed = seed,
        InputTokens = line.InputTokens,
        OutputTokens = line.OutputTokens,
    }, line));

    public BillLine Total => Rejects.Select(reject => reject.Line).Aggregate(KeptLine, BillLine.Add);
}
