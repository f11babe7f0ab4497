using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.LanguageModels;

namespace Agora.Runs;

/// <summary>Has a generator write a data set.</summary>
public sealed class GenerateStep : RunStep
{
    // Raised with every change to data generation after which the same completions would give other instances, other requests or other files.
    private const string CodeVersion = "2";

    private readonly IdentifiedModel generator;
    private readonly GenerationPlan plan;

    internal GenerateStep(IdentifiedModel generator, GenerationPlan plan, string seedsIdentity, string tokenizerIdentity)
        : base($"generate {plan.Setting} with {plan.Generator}", Identify(generator, plan, seedsIdentity, tokenizerIdentity), [])
    {
        this.generator = generator;
        this.plan = plan;
    }

    public override ImmutableArray<ModelSpec> Models => [generator.Spec];

    public override StepEstimate Estimate()
    {
        var seeds = plan.Seeds.Instances;
        var instruction = seeds.IsEmpty ? 0 : (long)seeds.Average(seed => seed.Instruction.Length);
        var response = seeds.IsEmpty ? 0 : (long)seeds.Average(seed => (seed.Response ?? seed.Instruction).Length);
        // The prompt shows the template and either demonstrations or the seed at hand; the answer is about as long as what it shows one of.
        var shown = plan.Setting.Method switch
        {
            GenerationMethod.InstanceGeneration => plan.MetaPrompt.Demonstrations * (instruction + response),
            GenerationMethod.ResponseGeneration => instruction,
            _ => instruction + response,
        };
        var written = plan.Setting.Method == GenerationMethod.ResponseGeneration ? response : instruction + response;
        var input = StepEstimate.Tokens(plan.Spec.SystemMessage.Length + plan.MetaPrompt.Template.Length + shown);
        var output = Math.Min(plan.Spec.MaxNewTokens, StepEstimate.Tokens(written));
        return StepEstimate.Of(generator.Spec, plan.Spec.Instances, plan.Spec.Instances * input, plan.Spec.Instances * output);
    }

    public override async Task RunAsync(StepWorkspace workspace, StepContext context, CancellationToken cancellationToken)
    {
        var model = await context.Models.OpenChatAsync(generator.Spec, cancellationToken);
        using var timed = new TimedChatClient(model, workspace.ModelTime);
        using var chat = new JournaledChatClient(timed, workspace.Journal, generator.Identity);
        var progress = new Relay<GenerationProgress>(now =>
            context.Progress.Report(new StepProgress(now.Valid, now.Wanted, now.InputTokens + now.OutputTokens, now.Dollars)));
        var outcome = await DataGenerator.GenerateAsync(plan, chat, progress, cancellationToken);
        await workspace.Journal.FlushAsync(cancellationToken);

        workspace.Write(StepFiles.Instances, StepFiles.Lines(outcome.Instances));
        workspace.Write(StepFiles.Rejects, StepFiles.Lines(outcome.Rejects));
        workspace.Write(StepFiles.Generation, [StepFiles.Line(new GenerationSummary
        {
            Wanted = plan.Spec.Instances,
            Valid = outcome.Instances.Length,
            Shortfall = outcome.Shortfall,
            Bill = outcome.Bill,
            Dollars = outcome.Bill.Dollars,
            DroppedSeeds = plan.DroppedSeeds.Length,
        })]);
        if (plan.TestSets is not null)
            workspace.Write(StepFiles.DroppedSeeds, StepFiles.Lines(plan.DroppedSeeds));
    }

    private static StepIdentity Identify(IdentifiedModel generator, GenerationPlan plan, string seedsIdentity, string tokenizerIdentity)
    {
        var spec = CanonicalJson.ToNode(plan.Spec)!.AsObject();
        // Where the prompts lie does not matter; what they say does, and stands in metaPrompt.
        spec.Remove("prompts");
        // Only where they are not the usual ones, so that data which were made before there was a choice keep their keys.
        if (plan.Spec.Json == JsonReading.Strict)
            spec.Remove("json");
        if (plan.Spec.Filters == new FilterSpec())
            spec.Remove("filters");
        // The price is not here either: instances record the one they were made at, and a corrected price must not buy them again.
        var parameters = new JsonObject
        {
            ["setting"] = plan.Setting.ToString(),
            ["generator"] = plan.Generator,
            ["model"] = generator.Identity,
            ["spec"] = spec,
            ["metaPrompt"] = plan.MetaPrompt.ContentHash(),
            ["seeds"] = seedsIdentity,
            ["tokenizer"] = tokenizerIdentity,
            ["studentSystemMessage"] = plan.StudentSystemMessage,
            ["seed"] = plan.Random.Seed,
        };
        if (plan.TestSets is { } testSets)
            parameters["testSets"] = testSets.Identity;
        return new StepIdentity("generate", CodeVersion, parameters, []);
    }
}
