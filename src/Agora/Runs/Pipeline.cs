using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Agora.Benchmarks;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.LanguageModels;

namespace Agora.Runs;

/// <summary>The benchmark: generators × settings → data sets → trained students → answers → grades. Start reading here.</summary>
/// <remarks>
/// <see cref="StepGraphBuilder"/> turns an experiment into steps, <see cref="LocalExecutor"/> does those whose results are not there yet, and
/// <see cref="RunResult"/> gathers what <see cref="Recovery.RecoveryTable"/> and the reports read.
/// </remarks>
public sealed class Pipeline(PipelineServices services, RunArchive archive)
{
    /// <summary>What a run would do. Asks no model, writes nothing.</summary>
    public Task<RunPlan> PlanAsync(Experiment experiment, CancellationToken cancellationToken) => PlanAsync(experiment, dataOnly: false, cancellationToken);

    /// <param name="dataOnly">Whether the data sets alone are wanted.</param>
    /// <inheritdoc cref="PlanAsync(Experiment, CancellationToken)"/>
    public async Task<RunPlan> PlanAsync(Experiment experiment, bool dataOnly, CancellationToken cancellationToken)
    {
        experiment = PriceTable.Shipped.Complete(experiment);
        var graph = await GraphAsync(experiment, mayFetch: false, cancellationToken);
        if (dataOnly)
            graph = DataAlone(graph);
        StepDemands.Check(graph.Steps);
        return await PlanAsync(graph, new RunBills(experiment, graph, archive.Store, services.Models), cancellationToken);
    }

    /// <summary>Does what is not done yet. The same call again goes on where this one ended, however it ended.</summary>
    /// <param name="jobs">Steps at once.</param>
    /// <exception cref="AgoraException">The experiment cannot be started. What goes wrong in a step is in the outcome instead.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; what was finished is kept.</exception>
    public Task<RunOutcome> RunAsync(Experiment experiment, int jobs, IRunObserver observer, CancellationToken cancellationToken) =>
        ExecuteAsync(experiment, graph => graph, jobs, observer, cancellationToken);

    /// <summary>The data sets alone: no student is trained. A later <see cref="RunAsync"/> finds them done.</summary>
    /// <inheritdoc cref="RunAsync"/>
    public Task<RunOutcome> GenerateAsync(Experiment experiment, int jobs, IRunObserver observer, CancellationToken cancellationToken) =>
        ExecuteAsync(experiment, DataAlone, jobs, observer, cancellationToken);

    /// <summary>The first tries of every data set that is not done, and what the experiment will cost by them. A later run finds them, and does not pay for them again.</summary>
    /// <param name="tries">Of each generator in each setting, at least 1.</param>
    /// <param name="dataOnly">Whether the data sets alone are wanted.</param>
    /// <exception cref="AgoraException">The experiment cannot be started, a model cannot be reached, or the budget is used up.</exception>
    public async Task<PilotOutcome> PilotAsync(Experiment experiment, int tries, bool dataOnly, CancellationToken cancellationToken)
    {
        var (started, clock) = (DateTimeOffset.UtcNow, Stopwatch.StartNew());
        experiment = PriceTable.Shipped.Complete(experiment);
        var graph = await GraphAsync(experiment, mayFetch: true, cancellationToken);
        if (dataOnly)
            graph = DataAlone(graph);
        StepDemands.Check(graph.Steps);
        var (run, hold) = await archive.BeginAsync(experiment, graph, new RunState(RunStatus.Running, experiment.Name, started, Finished: null, 0, GatheringSeconds: 0, Failures: []), cancellationToken);
        using (hold)
        {
            var bills = new RunBills(experiment, graph, archive.Store, services.Models);
            using var alone = experiment.Budget.LimitDollars is null ? null : run.HoldBudget();
            await BeginBudgetAsync(bills, experiment, cancellationToken);
            await new GenerationPilots(archive.Store, services.Models).AskAsync(ToGenerate(graph), tries, cancellationToken);
            var bill = await bills.ReadAsync(cancellationToken);
            run.Keep(bill);
            run.Say(new RunState(RunStatus.Incomplete, experiment.Name, started, DateTimeOffset.UtcNow, clock.Elapsed.TotalSeconds, GatheringSeconds: 0, Failures: []));
            return new PilotOutcome(await PlanAsync(graph, bills, cancellationToken), bill, services.Budget.State);
        }
    }

    private Task<RunPlan> PlanAsync(StepGraph graph, RunBills bills, CancellationToken cancellationToken) =>
        RunPlan.OfAsync(StepNeeds.Of(graph.Wanted, archive.Store, thoroughly: false), archive.Store, bills, cancellationToken);

    private ImmutableArray<GenerateStep> ToGenerate(StepGraph graph) => [.. StepNeeds.Of(graph.Wanted, archive.Store, thoroughly: false).ToDo.OfType<GenerateStep>()];

    private static StepGraph DataAlone(StepGraph graph) => graph with { Students = [], Anchors = [], Solvers = [] };

    private async Task BeginBudgetAsync(RunBills bills, Experiment experiment, CancellationToken cancellationToken)
    {
        // A preview has no run that it could hold, and what it spends now must stand on the bill.
        if (experiment.Budget.LimitDollars is not null)
            (await FileLock.SharedAsync(PreviewingFile, waiting: null, cancellationToken)).Dispose();
        await ReadBudgetAsync(bills, experiment, cancellationToken);
    }

    private Task ReadBudgetAsync(RunBills bills, Experiment experiment, CancellationToken cancellationToken) =>
        bills.BeginAsync(services.Budget, experiment.Budget.LimitDollars, "budget.limitDollars", "add price: {input: …, output: …} in dollars per million tokens to the model", cancellationToken);

    // Held while a preview spends of a budget.
    private string PreviewingFile => Path.Combine(archive.Folder, "previewing");

    /// <summary>One prompt and a few fresh instances of every generator in every setting. No run begins, and without a limit of dollars nothing is kept.</summary>
    /// <remarks>
    /// With a limit, what costs dollars goes through the journals of the run's own steps: it is counted whatever becomes of this process, and the run does not pay for it again. Of a data set that is done
    /// its own first tries are shown.
    /// </remarks>
    /// <param name="tries">Of each generator in each setting.</param>
    /// <exception cref="AgoraException">The experiment cannot be started, a model cannot be reached, or the budget is used up.</exception>
    public async IAsyncEnumerable<GenerationPreview> PreviewAsync(Experiment experiment, int tries, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        experiment = PriceTable.Shipped.Complete(experiment);
        var whole = await GraphAsync(experiment, mayFetch: true, cancellationToken);
        var graph = DataAlone(whole);
        StepDemands.Check(graph.Steps);
        using var spending = experiment.Budget.LimitDollars is null || !graph.Data.Any(node => node.Generate.Costs) ? null
            : await SpendOnPreviewAsync(experiment, whole, graph, cancellationToken);
        foreach (var node in graph.Data)
        {
            yield return spending is not null && node.Generate.Costs ? await CountedPreviewAsync(node.Generate, tries, cancellationToken)
                : await node.Generate.PreviewAsync(tries, services.Models, cancellationToken);
        }
    }

    // Nobody else spends the budget meanwhile: no other preview here, and no process of the experiment's runs.
    private async Task<IDisposable> SpendOnPreviewAsync(Experiment experiment, StepGraph whole, StepGraph data, CancellationToken cancellationToken)
    {
        DurableFiles.Instance.CreateFolder(archive.Folder);
        var held = new HeldLocks();
        try
        {
            held.Add(FileLock.TryExclusive(PreviewingFile)
                ?? throw new AgoraException("another preview spends a budget", PreviewingFile, "wait until it ends: a limit of dollars holds for one process at a time"));
            foreach (var run in ((StepGraph[])[whole, data]).Select(graph => archive.RunOf(experiment, graph)).OfType<RunFolder>().DistinctBy(run => run.Id))
                held.Add(run.HoldBudget());
            await ReadBudgetAsync(new RunBills(experiment, data, archive.Store, services.Models), experiment, cancellationToken);
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    private async Task<GenerationPreview> CountedPreviewAsync(GenerateStep step, int tries, CancellationToken cancellationToken)
    {
        GenerationPreview? preview = null;
        await archive.Store.BeginAsync(step.Identity, forNoRun: true, async workspace =>
        {
            preview = await step.PreviewAsync(tries, workspace, services.Models, cancellationToken);
            await workspace.Journal.FlushAsync(cancellationToken);
        });
        if (preview is not null)
            return preview;
        if (archive.Store.Find(step.Key, thoroughly: false) is not StepFinding.Whole)
            throw new AgoraException($"another process is at \"{step.Name}\", and what a preview of it costs could not be counted", "budget.limitDollars", "wait until it ends");
        // What it would cost now no bill has a place for; what it has cost is there to be shown.
        using var answered = archive.Store.OpenCompletions(step.Identity) ?? throw NobodyAsked.Lost(step.Name);
        return await step.PreviewFinishedAsync(tries, answered, cancellationToken);
    }

    private sealed class HeldLocks : IDisposable
    {
        private readonly List<FileLock> locks = [];

        public void Add(FileLock one) => locks.Add(one);

        public void Dispose() => locks.ForEach(one => one.Dispose());
    }

    private async Task<RunOutcome> ExecuteAsync(
        Experiment experiment, Func<StepGraph, StepGraph> part, int jobs, IRunObserver observer, CancellationToken cancellationToken)
    {
        var started = DateTimeOffset.UtcNow;
        var clock = Stopwatch.StartNew();
        experiment = PriceTable.Shipped.Complete(experiment);
        var graph = part(await GraphAsync(experiment, mayFetch: true, cancellationToken));
        StepDemands.Check(graph.Steps);
        var state = new RunState(RunStatus.Running, experiment.Name, started, Finished: null, clock.Elapsed.TotalSeconds, GatheringSeconds: 0, Failures: []);
        var (run, hold) = await archive.BeginAsync(experiment, graph, state, cancellationToken);
        using (hold)
        {
            var bills = new RunBills(experiment, graph, archive.Store, services.Models);
            using var alone = experiment.Budget.LimitDollars is null ? null : run.HoldBudget();
            await BeginBudgetAsync(bills, experiment, cancellationToken);
            await LookAheadAsync(graph, cancellationToken);
            var executor = new LocalExecutor(archive.Store, services.Models, services.Trainer, bills, jobs, observer);
            var execution = await executor.RunAsync(graph.Wanted, cancellationToken);

            clock.Restart();
            var result = RunResult.Gather(experiment, graph, execution.Results, execution.Reasons, archive.Store);
            run.Keep([.. result.Answers.Select(Score)]);
            if (!result.Measurements.IsEmpty)
                RunDataSets.Keep(run, result.Profiles);
            run.Link(archive.Store);
            var bill = await bills.ReadAsync(cancellationToken);
            run.Keep(bill);
            state = state with
            {
                Status = execution.Failures.Any(failure => !failure.IsBudget) ? RunStatus.Failed : !execution.Failures.IsEmpty || result.Incomplete.Any() ? RunStatus.Incomplete : RunStatus.Done,
                Finished = DateTimeOffset.UtcNow,
                GatheringSeconds = clock.Elapsed.TotalSeconds,
                Failures = [.. execution.Failures.Select(failure => new MissingResult(failure.Step.Name, failure.Fault.Message))],
            };
            run.Say(state);
            return new RunOutcome(run, result, execution.Failures, state.Status, bill);
        }
    }

    // What goes wrong here goes wrong again in the step itself, which says so.
    private async Task LookAheadAsync(StepGraph graph, CancellationToken cancellationToken)
    {
        try
        {
            await new GenerationPilots(archive.Store, services.Models)
                .AskAsync([.. ToGenerate(graph).Where(step => step.IsWorthAPilot && !archive.Store.HasJournal(step.Key))], GenerationPilots.Usual, cancellationToken);
        }
        catch (AgoraException)
        {
        }
    }

    private async Task<StepGraph> GraphAsync(Experiment experiment, bool mayFetch, CancellationToken cancellationToken) =>
        await new StepGraphBuilder(await services.LocateData(experiment, mayFetch, cancellationToken), services, archive.Store).BuildAsync(cancellationToken);

    private static RecordedScore Score(AnsweredBenchmark answered)
    {
        var grades = answered.ReadGrades();
        double[] scores = [.. grades.Select(grade => grade.Grade).OfType<Grade.Scored>().Select(grade => grade.Value)];
        return new RecordedScore(answered.By.ToString(), answered.Benchmark, scores.Length == 0 ? null : scores.Average(), scores.Length, grades.Length - scores.Length);
    }
}

/// <param name="Failures">Steps that failed; those behind them are missing in the result.</param>
/// <param name="Bill">Of everything that the run's steps asked for, in this process and before.</param>
public sealed record RunOutcome(RunFolder Folder, RunResult Result, ImmutableArray<StepFailure> Failures, RunStatus Status, RunBill Bill)
{
    /// <summary>0 done · 1 a step failed · 3 done, but a generator wrote fewer instances than wanted, or the budget was used up.</summary>
    public int ExitCode => Status switch { RunStatus.Failed => 1, RunStatus.Incomplete => 3, _ => 0 };
}

/// <param name="Plan">Estimated by the pilot.</param>
/// <param name="Bill">What the pilot and all before it cost.</param>
public sealed record PilotOutcome(RunPlan Plan, RunBill Bill, BudgetState Budget);
