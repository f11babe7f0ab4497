using System.Collections.Immutable;
using System.Text.Json;
using Agora.Experiments;
using Agora.IntrinsicMetrics;

namespace Agora.Runs;

/// <summary>The data sets that a run's generators wrote, and their measured profiles beside them.</summary>
public static class RunDataSets
{
    /// <summary>In the run's folder: one <see cref="DataSetProfile"/> per data set.</summary>
    public const string MetricsFile = "metrics.json";

    private const string GeneratePrefix = "generate ", Separator = " with ";

    /// <summary>Data sets whose results are in the store, in the run's order.</summary>
    /// <exception cref="AgoraException">The run has none.</exception>
    public static ImmutableArray<WrittenData> Of(RunFolder run, StepStore store)
    {
        var written = ImmutableArray.CreateBuilder<WrittenData>();
        foreach (var step in run.Steps().Where(step => step.Name.StartsWith(GeneratePrefix, StringComparison.Ordinal)))
        {
            var parts = step.Name[GeneratePrefix.Length..].Split(Separator, 2);
            if (parts.Length == 2 && Setting.TryParse(parts[0], out var setting) && store.Find(new StepKey(step.Key), thoroughly: false) is StepFinding.Whole(var result))
                written.Add(new WrittenData(parts[1], setting, result));
        }
        return written.Count > 0
            ? written.ToImmutable()
            : throw new AgoraException("the run has no data set that a generator wrote", run.FullPath, "let \"agora run\" or \"agora generate\" finish at least one") { ExitCode = 2 };
    }

    public static void Keep(RunFolder run, ImmutableArray<DataSetProfile> profiles) =>
        DurableFiles.Instance.WriteWhole(run.PathOf(MetricsFile), (byte[])[.. JsonSerializer.SerializeToUtf8Bytes(profiles, CanonicalJson.Indented), (byte)'\n']);

    /// <returns>Empty where nothing was measured.</returns>
    /// <exception cref="AgoraException">The file cannot be read.</exception>
    public static ImmutableArray<DataSetProfile> Profiles(RunFolder run)
    {
        var path = run.PathOf(MetricsFile);
        if (!File.Exists(path))
            return [];
        try
        {
            return JsonSerializer.Deserialize<ImmutableArray<DataSetProfile>>(File.ReadAllBytes(path), CanonicalJson.Options);
        }
        catch (Exception error) when (error is IOException or JsonException)
        {
            throw new AgoraException($"the measured profiles cannot be read: {CanonicalJson.Fault(error)}", path, "remove the file and run \"agora metrics\" again", error);
        }
    }
}

/// <param name="Result">With the instances.</param>
public sealed record WrittenData(string Generator, Setting Setting, StepResult Result);
