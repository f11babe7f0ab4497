using System.Collections.Immutable;
using System.Text.Json;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.LanguageModels;

namespace Agora.Runs;

/// <summary>The first tries of data sets, made ahead so that a run's cost is estimated by what they cost. They stand in the steps' journals, on the bill, and are not asked again.</summary>
internal sealed class GenerationPilots(StepStore store, ILanguageModels models)
{
    private const string FileName = "pilot.json";

    /// <summary>Tries of a data set before a run that pays for it.</summary>
    public const int Usual = 8;

    /// <returns>Null where none was made, or the step is done.</returns>
    public static GenerationPilot? Of(StepStore store, StepKey key)
    {
        try
        {
            return JsonSerializer.Deserialize<GenerationPilot>(File.ReadAllBytes(store.NoteOf(key, FileName)), CanonicalJson.Options);
        }
        catch (Exception fault) when (fault is IOException or JsonException)
        {
            return null;    // an estimate is made without it
        }
    }

    /// <param name="steps">Those that are not done.</param>
    /// <exception cref="AgoraException">A model cannot be reached, or the budget is used up.</exception>
    public async Task AskAsync(ImmutableArray<GenerateStep> steps, int tries, CancellationToken cancellationToken) =>
        await Parallel.ForEachAsync(steps, cancellationToken, async (step, stop) => await store.BeginAsync(step.Identity, forNoRun: false, async workspace =>
        {
            var pilot = await step.PilotAsync(tries, workspace, models, stop);
            await workspace.Journal.FlushAsync(stop);
            DurableFiles.Instance.WriteWhole(store.NoteOf(step.Key, FileName), JsonSerializer.SerializeToUtf8Bytes(pilot, CanonicalJson.Indented));
        }));
}
