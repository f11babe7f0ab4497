using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.SeedData;

namespace Agora.Runs;

/// <summary>Has a generator write a data set.</summary>
public sealed class GenerateStep : RunStep
{
    // Raised with every change to data generation after which the same completions would give other instances, other requests or other files.
    private const string CodeVersion = "2";

    private readonly IdentifiedModel generator;
    private readonly GenerationPlan plan;
    private readonly GenerationHelpers helpers;
    private readonly EstimatingTokenizer tokens;
    private readonly Lazy<StepEstimate?> byTokenizer;

    /// <param name="tokens">By which the estimate counts; nothing else depends on it.</param>
    internal GenerateStep(IdentifiedModel generator, GenerationPlan plan, string seedsIdentity, string tokenizerIdentity, GenerationHelpers helpers, EstimatingTokenizer tokens)
        : base($"generate {plan.Setting} with {plan.Generator}", Identify(generator, plan, seedsIdentity, tokenizerIdentity, helpers), [])
    {
        this.helpers = helpers;
        this.tokens = tokens;
        this.generator = generator;
        this.plan = plan;
        byTokenizer = new Lazy<StepEstimate?>(EstimateByTokenizer);
    }

    public override ImmutableArray<ModelSpec> Models => helpers.Judge is { } judge ? [generator.Spec, judge.Spec] : [generator.Spec];

    public override ImmutableArray<ModelSpec> Charged => helpers.Embeddings is { } embeddings ? [.. Models, embeddings.Spec] : Models;

    public override ModelCapabilities Needs =>
        (plan.Spec.SystemMessage.Length > 0 ? ModelCapabilities.SystemMessage : 0) | (plan.Spec.Stop.IsEmpty ? 0 : ModelCapabilities.StopSequences)
        | (plan.MetaPrompt.Completion.Schema is null ? 0 : ModelCapabilities.StructuredOutput) | (plan.UserTurn is null ? 0 : ModelCapabilities.PlainPrompt);

    // A method's judge is asked without any of that.
    public override ModelCapabilities NeedsOf(ModelSpec model) => model == generator.Spec ? Needs : ModelCapabilities.None;

    /// <summary>How the estimate was made where there is no pilot: by a tokenizer, whose name this is, on prompts as they will be asked, or by the length of texts.</summary>
    internal string Basis => byTokenizer.Value is null ? "length of texts" : tokens.Name;

    /// <summary>The estimate by what the first tries cost.</summary>
    internal StepEstimate EstimateBy(GenerationPilot pilot)
    {
        var tries = pilot.TriesFor(plan.Spec.Instances, plan.Spec.MaxCompletionsPerInstance) / pilot.Tries;
        var estimate = Of(generator.Spec, pilot.Generated);
        return helpers.Judge is { } judge && pilot.Judged.Completions > 0 ? estimate + Of(judge.Spec, pilot.Judged) : estimate;

        StepEstimate Of(ModelSpec model, BillLine line) => StepEstimate.Of(model, (long)Math.Ceiling(tries * line.Completions), (long)Math.Ceiling(tries * line.InputTokens), (long)Math.Ceiling(tries * line.OutputTokens));
    }

    /// <summary>Asks for the first tries, whose completions the step itself finds again.</summary>
    internal async Task<GenerationPilot> PilotAsync(int tries, StepWorkspace workspace, ILanguageModels models, CancellationToken cancellationToken)
    {
        using var chat = await workspace.OpenOnlineAsync(generator.Spec, generator.Identity, models, cancellationToken);
        using var scoring = helpers.Judge is { } judge ? await workspace.OpenOnlineAsync(judge.Spec, judge.Identity, models, cancellationToken) : null;
        return await GenerationPilot.AskAsync(plan, tries, new GenerationModels(chat) { Judge = scoring, Reward = await helpers.RewardAsync(workspace.Journal, cancellationToken) }, cancellationToken);
    }

    /// <summary>Whether it pays a model, online, for so much that a look at what it costs is worth waiting for.</summary>
    internal bool IsWorthAPilot => generator.Spec is { Price: not null, Provider: not ModelSpec.Embedded, Mode: RequestMode.Online } && plan.Spec.Instances >= FewestWorthAPilot;

    private const int FewestWorthAPilot = 200;

    // Prompts as they will be asked, and seeds as answers are likely to be.
    private StepEstimate? EstimateByTokenizer()
    {
        const int Sample = 16;
        var method = GenerationMethods.For(plan.Setting.Method);
        var seeds = plan.Seeds.Instances;
        var places = Math.Min(Sample, method.OneSeedPerPlace && method.Method.NeedsSeeds ? Math.Min(plan.Spec.Instances, seeds.Count) : plan.Spec.Instances);
        if (places == 0 || seeds.Count < plan.MetaPrompt.Demonstrations || (method.NeedsSeedResponses && plan.Seeds.FirstWithoutResponse is not null))
            return null;
        var input = (long)Enumerable.Range(0, places).Average(place => tokens.Count($"{plan.Spec.SystemMessage}\n{GenerationPreview.FirstRequest(plan, place).Prompt}"));
        var answers = seeds.Take(Sample).Select(seed => tokens.Count((method.WritesInstructions ? seed.Instruction + "\n" : "") + (seed.Response ?? seed.Instruction))).ToArray();
        var output = answers.Length == 0 ? plan.Spec.MaxNewTokens : Math.Min(plan.Spec.MaxNewTokens, (long)answers.Average());
        return Estimate(input, output, answers.Length == 0 ? 0 : (long)answers.Average());
    }

    public override StepEstimate Estimate()
    {
        if (byTokenizer.Value is { } counted)
            return counted;
        SeedInstance[] seeds = [.. plan.Seeds.Instances.Take(MostSeedsMeasured)];
        var instruction = seeds.Length == 0 ? 0 : (long)seeds.Average(seed => seed.Instruction.Length);
        var response = seeds.Length == 0 ? 0 : (long)seeds.Average(seed => (seed.Response ?? seed.Instruction).Length);
        // The prompt shows the template and demonstrations or the seed at hand; the answer is about as long as what it shows one of.
        var shown = plan.MetaPrompt.Demonstrations * (instruction + response)
            + (plan.MetaPrompt.Shows("<input>") ? instruction : 0) + (plan.MetaPrompt.Shows("<output>") ? response : 0);
        var method = GenerationMethods.For(plan.Setting.Method);
        var written = method.WritesInstructions ? instruction + response : response;
        var input = StepEstimate.Tokens(plan.Spec.SystemMessage.Length + plan.MetaPrompt.Template.Length + shown);
        return Estimate(input, Math.Min(plan.Spec.MaxNewTokens, StepEstimate.Tokens(written)), StepEstimate.Tokens(instruction + response));
    }

    /// <param name="pair">Tokens of an instance.</param>
    private StepEstimate Estimate(long input, long output, long pair)
    {
        var (asked, judged) = GenerationMethods.For(plan.Setting.Method).RequestsPerTry(plan.Spec);
        var requests = (long)plan.Spec.Instances * asked;
        var estimate = StepEstimate.Of(generator.Spec, requests, requests * input, requests * output);
        // A filter by embeddings reads the instruction of every instance, many a request.
        if (helpers.Embeddings is { Spec: { Provider: not ModelSpec.Embedded } vectors })
            estimate += StepEstimate.Of(vectors with { Mode = RequestMode.Online }, (plan.Spec.Instances + JournaledEmbeddings.MostTexts - 1) / JournaledEmbeddings.MostTexts, plan.Spec.Instances * pair, 0);
        if (helpers.Judge is not { } judge || judged == 0)
            return estimate;
        // A judge reads the pair and its question, and says little.
        var questions = (long)plan.Spec.Instances * judged;
        return estimate + StepEstimate.Of(judge.Spec, questions, questions * (StepEstimate.Tokens(plan.MetaPrompt.Scoring?.Length ?? 0) + pair), questions * WordsOfVerdict);
    }

    private const int WordsOfVerdict = 50;
    private const int MostSeedsMeasured = 1000;

    /// <summary>Whether asking it, or what it asks besides, may cost dollars.</summary>
    internal bool Costs => Charged.Any(model => model.Provider != ModelSpec.Embedded || model.Price is not null);

    /// <summary>Asks for a few instances that are kept nowhere.</summary>
    internal async Task<GenerationPreview> PreviewAsync(int tries, ILanguageModels models, CancellationToken cancellationToken)
    {
        return await GenerationPreview.AskAsync(plan, tries, new GenerationModels(await models.OpenChatAsync(generator.Spec, cancellationToken))
        {
            Judge = helpers.Judge is { } judge ? await models.OpenChatAsync(judge.Spec, cancellationToken) : null,
            Embeddings = helpers.Embeddings is { } embeddings ? await helpers.OpenEmbeddings(embeddings.Spec, cancellationToken) : null,
            Reward = await helpers.RewardAsync(journal: null, cancellationToken),
        }, cancellationToken);
    }

    /// <summary>The same through the step's journal: what is paid for is on the step's bill, and nobody pays for it again.</summary>
    internal async Task<GenerationPreview> PreviewAsync(int tries, StepWorkspace workspace, ILanguageModels models, CancellationToken cancellationToken)
    {
        using var chat = await workspace.OpenOnlineAsync(generator.Spec, generator.Identity, models, cancellationToken);
        using var scoring = helpers.Judge is { } judge ? await workspace.OpenOnlineAsync(judge.Spec, judge.Identity, models, cancellationToken) : null;
        return await GenerationPreview.AskAsync(plan, tries, new GenerationModels(chat)
        {
            Judge = scoring,
            Embeddings = helpers.Embeddings is { } embeddings ? await workspace.OpenEmbeddingsAsync(helpers.OpenEmbeddings, embeddings, cancellationToken) : null,
            Reward = await helpers.RewardAsync(workspace.Journal, cancellationToken),
        }, cancellationToken);
    }

    /// <summary>The same from what the step was answered when it was made, as far as its first round goes: nobody is asked.</summary>
    /// <exception cref="AgoraException">Not all of it is kept.</exception>
    internal async Task<GenerationPreview> PreviewFinishedAsync(int tries, Journal answered, CancellationToken cancellationToken)
    {
        using var nobody = new NobodyAsked(Name);
        using var chat = new JournaledChatClient(nobody, answered, generator.Identity);
        using var scoring = helpers.Judge is { } judge ? new JournaledChatClient(nobody, answered, judge.Identity) : null;
        using var vectors = helpers.Embeddings is { } embeddings ? new JournaledEmbeddings(nobody, answered, embeddings.Identity) : null;
        var models = new GenerationModels(chat) { Judge = scoring, Embeddings = vectors, Reward = await helpers.RewardAsync(answered, cancellationToken) };
        return await GenerationPreview.AskAsync(plan, Math.Min(tries, GenerationPilot.MostTries(plan)), models, cancellationToken) with { OfFinished = true };
    }

    public override async Task RunAsync(StepWorkspace workspace, StepContext context, CancellationToken cancellationToken)
    {
        using var chat = await workspace.OpenChatAsync(generator.Spec, generator.Identity, context, cancellationToken);
        var progress = new Relay<GenerationProgress>(now =>
            context.Progress.Report(new StepProgress(now.Valid, now.Wanted, now.InputTokens + now.OutputTokens, now.Dollars)));
        using var scoring = helpers.Judge is { } judge
            ? await workspace.OpenChatAsync(judge.Spec, judge.Identity, context, cancellationToken)
            : null;
        var vectors = helpers.Embeddings is { } embeddings ? await workspace.OpenEmbeddingsAsync(helpers.OpenEmbeddings, embeddings, cancellationToken) : null;
        var fills = workspace.OpenFills();
        await using var ahead = new InstancesAhead(Path.Combine(workspace.Folder, StepFiles.Instances), fills, plan.Spec.Instances);
        var outcome = await DataGenerator.GenerateAsync(plan, new GenerationModels(chat) { Judge = scoring, Embeddings = vectors, Reward = await helpers.RewardAsync(workspace.Journal, cancellationToken) }, fills, progress, cancellationToken);
        await Task.WhenAll(workspace.Journal.FlushAsync(cancellationToken).AsTask(), ahead.FinishAsync(outcome.Places));
        workspace.Write(StepFiles.Rejects, StepFiles.Lines(outcome.Rejects));
        workspace.Write(StepFiles.Generation, [StepFiles.Line(new GenerationSummary
        {
            Wanted = plan.Spec.Instances,
            Valid = outcome.Valid,
            Shortfall = outcome.Shortfall,
            Bill = outcome.Bill,
            Dollars = outcome.Bill.Dollars,
            DroppedSeeds = plan.DroppedSeeds.Length,
        })]);
        if (plan.TestSets is not null)
            workspace.Write(StepFiles.DroppedSeeds, StepFiles.Lines(plan.DroppedSeeds));
    }

    private static StepIdentity Identify(IdentifiedModel generator, GenerationPlan plan, string seedsIdentity, string tokenizerIdentity, GenerationHelpers helpers)
    {
        var spec = CanonicalJson.ToNode(plan.Spec)!.AsObject();
        // Where the prompts lie does not matter; what they say does, and stands in metaPrompt.
        spec.Remove("prompts");
        // Only where they are not the usual ones, so that data which were made before there was a choice keep their keys.
        if (plan.Spec.Json == JsonReading.Strict)
            spec.Remove("json");
        if (plan.Spec.Filters == new FilterSpec())
            spec.Remove("filters");
        // Who judges stands below; what only another method reads decides nothing here.
        spec.Remove("bestOf");
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
        if (helpers.Embeddings is { } embeddings)
            parameters["embeddings"] = embeddings.Identity;
        if (helpers.Judge is { } judge)
            parameters["bestOf"] = new JsonObject { ["judge"] = judge.Identity, ["candidates"] = plan.Spec.BestOf!.Candidates };
        if (helpers.Reward is { } reward)
            parameters["bestOf"] = new JsonObject { ["reward"] = reward.Identity, ["candidates"] = plan.Spec.BestOf!.Candidates };
        if (plan.UserTurn is not null)
            parameters["userTurn"] = plan.UserTurn;
        if (plan.TestSets is { } testSets)
            parameters["testSets"] = testSets.Identity;
        return new StepIdentity("generate", CodeVersion, parameters, []) { Asked = generator.Identity };
    }
}

/// <summary>Counts tokens as a model's tokenizer does, or as one does that is at hand.</summary>
/// <param name="Name">Whose it is, for the reader of an estimate.</param>
internal sealed record EstimatingTokenizer(string Name, Func<string, int> Count);

/// <summary>Models that a generation asks besides the generator.</summary>
/// <param name="Judge">Scores candidates; null where the method has none scored.</param>
/// <param name="Embeddings">Turns texts into vectors; null where the experiment has no filter by embeddings.</param>
internal sealed record GenerationHelpers(IdentifiedModel? Judge, IdentifiedModel? Embeddings, OpenEmbeddings OpenEmbeddings)
{
    /// <summary>Scores candidates in the judge's stead.</summary>
    public IdentifiedModel? Reward { get; init; }
    public Func<ModelSpec, CancellationToken, Task<IRewardModel>> OpenReward { get; init; } = static (model, _) => throw new InvalidOperationException($"nobody opens {model.Path}");

    /// <returns>Null where the method has none; its scores are in the journal where there is one.</returns>
    public async Task<IRewardModel?> RewardAsync(IJournal? journal, CancellationToken cancellationToken) => Reward is not { } model ? null
        : await OpenReward(model.Spec, cancellationToken) is var opened && journal is null ? opened : new JournaledRewards(opened, journal!, model.Identity);
}
