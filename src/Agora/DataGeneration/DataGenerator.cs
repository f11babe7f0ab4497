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
/// <para>Texts go to an <see cref="IFillStore"/>; in memory is what places and rounds are decided by. A resume finds there what places were filled with before, and asks the rest
/// again, where a journalled client answers what it can.</para>
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
        var fills = new FillsInMemory();
        var stored = await GenerateAsync(plan, models, fills, progress, cancellationToken);
        return new GenerationOutcome { Instances = [.. stored.Places.Select(kept => fills.Read(kept.Round, kept.Place).Instance!)], Rejects = [.. stored.Rejects], Bill = stored.Bill, Shortfall = stored.Shortfall };
    }

    /// <param name="fills">Where the texts go, and where those of an earlier process are found.</param>
    /// <inheritdoc cref="GenerateAsync(GenerationPlan, IChatClient, IProgress{GenerationProgress}?, CancellationToken)"/>
    public static async Task<StoredGeneration> GenerateAsync(
        GenerationPlan plan, GenerationModels models, IFillStore fills, IProgress<GenerationProgress>? progress, CancellationToken cancellationToken)
    {
        var method = GenerationMethods.For(plan.Setting.Method);
        RefuseTooFewSeeds(plan, method);
        var run = new GenerationRun(plan, method, models, fills, progress);
        var places = Enumerable.Range(0, plan.Spec.Instances).Select(place => new GenerationPlace(place)).ToImmutableArray();
        var seeds = method.OneSeedPerPlace ? plan.Seeds.Instances.Count : 0;
        var usedSeeds = 0;
        var completionsLeft = CompletionLimit(plan.Spec);
        var generated = new GeneratedInstances(fills);   // grows between rounds only
        var round = 0;
        if (!method.OneSeedPerPlace) await run.KeepSeedsAsync(cancellationToken);

        for (var waiting = WithSeeds(places); waiting.Length > 0 && completionsLeft > 0; waiting = WithSeeds([.. places.Where(place => !place.IsFilled)]))
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
                foreach (var place in members)
                    if (place.IsFilled) generated.Add(context.Number, place.Index);
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
                    if (usedSeeds == seeds) continue;
                    place.Give(usedSeeds++);
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
        if (plan.Seeds.Instances.Count < shown)
            throw new AgoraException($"{plan.Setting} has {plan.Seeds.Instances.Count} seeds, and its meta-prompt shows {shown}", plan.MetaPrompt.File,
                "add seed rows, or take demonstrations out of the template")
            { ExitCode = 2 };
        if (method.NeedsSeedResponses && plan.Seeds.FirstWithoutResponse is { } bare)
            throw new AgoraException($"{plan.Setting} needs a response in every seed, and one has none", bare.Value, "map the column that holds the responses") { ExitCode = 2 };
    }
}

/// <param name="Generated">Instances of complete earlier rounds, by round and place.</param>
internal sealed record GenerationRound(int Number, IReadOnlyList<SyntheticInstance> Generated);

/// <summary>One place of the plan while it is being filled; one task at a time works on it. It holds no text: there are as many of them as instances.</summary>
internal sealed class GenerationPlace(int index)
{
    private List<int>? laterRounds;
    private List<(int Round, Rejection Rejection)>? turnedAway;
    private BillLine? rejectedLine;
    private int firstRound = -1;

    public int Index { get; } = index;
    /// <summary>Its place in the plan's seeds; -1 where the method gives places none.</summary>
    public int Seed { get; private set; } = -1;
    public int Tries { get; set; }
    public int TriesOnSeed { get; set; }
    /// <summary>A filter turned its last instance away, and the seed has tries left.</summary>
    public bool KeepsSeed { get; set; }
    public bool IsFilled { get; private set; }
    public bool HasRejects { get; private set; }
    /// <summary>Of all its tries that were rejected so far.</summary>
    public BillLine RejectedLine => rejectedLine ?? BillLine.Nothing;
    /// <summary>Of all its tries so far; null where no judge was asked.</summary>
    public BillLine? JudgedLine { get; set; }

    public void Give(int seed)
    {
        Seed = seed;
        TriesOnSeed = 0;
    }

    public void Reject(BillLine line)
    {
        HasRejects = true;
        rejectedLine = RejectedLine + line;
    }

    /// <summary>The round's tries are over.</summary>
    public void End(PlaceTally fill)
    {
        if (firstRound < 0) firstRound = fill.Round;
        else (laterRounds ??= []).Add(fill.Round);
        IsFilled = fill.IsFilled;
    }

    /// <summary>A filter does not want the instance that the last round brought.</summary>
    public void TurnAway(PlaceFill fill, Rejection rejection)
    {
        IsFilled = false;
        (turnedAway ??= []).Add((fill.Round, rejection));
        Reject(fill.KeptLine);
    }

    /// <summary>In which round the instance was written that stands.</summary>
    public int KeptRound => laterRounds is [.., var last] ? last : firstRound;

    /// <summary>All that was rejected, by try.</summary>
    public IEnumerable<RejectedCompletion> Rejects(IFillStore fills)
    {
        foreach (var round in firstRound < 0 ? [] : laterRounds is null ? [firstRound] : laterRounds.Prepend(firstRound))
        {
            var fill = fills.Read(round, Index);
            foreach (var rejected in fill.Rejects) yield return rejected.Reject;
            foreach (var (_, rejection) in turnedAway?.Where(away => away.Round == round) ?? [])
                yield return RejectedBy(rejection, fill);
        }
    }

    private static RejectedCompletion RejectedBy(Rejection rejection, PlaceFill fill)
    {
        var instance = fill.Instance!;
        return new RejectedCompletion
        {
            Place = fill.Place,
            Try = instance.Provenance.Tries,
            Reason = rejection.Reason,
            Detail = rejection.Detail,
            Completion = fill.Completion!,
            PromptHash = instance.Provenance.PromptHash,
            Seed = instance.Provenance.Seed,
            InputTokens = fill.KeptLine.InputTokens,
            OutputTokens = fill.KeptLine.OutputTokens,
        };
    }
}
