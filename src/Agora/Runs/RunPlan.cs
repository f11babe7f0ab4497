using System.Collections.Immutable;
using System.Globalization;

namespace Agora.Runs;

/// <summary>How far a step has come before the run starts.</summary>
public enum StepState
{
    /// <summary>Its result is there.</summary>
    Done,
    /// <summary>It was interrupted; what it finished is kept.</summary>
    Interrupted,
    ToDo,
}

/// <param name="Estimate">Of the whole step; an interrupted one has done a part.</param>
/// <param name="Basis">What the estimate was made by: the length of texts, a tokenizer, or the step's own first tries.</param>
public sealed record PlannedStep(string Name, string Kind, StepKey Key, StepState State, StepEstimate Estimate, string Basis)
{
    /// <summary>The basis where the model's own tokenizer is neither published nor here.</summary>
    public const string ByStudents = "students' tokenizer";

    /// <summary>Whether the estimate was made by the step's own first tries.</summary>
    public bool HasPilot { get; init; }

    /// <summary>US dollars that an interrupted step has cost so far; its estimate holds them, too.</summary>
    public decimal SpentDollars { get; init; }

    /// <summary>US dollars that it will cost from now on; 0 where it is done, or no price is known.</summary>
    public decimal StillToSpend => State == StepState.Done ? 0 : Math.Max(0, (Estimate.Dollars ?? 0) - SpentDollars);
}

/// <param name="Items">That the benchmark asks.</param>
public sealed record BenchmarkSize(string Benchmark, int Items);

/// <summary>What a run will do, found out without asking any model.</summary>
/// <remarks>
/// What a data set will take is told by its own first tries where a pilot made them, otherwise by a tokenizer (OpenAI's own for its models, an embedded model's own, the students' for others) on prompts as they will be asked, with one try per instance; other steps by four characters a token.
/// </remarks>
public sealed record RunPlan
{
    /// <summary>Inputs before the steps that read them; steps whose results nobody will read are not listed.</summary>
    public required ImmutableArray<PlannedStep> Steps { get; init; }

    /// <summary>The benchmarks that are graded: how large they are decides what a comparison can tell.</summary>
    public ImmutableArray<BenchmarkSize> Benchmarks { get; init; } = [];

    /// <summary>Of all steps that are not done.</summary>
    public StepEstimate Total => Steps.Where(step => step.State != StepState.Done).Aggregate(StepEstimate.Nothing, (sum, step) => sum + step.Estimate);

    /// <summary>US dollars of the steps that are not done, over and above what they have cost so far.</summary>
    public decimal StillToSpend => Steps.Sum(step => step.StillToSpend);

    internal static async Task<RunPlan> OfAsync(StepNeeds needs, StepStore store, RunBills bills, CancellationToken cancellationToken) => new()
    {
        Steps =
        [
            .. needs.Present.Select(step => Planned(step, store, StepState.Done)),
            .. await Task.WhenAll(needs.ToDo.Select(async step => store.HasJournal(step.Key)
                ? Planned(step, store, StepState.Interrupted) with { SpentDollars = await bills.SpentAsync(step, cancellationToken) }
                : Planned(step, store, StepState.ToDo))),
        ],
        Benchmarks = [.. needs.Present.Concat(needs.ToDo).OfType<GradeStep>().Select(step => step.Size).Distinct().OrderBy(size => size.Benchmark, StringComparer.Ordinal)],
    };

    private static PlannedStep Planned(RunStep step, StepStore store, StepState state)
    {
        var pilot = step is GenerateStep && state == StepState.Interrupted ? GenerationPilots.Of(store, step.Key) : null;
        var (estimate, basis) = (step, pilot) switch
        {
            (GenerateStep generate, not null) => (generate.EstimateBy(pilot), string.Create(CultureInfo.InvariantCulture, $"{pilot.Tries} tries")),
            (GenerateStep generate, null) => (generate.Estimate(), generate.Basis),
            _ => (step.Estimate(), "length of texts"),
        };
        return new PlannedStep(step.Name, step.Identity.Kind, step.Key, state, estimate, basis) { HasPilot = pilot is not null };
    }
}
