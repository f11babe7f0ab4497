using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Agora.Experiments;

namespace Agora.Runs;

/// <summary>How a run stands.</summary>
public enum RunStatus
{
    /// <summary>A process works on it now.</summary>
    Running,
    /// <summary>Its process ended before the run did; the same command goes on from there.</summary>
    Interrupted,
    Done,
    /// <summary>Some generator wrote fewer instances than wanted, or the budget was used up before all steps were done.</summary>
    Incomplete,
    /// <summary>At least one step failed.</summary>
    Failed,
}

/// <summary>One run's folder: the settings in full, the environment, links to the results, the scores. docs/run-folder.md describes it.</summary>
public sealed class RunFolder
{
    public const string ExperimentFileName = "experiment.yaml";
    private const string EnvironmentFile = "environment.json";
    private const string StepsFile = "steps.json";
    private const string StateFile = "run.json";
    private const string ScoresFile = "scores.json";
    private const string BillFile = "bill.json";
    private const string LinksFolder = "steps";
    private const string RunningFile = ".running";
    private const string SpendingFile = ".spending";

    private readonly DurableFiles files = DurableFiles.Instance;

    internal RunFolder(string path)
    {
        FullPath = path;
        Id = Path.GetFileName(path);
    }

    /// <summary>Name of the experiment and a hash of what it asks for: the same experiment over the same files has the same run.</summary>
    public string Id { get; }
    public string FullPath { get; }

    /// <summary>The path of a file in the folder; reports are written there.</summary>
    public string PathOf(string file) => Path.Combine(FullPath, file);

    /// <summary>Where the run stands; a run whose process is gone is interrupted, whatever it last said of itself.</summary>
    public RunStatus Status()
    {
        // Somebody else may be asking the same at this very moment; a process at work holds the lock for longer.
        for (var attempt = 0; attempt < 4; attempt++)
        {
            using var alone = FileLock.TryExclusive(PathOf(RunningFile));
            if (alone is not null)
                return State().Status is var said and not RunStatus.Running ? said : RunStatus.Interrupted;
            Thread.Sleep(5);
        }
        return RunStatus.Running;
    }

    public RunState State() => Read<RunState>(StateFile);

    public ImmutableArray<RecordedStep> Steps() => Read<ImmutableArray<RecordedStep>>(StepsFile);

    public RunEnvironment Environment() => Read<RunEnvironment>(EnvironmentFile);

    /// <summary>Empty until the run is done once.</summary>
    public ImmutableArray<RecordedScore> Scores() => File.Exists(PathOf(ScoresFile)) ? Read<ImmutableArray<RecordedScore>>(ScoresFile) : [];

    /// <summary>Empty until the run has ended once.</summary>
    public RunBill Bill() => File.Exists(PathOf(BillFile)) ? Read<RunBill>(BillFile) : RunBill.Empty;

    public string ExperimentText() => File.ReadAllText(PathOf(ExperimentFileName));

    /// <summary>Held while a process works on the run; more than one may.</summary>
    internal Task<FileLock> HoldAsync(CancellationToken cancellationToken) => FileLock.SharedAsync(PathOf(RunningFile), waiting: null, cancellationToken);

    /// <summary>Held while a process spends the run's budget: two would each spend all of it.</summary>
    /// <exception cref="AgoraException">Another process holds it.</exception>
    internal FileLock HoldBudget() => FileLock.TryExclusive(PathOf(SpendingFile))
        ?? throw new AgoraException("another process spends the budget of this run", FullPath, "wait until it ends: a limit of dollars holds for one process at a time");

    /// <summary>Held while the run is removed.</summary>
    internal FileLock? TryHoldAlone() => FileLock.TryExclusive(PathOf(RunningFile));

    internal void Begin(Experiment experiment, StepGraph graph, RunState state)
    {
        files.CreateFolder(FullPath);
        Write(EnvironmentFile, RunEnvironment.Capture(experiment.Seed));
        Write(StepsFile, graph.Steps.Select(step => new RecordedStep(step.Name, step.Key.Value, [.. step.Inputs.Select(input => input.Key.Value)])));
        Say(state);
        // Last, because a folder with an experiment counts as a run.
        files.WriteWhole(PathOf(ExperimentFileName), Encoding.UTF8.GetBytes(ExperimentFile.Write(experiment)));
    }

    internal void Say(RunState state) => Write(StateFile, state);

    internal void Keep(ImmutableArray<RecordedScore> scores) => Write(ScoresFile, scores);

    internal void Keep(RunBill bill) => Write(BillFile, bill);

    /// <summary>Gives each result that is there a name that people can read.</summary>
    internal void Link(StepStore store)
    {
        var links = PathOf(LinksFolder);
        files.CreateFolder(links);
        foreach (var step in Steps())
        {
            var target = store.FolderOf(new StepKey(step.Key));
            var link = Path.Combine(links, step.Name.Replace('/', '.').Replace(' ', '_'));
            if (!Directory.Exists(target) || Path.Exists(link) || new FileInfo(link).LinkTarget is not null)
                continue;
            try
            {
                Directory.CreateSymbolicLink(link, Path.GetRelativePath(links, target));
            }
            // Another process on the same run was quicker.
            catch (IOException) when (Path.Exists(link))
            {
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw DurableFiles.Failure(link, error);
            }
        }
    }

    internal void Remove() => files.DeleteFolder(FullPath);

    private void Write<T>(string file, T value) => files.WriteWhole(PathOf(file), (byte[])[.. JsonSerializer.SerializeToUtf8Bytes(value, CanonicalJson.Indented), (byte)'\n']);

    private T Read<T>(string file)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllBytes(PathOf(file)), CanonicalJson.Options) ?? throw new JsonException("the value is null");
        }
        catch (Exception error) when (error is IOException or JsonException)
        {
            throw new AgoraException($"the run's folder cannot be read: {CanonicalJson.Fault(error)}", PathOf(file), "run the experiment again, or remove the folder", error);
        }
    }
}

/// <param name="Started">Of the process that last worked on the run.</param>
/// <param name="Finished">Null while it runs.</param>
/// <param name="PlanningSeconds">Of the last process: reading files, hashing, finding what is there.</param>
/// <param name="GatheringSeconds">Of the last process: reading results.</param>
/// <param name="Failures">Each step that failed with what it said.</param>
public sealed record RunState(
    RunStatus Status, string Experiment, DateTimeOffset Started, DateTimeOffset? Finished, double PlanningSeconds, double GatheringSeconds,
    ImmutableArray<MissingResult> Failures);

/// <param name="Inputs">Keys.</param>
public sealed record RecordedStep(string Name, string Key, ImmutableArray<string> Inputs);

/// <summary>Mean grade of one model on one benchmark.</summary>
/// <param name="By">Who answered.</param>
/// <param name="Mean">Of the graded answers, from 0 to 1; null where none could be graded.</param>
/// <param name="Unscored">Answers that could not be graded.</param>
public sealed record RecordedScore(string By, string Benchmark, double? Mean, int Graded, int Unscored);
