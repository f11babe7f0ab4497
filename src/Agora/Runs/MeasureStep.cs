using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.LanguageModels;
using Agora.LanguageModels.Batches;
using Microsoft.Extensions.AI;

namespace Agora.Runs;

/// <summary>Measures intrinsic metrics of a data set.</summary>
public sealed class MeasureStep : RunStep
{
    // Raised with every change after which the same data and answers would give other figures.
    private const string CodeVersion = "2";

    private readonly RunStep data;
    private readonly string generator;
    private readonly Setting? setting;
    private readonly Domain? domain;
    private readonly int instances;
    private readonly MeasureRequest request;
    private readonly RandomStreams random;
    private readonly PipelineServices services;

    /// <param name="data">A step that leaves <see cref="StepFiles.Instances"/> or <see cref="StepFiles.GivenInstances"/>.</param>
    /// <param name="domain">Chooses a judge's rubrics; judges need it.</param>
    /// <param name="instances">As many as the data set has or is to have.</param>
    internal MeasureStep(RunStep data, string generator, Setting? setting, Domain? domain, int instances, MeasureRequest request, RandomStreams random, PipelineServices services)
        : base($"measure {request.What.ToString().ToLowerInvariant()} of {generator}{(setting is null ? "" : $" {setting}")}{(request.Model is { } model ? $" by {model.Name}" : "")}",
            Identify(data, generator, setting, domain, request, random), [data])
    {
        (this.data, this.generator, this.setting, this.domain, this.instances, this.request, this.random, this.services) = (data, generator, setting, domain, instances, request, random, services);
    }

    /// <summary>What the step measures.</summary>
    public Measured What => request.What;

    // Models that are measured with in this process belong to the whole run, and are let go of at its end.
    public override ImmutableArray<ModelSpec> Models =>
    [
        .. ((IdentifiedModel?[])[request.Model, request.Reference]).OfType<IdentifiedModel>()
            .Where(model => request.What is Measured.Judge or Measured.Verification || (request.What == Measured.Perplexity && model.Spec.Provider != ModelSpec.Embedded)).Select(model => model.Spec),
    ];

    public override ImmutableArray<ModelSpec> Charged => request is { Model: { } model, What: Measured.Diversity } ? [model.Spec] : Models;

    public override ModelCapabilities Needs => request.What == Measured.Perplexity ? ModelCapabilities.PromptLogProbabilities : ModelCapabilities.None;

    // How long instances are is not known before there are any.
    public override StepEstimate Estimate() => request.What switch
    {
        // A judge reads rubric and instance twice, and gives a reason of a few sentences each time.
        Measured.Judge => StepEstimate.Of(request.Model!.Spec, 2L * Expected, 2L * Expected * (TokensOfRubric + TokensOfInstance), 2L * Expected * TokensOfVerdict),
        // Each conversation is read with the response and without it.
        Measured.Perplexity => Models.Select(model => StepEstimate.Of(model, 2L * Expected, 2L * Expected * TokensOfInstance, 2L * Expected)).Aggregate(StepEstimate.Nothing, (sum, one) => sum + one),
        // Instruction and response apart, many texts a request.
        Measured.Diversity when request.Model!.Spec.Provider != ModelSpec.Embedded =>
            StepEstimate.Of(request.Model.Spec with { Mode = RequestMode.Online }, 2L * (Expected + JournaledEmbeddings.MostTexts - 1) / JournaledEmbeddings.MostTexts, (long)Expected * TokensOfInstance, 0),
        Measured.Verification => StepEstimate.Of(request.Model!.Spec, (long)Samples * Expected, (long)Samples * Expected * TokensOfInstance / 2, (long)Samples * Expected * TokensOfInstance),
        _ => StepEstimate.Nothing,
    };

    private const int TokensOfRubric = 300, TokensOfInstance = 400, TokensOfVerdict = 100;

    private int Samples => request.Plan.Verification!.Samples;

    private int Expected => Math.Min(instances, request.Plan.Sample ?? int.MaxValue);

    public override async Task RunAsync(StepWorkspace workspace, StepContext context, CancellationToken cancellationToken)
    {
        using var asked = new DisposableStack();
        var measurement = new DataSetMeasurement(await InstrumentsAsync(workspace, context, asked, cancellationToken), random);
        var measured = await measurement.MeasureAsync(generator, setting, domain, Instances(context.Inputs[data.Key]), request.Plan.Sample, request.What == Measured.Texts ? request.Plan.Against : null, cancellationToken);
        await workspace.Journal.FlushAsync(cancellationToken);
        workspace.Write(StepFiles.Profile, [StepFiles.Line(measured.Profile)]);
        workspace.Write(StepFiles.Values, StepFiles.Lines(measured.Values));
    }

    /// <summary>The instances as metrics see them.</summary>
    internal static ImmutableArray<MeasuredInstance> Instances(StepResult result) => File.Exists(result.PathOf(StepFiles.GivenInstances))
        ? StepFiles.ReadLines<MeasuredInstance>(result, StepFiles.GivenInstances)
        :
        [
            .. StepFiles.Stream<SyntheticInstance>(result, StepFiles.Instances).Select(instance => new MeasuredInstance(
                instance.Instruction, instance.Response, instance.Provenance.OutputTokens, instance.Provenance.CostDollars, instance.Provenance.Theme)),
        ];

    private async Task<MetricInstruments> InstrumentsAsync(StepWorkspace workspace, StepContext context, DisposableStack asked, CancellationToken cancellationToken)
    {
        var model = request.Model;
        return request.What switch
        {
            Measured.Texts => new MetricInstruments(),
            Measured.Perplexity => new MetricInstruments { Texts = false, Likelihood = await LikelihoodAsync(model!), Reference = request.Reference is { } reference ? await LikelihoodAsync(reference) : null },
            Measured.Reward => new MetricInstruments { Texts = false, Reward = new JournaledRewards(await services.OpenReward(model!.Spec, cancellationToken), workspace.Journal, model.Identity) },
            Measured.Diversity => new MetricInstruments { Texts = false, Embeddings = await workspace.OpenEmbeddingsAsync(services.OpenEmbeddings, model!, cancellationToken) },
            Measured.Judge => new MetricInstruments { Texts = false, JudgeName = request.JudgeName, Judge = new RubricJudge(await ChatAsync(model!), JudgeFormat.Of(request.Plan.Asking), Waiting.AtOnce(model!.Spec)) },
            Measured.Verification => new MetricInstruments { Texts = false, Verifier = new AnswerVerifier(await ChatAsync(model!), request.Plan.Verification!, Waiting.AtOnce(model!.Spec), random) },
            Measured.Code => new MetricInstruments { Texts = false, Programs = new ProgramRuns(services.StartSandbox, context.Cores) },
            _ => throw new InvalidOperationException($"{request.What} is not measured"),
        };

        async Task<IChatClient> ChatAsync(IdentifiedModel by) => asked.Add(await workspace.OpenChatAsync(by.Spec, by.Identity, context, cancellationToken));

        async Task<ILikelihoodModel> LikelihoodAsync(IdentifiedModel by) => by.Spec.Provider == ModelSpec.Embedded
            ? new JournaledLikelihood(await services.OpenLikelihood(by.Spec, request.Plan.SystemMessage, cancellationToken), workspace.Journal, $"{by.Identity}\0{request.Plan.SystemMessage}")
            : new EndpointLikelihood(await ChatAsync(by), request.Plan.SystemMessage, by.Spec.Likelihood, by.Spec.MaxParallel);
    }

    private static StepIdentity Identify(RunStep data, string generator, Setting? setting, Domain? domain, MeasureRequest request, RandomStreams random)
    {
        var parameters = new JsonObject
        {
            ["what"] = request.What.ToString().ToLowerInvariant(),
            ["generator"] = generator,
            ["setting"] = setting?.ToString(),
            ["seed"] = random.Seed,
        };
        if (request.Plan.Sample is { } sample)
            parameters["sample"] = sample;
        if (request.Model is { } model)
            parameters["model"] = model.Identity;
        switch (request.What)
        {
            case Measured.Texts when request.Plan.Against is { } against:
                parameters["against"] = against.Identity;
                break;
            case Measured.Perplexity:
                parameters["systemMessage"] = request.Plan.SystemMessage;
                if (request.Model!.Spec.Provider != ModelSpec.Embedded)
                    parameters["reading"] = request.Model.Spec.Likelihood.ToString().ToLowerInvariant();
                if (request.Reference is { } reference)
                {
                    parameters["reference"] = reference.Identity;
                    if (reference.Spec.Provider != ModelSpec.Embedded)
                        parameters["referenceReading"] = reference.Spec.Likelihood.ToString().ToLowerInvariant();
                }
                break;
            case Measured.Judge:
                parameters["asking"] = request.Plan.Asking.ToString().ToLowerInvariant();
                parameters["name"] = request.JudgeName;
                parameters["rubrics"] = new JsonArray([.. Rubric.Of(domain!.Value).Select(rubric => (JsonNode)Hash([rubric.Question, .. rubric.Levels]))]);
                break;
            case Measured.Verification:
                parameters["samples"] = request.Plan.Verification!.Samples;
                parameters["temperature"] = request.Plan.Verification.Temperature;
                break;
        }
        var isAsked = request.What is Measured.Judge or Measured.Verification || (request.What == Measured.Perplexity && request.Model!.Spec.Provider != ModelSpec.Embedded);
        return new StepIdentity("measure", CodeVersion, parameters, [data.Key]) { Asked = isAsked ? request.Model!.Identity : null };
    }

    private static string Hash(IEnumerable<string> texts) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', texts))));

    /// <summary>Clients that a step opened, closed together at its end.</summary>
    private sealed class DisposableStack : IDisposable
    {
        private readonly Stack<IDisposable> open = [];

        public T Add<T>(T one) where T : IDisposable
        {
            open.Push(one);
            return one;
        }

        public void Dispose()
        {
            while (open.TryPop(out var one))
                one.Dispose();
        }
    }
}
