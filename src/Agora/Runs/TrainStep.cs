using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.SeedData;
using Agora.Training;

namespace Agora.Runs;

/// <summary>Trains a student on a data set.</summary>
public sealed class TrainStep : RunStep
{
    private const string NamePrefix = "train ";

    private readonly IdentifiedModel baseModel;
    private readonly TrainingData data;
    private readonly StudentRecipe recipe;
    private readonly long seed;

    internal TrainStep(string name, IdentifiedModel baseModel, TrainingData data, StudentRecipe recipe, long seed, string trainerVersion)
        : base(name, Identify(baseModel, data, recipe, seed, trainerVersion), data.Generated is { } generated ? [generated] : [])
    {
        this.baseModel = baseModel;
        this.data = data;
        this.recipe = recipe;
        this.seed = seed;
    }

    /// <summary>What a student is called in its run: <c>nano on gen-a math/response_generation seed 42</c>.</summary>
    public static string StudentName(string student, string generator, Setting setting, long seed) =>
        string.Create(CultureInfo.InvariantCulture, $"{student} on {generator} {setting} seed {seed}");

    /// <summary>The name of the step that trains a student.</summary>
    /// <param name="student">A name by <see cref="StudentName"/>.</param>
    public static string NameOf(string student) => NamePrefix + student;

    /// <summary>The student that a step trains, by its name; null for a step of another kind.</summary>
    public static string? StudentOf(string step) => step.StartsWith(NamePrefix, StringComparison.Ordinal) ? step[NamePrefix.Length..] : null;

    /// <summary>A finished training's result and what it reports of itself; null where the store does not have it whole.</summary>
    internal static (StepResult Result, TrainingSummary Summary)? Finished(StepStore store, StepKey key) =>
        store.Find(key, thoroughly: false) is StepFinding.Whole(var result) ? (result, StepFiles.Read<TrainingSummary>(result, StepFiles.Training)) : null;

    /// <summary>The student as a model, once it is trained.</summary>
    /// <param name="store">Where its result lies.</param>
    public ModelSpec Student(StepStore store) => new()
    {
        Provider = ModelSpec.Embedded,
        Path = Path.Combine(store.FolderOf(Key), StepFiles.Model),
        MaxParallel = baseModel.Spec.MaxParallel,
    };

    /// <remarks>Training asks no model; its tokens are not paid for by the token.</remarks>
    public override StepEstimate Estimate() => StepEstimate.Nothing;

    public override async Task RunAsync(StepWorkspace workspace, StepContext context, CancellationToken cancellationToken)
    {
        var output = Path.Combine(workspace.Folder, StepFiles.Model);
        try
        {
            Directory.CreateDirectory(output);
            var request = new TrainingRequest
            {
                BaseModelFolder = baseModel.Spec.Path!,
                Data = data.Read(context.Inputs),
                Recipe = recipe,
                Seed = seed,
                OutputFolder = output,
                Checkpoints = new TrainingCheckpoints(workspace.StateFolder, Key.Value),
                Notice = context.Notice,
            };
            var progress = new Relay<TrainingProgress>(now => context.Progress.Report(new StepProgress(now.Step, now.Steps, now.Tokens, Dollars: 0)));
            TrainingSummary summary;
            using (workspace.ModelTime.Measure())
                summary = await context.Trainer.TrainAsync(request, progress, cancellationToken);
            workspace.TrainedTokens = summary.TokensHere;
            workspace.Write(StepFiles.Training, [StepFiles.Line(summary)]);
            workspace.Write(StepFiles.Losses, StepFiles.Lines(summary.Losses));
        }
        catch (IOException error)
        {
            throw DurableFiles.Failure(output, error);
        }
    }

    private static StepIdentity Identify(IdentifiedModel baseModel, TrainingData data, StudentRecipe recipe, long seed, string trainerVersion) =>
        new("train", trainerVersion, new JsonObject
        {
            ["base"] = baseModel.Identity,
            ["recipe"] = Deciding(recipe),
            ["seed"] = seed,
            ["fileData"] = data.FileIdentity,
        }, data.Generated is { } generated ? [generated.Key] : []);

    /// <summary>The recipe without what decides nothing (a device stands in the trainer's version), and with options that came later only where they are not the usual ones, so that students trained before keep their keys.</summary>
    internal static JsonObject Deciding(StudentRecipe recipe)
    {
        var options = CanonicalJson.ToNode(recipe)!.AsObject();
        var usual = CanonicalJson.ToNode(new StudentRecipe())!.AsObject();
        foreach (var name in (ReadOnlySpan<string>)["checkpointSeconds", "checkpointSteps", "device"])
            options.Remove(name);
        foreach (var name in (ReadOnlySpan<string>)["schedule", "finalLearningRateShare", "evaluationShare", "lora", "precision", "activationCheckpointing"])
        {
            if (JsonNode.DeepEquals(options[name], usual[name]))
                options.Remove(name);
        }
        return options;
    }
}

/// <summary>What a student is trained on: generated instances, rows of a file, or in instance generation both.</summary>
/// <param name="Generated">Null for a data set that was brought along.</param>
/// <param name="FileRows">Seed pairs that belong to the training data, or the given data set; empty where there are none.</param>
/// <param name="FileIdentity">Contents of the rows' file; null where there are none.</param>
internal sealed record TrainingData(GenerateStep? Generated, IReadOnlyList<SeedInstance> FileRows, string? FileIdentity)
{
    /// <returns>Generated instances by place, then rows in file order; the trainer's seed decides the order of training.</returns>
    public IReadOnlyList<TrainingPair> Read(IReadOnlyDictionary<StepKey, StepResult> results)
    {
        var generated = Generated is null ? [] : StepFiles.Stream<SyntheticInstance>(results[Generated.Key], StepFiles.Instances);
        return
        [
            .. generated.Select(instance => new TrainingPair(instance.Instruction, instance.Response)),
            .. FileRows.Select(row => new TrainingPair(row.Instruction, row.Response!)),
        ];
    }
}
