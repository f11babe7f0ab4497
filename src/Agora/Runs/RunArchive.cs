using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Agora.Experiments;

namespace Agora.Runs;

/// <summary>A folder of runs, and the store of the results that they share.</summary>
public sealed class RunArchive
{
    private const string StoreFolder = "store";
    private const string EvaluationsFolder = "evaluations";
    private const string CollectingFile = "collecting";

    public RunArchive(string folder)
    {
        Folder = Path.GetFullPath(folder);
        Store = new StepStore(Path.Combine(Folder, StoreFolder));
    }

    public string Folder { get; }
    public StepStore Store { get; }

    /// <summary>Newest first.</summary>
    public ImmutableArray<RunFolder> List() => !Directory.Exists(Folder) ? [] :
    [
        .. Directory.EnumerateDirectories(Folder)
            .Where(folder => File.Exists(Path.Combine(folder, RunFolder.ExperimentFileName)))
            .OrderByDescending(folder => File.GetLastWriteTimeUtc(Path.Combine(folder, RunFolder.ExperimentFileName)))
            .ThenBy(folder => folder, StringComparer.Ordinal)
            .Select(folder => new RunFolder(folder)),
    ];

    /// <param name="id">A run's id or enough of its beginning to tell it from the others.</param>
    /// <exception cref="AgoraException">None or several match.</exception>
    public RunFolder Find(string id)
    {
        var runs = List();
        if (runs.FirstOrDefault(run => run.Id == id) is { } exact)
            return exact;
        return runs.Where(run => run.Id.StartsWith(id, StringComparison.Ordinal)).ToList() switch
        {
            [var only] => only,
            [] => throw new AgoraException($"there is no run \"{id}\"", Folder,
                runs.IsEmpty ? "there are no runs yet: \"agora run FILE\" makes one" : $"choose one of {string.Join(", ", runs.Select(run => run.Id))}")
            { ExitCode = 2 },
            var several => throw new AgoraException($"\"{id}\" fits {several.Count} runs", Folder,
                $"choose one of {string.Join(", ", several.Select(run => run.Id))}")
            { ExitCode = 2 },
        };
    }

    /// <summary>Removes a run, and then the results that no other run needs.</summary>
    /// <exception cref="AgoraException">A process works on the run.</exception>
    public async Task<Collected> RemoveAsync(RunFolder run, CancellationToken cancellationToken)
    {
        using var collecting = await FileLock.ExclusiveAsync(Path.Combine(Folder, CollectingFile), waiting: null, cancellationToken);
        using (var alone = run.TryHoldAlone())
        {
            if (alone is null)
                throw new AgoraException($"the run {run.Id} is at work", run.FullPath, "wait until it ends, or end its process");
            run.Remove();
        }
        return Store.Collect(Needed(), previews: false, pretend: false);
    }

    /// <summary>Removes results that no run and no evaluation in this folder needs.</summary>
    /// <param name="previews">Whether that goes, too, which previews paid for and no run has taken up.</param>
    /// <param name="pretend">Only says what would go.</param>
    public async Task<Collected> CollectAsync(bool previews, bool pretend, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(Folder))
            return default;
        using var collecting = await FileLock.ExclusiveAsync(Path.Combine(Folder, CollectingFile), waiting: null, cancellationToken);
        return Store.Collect(Needed(), previews, pretend);
    }

    /// <summary>The folder of a run that begins now. From here on, nobody removes a result that it needs.</summary>
    internal async Task<(RunFolder Run, IDisposable Hold)> BeginAsync(Experiment experiment, StepGraph graph, RunState state, CancellationToken cancellationToken)
    {
        DurableFiles.Instance.CreateFolder(Folder);
        // Shared: runs may begin at the same time, but not while somebody looks for results that no run needs.
        using var collecting = await FileLock.SharedAsync(Path.Combine(Folder, CollectingFile), waiting: null, cancellationToken);
        var run = new RunFolder(Path.Combine(Folder, IdOf(experiment, graph)));
        run.Begin(experiment, graph, state);
        return (run, await run.HoldAsync(cancellationToken));
    }

    /// <summary>The experiment's run, where one was begun.</summary>
    internal RunFolder? RunOf(Experiment experiment, StepGraph graph) =>
        Path.Combine(Folder, IdOf(experiment, graph)) is var folder && File.Exists(Path.Combine(folder, RunFolder.ExperimentFileName)) ? new RunFolder(folder) : null;

    /// <summary>Evaluations outside experiments, newest first.</summary>
    public ImmutableArray<EvaluationFolder> Evaluations() => !Directory.Exists(Path.Combine(Folder, EvaluationsFolder)) ? [] :
    [
        .. Directory.EnumerateDirectories(Path.Combine(Folder, EvaluationsFolder))
            .OrderByDescending(Directory.GetLastWriteTimeUtc).ThenBy(folder => folder, StringComparer.Ordinal).Select(folder => new EvaluationFolder(folder)),
    ];

    /// <param name="id">An evaluation's id or enough of its beginning, or the path of its folder.</param>
    /// <exception cref="AgoraException">None or several match.</exception>
    public EvaluationFolder FindEvaluation(string id)
    {
        if (File.Exists(Path.Combine(id, EvaluationFolder.RecordFileName)))
            return new EvaluationFolder(Path.GetFullPath(id));
        var all = Evaluations();
        return (all.FirstOrDefault(evaluation => evaluation.Id == id), all.Where(evaluation => evaluation.Id.StartsWith(id, StringComparison.Ordinal)).ToList()) switch
        {
            ({ } exact, _) => exact,
            (_, [var only]) => only,
            (_, []) => throw new AgoraException($"there is no evaluation \"{id}\"", Path.Combine(Folder, EvaluationsFolder),
                all.IsEmpty ? "\"agora evaluate\" makes one" : $"choose one of {string.Join(", ", all.Select(evaluation => evaluation.Id))}")
            { ExitCode = 2 },
            (_, var several) => throw new AgoraException($"\"{id}\" fits {several.Count} evaluations", Path.Combine(Folder, EvaluationsFolder),
                $"choose one of {string.Join(", ", several.Select(evaluation => evaluation.Id))}")
            { ExitCode = 2 },
        };
    }

    /// <summary>The folder of an evaluation that begins now. From here on, nobody removes a result that it needs.</summary>
    internal async Task<EvaluationFolder> BeginEvaluationAsync(string id, ImmutableArray<string> keys, CancellationToken cancellationToken)
    {
        DurableFiles.Instance.CreateFolder(Folder);
        using var collecting = await FileLock.SharedAsync(Path.Combine(Folder, CollectingFile), waiting: null, cancellationToken);
        DurableFiles.Instance.CreateFolder(Path.Combine(Folder, EvaluationsFolder));
        var evaluation = new EvaluationFolder(Path.Combine(Folder, EvaluationsFolder, id));
        evaluation.Begin(keys);
        return evaluation;
    }

    private HashSet<StepKey> Needed() =>
    [
        .. List().SelectMany(run => run.Steps()).Select(step => new StepKey(step.Key)),
        .. Evaluations().SelectMany(evaluation => evaluation.Steps()).Select(key => new StepKey(key)),
    ];

    // Keys hold everything that decides the results; what else the report depends on is added. Paths are not: a run may be carried elsewhere.
    private static string IdOf(Experiment experiment, StepGraph graph) => $"{experiment.Name}-{HashOf(graph.Steps.Select(step => (step.Name, step.Key.Value)), experiment.Confidence)[..8]}";

    /// <summary>Of all that decides a run's results; its first 8 digits are the end of the run's id.</summary>
    internal static string HashOf(IEnumerable<(string Name, string Key)> steps, ConfidenceSpec confidence) => Convert.ToHexStringLower(SHA256.HashData(CanonicalJson.Write(new JsonObject
    {
        ["steps"] = new JsonArray([.. steps.Select(step => (JsonNode)new JsonArray(step.Name, step.Key))]),
        ["confidence"] = CanonicalJson.ToNode(confidence),
    })));
}
