using System.Collections.Immutable;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Training;

namespace Agora.Runs;

/// <summary>Runs the steps of a graph on this machine, several at once.</summary>
/// <remarks>
/// Only what the wanted results need is done: a step whose result is there is not run, and its inputs are not looked at. A step
/// that fails takes only the steps behind it with it.
/// </remarks>
/// <param name="bills">Of the steps, for what they have cost so far.</param>
/// <param name="jobs">Steps at once, at least 1; they share the machine's cores.</param>
internal sealed class LocalExecutor(StepStore store, ILanguageModels models, IStudentTrainer trainer, RunBills bills, int jobs, IRunObserver observer)
{
    /// <param name="wanted">Steps whose results are to be there at the end.</param>
    /// <exception cref="OperationCanceledException">Cancelled; every step has come to rest and kept what it finished.</exception>
    public async Task<ExecutionOutcome> RunAsync(IEnumerable<RunStep> wanted, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(jobs, 1);
        var needs = await Task.Run(() => StepNeeds.Of(wanted, store, thoroughly: true), cancellationToken);
        observer.Observe(new RunEvent.Planned(await RunPlan.OfAsync(needs, store, bills, cancellationToken)));
        foreach (var step in needs.Present)
            observer.Observe(new RunEvent.Reused(step));

        var results = needs.Present.ToDictionary(step => step.Key, step => new StepResult(step.Key, store.FolderOf(step.Key), needs.Manifests[step.Key]));
        var failures = ImmutableArray.CreateBuilder<StepFailure>();
        var reasons = ImmutableDictionary.CreateBuilder<StepKey, string>();
        var waiting = needs.ToDo.ToList();
        var running = new Dictionary<Task<StepResult>, RunStep>();
        var uses = new ModelUses(needs.ToDo, models);
        var behind = StepsBehind(needs.ToDo);
        while (true)
        {
            while (running.Count < jobs && !cancellationToken.IsCancellationRequested && Next(waiting, results, behind) is { } next)
            {
                waiting.Remove(next);
                var inputs = next.Inputs.ToImmutableDictionary(input => input.Key, input => results[input.Key]);
                running.Add(Task.Run(() => MakeAsync(next, inputs, cancellationToken), CancellationToken.None), next);
            }
            if (running.Count == 0)
                break;
            var ended = await Task.WhenAny(running.Keys);
            running.Remove(ended, out var step);
            try
            {
                results.Add(step!.Key, await ended);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
            }
            // Whatever went wrong is this step's affair; it is kept, reported, and the independent steps go on.
            catch (Exception fault)
            {
                failures.Add(new StepFailure(step!, fault));
                reasons.Add(step!.Key, fault.Message);
                observer.Observe(new RunEvent.Failed(step, fault));
                foreach (var blocked in Behind(step, waiting))
                {
                    waiting.Remove(blocked);
                    reasons.Add(blocked.Key, $"{step.Name} failed: {fault.Message}");
                    observer.Observe(new RunEvent.Blocked(blocked, step));
                    await uses.EndedAsync(blocked);
                }
            }
            await uses.EndedAsync(step!);
        }
        cancellationToken.ThrowIfCancellationRequested();
        return new ExecutionOutcome(results.ToImmutableDictionary(), failures.ToImmutable(), reasons.ToImmutable());
    }

    private async Task<StepResult> MakeAsync(RunStep step, ImmutableDictionary<StepKey, StepResult> inputs, CancellationToken cancellationToken)
    {
        var made = false;
        var result = await store.GetOrMakeAsync(step.Identity, (workspace, stop) =>
        {
            made = true;
            observer.Observe(new RunEvent.Started(step));
            var context = new StepContext
            {
                Models = models,
                Trainer = trainer,
                Inputs = inputs,
                Progress = new ObservedProgress(observer, step),
                Notice = text => observer.Observe(new RunEvent.Noted(step, text)),
                Cores = Math.Max(1, Environment.ProcessorCount / jobs),
            };
            return step.RunAsync(workspace, context, stop);
        }, Notice, cancellationToken);
        if (made)
            observer.Observe(new RunEvent.Finished(step, store.TimingOf(step.Key)));
        return result;

        void Notice(StepNotice notice) => observer.Observe(notice switch
        {
            StepNotice.Waiting => new RunEvent.Waiting(step),
            StepNotice.Reused => new RunEvent.Reused(step),
            StepNotice.Damaged(var reason) => new RunEvent.Damaged(step, reason),
            _ => throw new InvalidOperationException($"unknown notice {notice}"),
        });
    }

    // What another process works on comes last: in the end each process has done a part, and nobody waited.
    // Otherwise the step with the longest chain behind it, so that none is left for the end while cores have nothing to do.
    private RunStep? Next(List<RunStep> waiting, Dictionary<StepKey, StepResult> results, Dictionary<StepKey, int> behind) => waiting
        .Where(step => step.Inputs.All(input => results.ContainsKey(input.Key)))
        .OrderBy(step => store.IsBusy(step.Key))
        .ThenByDescending(step => behind[step.Key])
        .FirstOrDefault();

    // Length of the longest chain of steps that wait for each step.
    private static Dictionary<StepKey, int> StepsBehind(ImmutableArray<RunStep> steps)
    {
        var behind = steps.ToDictionary(step => step.Key, _ => 0);
        foreach (var step in steps.Reverse())
            foreach (var input in step.Inputs.Where(input => behind.ContainsKey(input.Key)))
                behind[input.Key] = Math.Max(behind[input.Key], behind[step.Key] + 1);
        return behind;
    }

    private static List<RunStep> Behind(RunStep failed, List<RunStep> waiting)
    {
        var lost = new HashSet<StepKey> { failed.Key };
        // The list is in the order of the graph: inputs stand before the steps that read them.
        return [.. waiting.Where(step => step.Inputs.Any(input => lost.Contains(input.Key)) && lost.Add(step.Key))];
    }

    // Not Progress<T>, which would post to the thread pool and deliver late and out of order.
    private sealed class ObservedProgress(IRunObserver observer, RunStep step) : IProgress<StepProgress>
    {
        public void Report(StepProgress value) => observer.Observe(new RunEvent.Progressed(step, value));
    }

    private sealed class ModelUses(ImmutableArray<RunStep> steps, ILanguageModels models)
    {
        private readonly Dictionary<ModelSpec, int> left = steps.SelectMany(step => step.Models).GroupBy(model => model).ToDictionary(uses => uses.Key, uses => uses.Count());

        public async Task EndedAsync(RunStep step)
        {
            foreach (var model in step.Models)
                if (--left[model] == 0)
                    await models.CloseAsync(model);
        }
    }
}

public sealed record StepFailure(RunStep Step, Exception Fault)
{
    /// <summary>Nothing went wrong: the budget was used up, and the same command with a higher one goes on.</summary>
    public bool IsBudget => Fault is AgoraException { ExitCode: 3 };
}

/// <param name="Results">Of every wanted step that could be done, and of what was done on the way.</param>
/// <param name="Failures">In the order in which they happened; steps that were blocked by them are not listed.</param>
/// <param name="Reasons">For every step that failed or was blocked: the message of the failure behind it.</param>
public sealed record ExecutionOutcome(
    ImmutableDictionary<StepKey, StepResult> Results, ImmutableArray<StepFailure> Failures, ImmutableDictionary<StepKey, string> Reasons);
