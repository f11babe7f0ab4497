using Agora.Experiments;
using Agora.LanguageModels;

namespace Agora.Runs;

/// <summary>Holds what steps need of models against what the models' providers can do, before anything is asked.</summary>
internal static class StepDemands
{
    /// <exception cref="AgoraException">Something is missing; all of it is listed.</exception>
    public static void Check(IEnumerable<RunStep> steps)
    {
        var missing = steps
            .SelectMany(step => step.Models.SelectMany(model => ProviderCapabilities.Missing(model, step.NeedsOf(model)).Select(what => (Model: model.Model ?? model.Path, Provider: model.Provider, What: what, step.Name))))
            .GroupBy(one => (one.Model, one.Provider, one.What))
            .Select(group => $"{group.Key.Model} ({group.Key.Provider}) lacks {group.Key.What}, which \"{group.First().Name}\" needs")
            .ToArray();
        if (missing.Length > 0)
            throw new AgoraException(string.Join("; ", missing), "models",
                "take another model or other settings (judging.preference: text, generation.stop: [], generation.systemMessage: \"\", generation.json: strict), or declare the capability where the endpoint has it")
            { ExitCode = 2 };
    }
}
