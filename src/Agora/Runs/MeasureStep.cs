using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.LanguageModels;

namespace Agora.Runs;

/// <summary>What a <see cref="MeasureStep"/> measures: one step each, so that another judge measures nothing else anew.</summary>
public enum Measured
{
    /// <summary>What needs no model: lengths, repetition, contamination.</summary>
    Texts,
    Perplexity,
    Reward,
    Diversity,
    /// <summary>Difficulty and quality by rubrics.</summary>
    Judge,
}

/// <summary>Who measures what of a data set.</summary>
/// <param name="Model">Null for texts.</param>
internal sealed record MeasureRequest(Measured What, IdentifiedModel? Model)
{
    /// <summary>Judges: how they are asked.</summary>
    public JudgeAsking Asking { get; init; }
    /// <summary>Judges, where there are several: what stands in the metric's name.</summary>
    public string? JudgeName { get; init; }
    /// <summary>Perplexity: the trained model, for the implicit reward beside it; null: none.</summary>
    public IdentifiedModel? Reference { get; init; }
    /// <summary>Perplexity: of the chat format.</summary>
    public string SystemMessage { get; init; } = "";
    /// <summary>Texts: what training data must not hold; null: not looked for.</summary>
    public ImmutableArray<string>? Against { get; init; }
    public int? Sample { get; init; }

    /// <summary>One request per metric or group of metrics that somebody is named for; the texts themselves first.</summary>
    public static ImmutableArray<MeasureRequest> All(
        IdentifiedModel? perplexity, IdentifiedModel? reference, IdentifiedModel? reward, IdentifiedModel? embeddings, ImmutableArray<IdentifiedModel> judges, JudgeAsking asking, string systemMessage, ImmutableArray<string>? against, int? sample) =>
    [
        new(Measured.Texts, null) { Against = against, Sample = sample },
        .. perplexity is null ? [] : (MeasureRequest[])[new(Measured.Perplexity, perplexity) { Reference = reference, SystemMessage = systemMessage, Sample = sample }],
        .. reward is null ? [] : (MeasureRequest[])[new(Measured.Reward, reward) { Sample = sample }],
        .. embeddings is null ? [] : (MeasureRequest[])[new(Measured.Diversity, embeddings) { Sample = sample }],
        .. judges.Select(judge => new MeasureRequest(Measured.Judge, judge) { Asking = asking, JudgeName = judges.Length > 1 ? judge.Name : null, Sample = sample }),
    ];
}

/// <summary>Measures intrinsic metrics of a data set.</summary>
public sealed class MeasureStep : RunStep
{
    // Raised with every change after which the same data and answers would give other figures.
    private const string CodeVersion = "1";

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

    public override ImmutableArray<ModelSpec> Models => request.Model is { } model && request.What == Measured.Judge ? [model.Spec] : [];

    public override ImmutableArray<ModelSpec> Charged => request is { Model: { } model, What: Measured.Judge or Measured.Diversity } ? [model.Spec] : [];

    // A judge reads rubric and instance twice, and gives a reason of a few sentences each time; how long instances are is not known before there are any.
    public override StepEstimate Estimate() => request.What switch
    {
        Measured.Judge => StepEstimate.Of(request.Model!.Spec, 2L * Expected, 2L * Expected * (TokensOfRubric + TokensOfInstance), 2L * Expected * TokensOfVerdict),
        // Instruction and response apart, many texts a request.
        Measured.Diversity when request.Model!.Spec.Provider != ModelSpec.Embedded =>
            StepEstimate.Of(request.Model.Spec with { Mode = RequestMode.Online }, 2L * (Expected + JournaledEmbeddings.MostTexts - 1) / JournaledEmbeddings.MostTexts, (long)Expected * TokensOfInstance, 0),
        _ => StepEstimate.Nothing,
    };

    private const int TokensOfRubric = 300, TokensOfInstance = 400, TokensOfVerdict = 100;

    private int Expected => Math.Min(instances, request.Sample ?? int.MaxValue);

    public override async Task RunAsync(StepWorkspace workspace, StepContext context, CancellationToken cancellationToken)
    {
        var measurement = new DataSetMeasurement(await InstrumentsAsync(workspace, context, cancellationToken), random);
        var measured = await measurement.MeasureAsync(generator, setting, domain, Instances(context.Inputs[data.Key]), request.Sample, request.Against, cancellationToken);
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

    private async Task<MetricInstruments> InstrumentsAsync(StepWorkspace workspace, StepContext context, CancellationToken cancellationToken)
    {
        if (request.Model is not { } model)
            return new MetricInstruments();
        return request.What switch
        {
            Measured.Perplexity => new MetricInstruments { Texts = false, Likelihood = await LikelihoodAsync(model), Reference = request.Reference is { } reference ? await LikelihoodAsync(reference) : null },
            Measured.Reward => new MetricInstruments { Texts = false, Reward = new JournaledRewards(await services.OpenReward(model.Spec, cancellationToken), workspace.Journal, model.Identity) },
            Measured.Diversity => new MetricInstruments { Texts = false, Embeddings = await workspace.OpenEmbeddingsAsync(services.OpenEmbeddings, model, cancellationToken) },
            Measured.Judge => new MetricInstruments
            {
                Texts = false,
                JudgeName = request.JudgeName,
                Judge = new RubricJudge(
                    new JournaledChatClient(new TimedChatClient(await context.Models.OpenChatAsync(model.Spec, cancellationToken), workspace.ModelTime), workspace.Journal, model.Identity, workspace.Earlier, workspace.UnderWay(model.Identity)),
                    JudgeFormat.Of(request.Asking), model.Spec.MaxParallel),
            },
            _ => throw new InvalidOperationException($"{request.What} asks no model"),
        };

        async Task<ILikelihoodModel> LikelihoodAsync(IdentifiedModel by) =>
            new JournaledLikelihood(await services.OpenLikelihood(by.Spec, request.SystemMessage, cancellationToken), workspace.Journal, $"{by.Identity}\0{request.SystemMessage}");
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
        if (request.Sample is { } sample)
            parameters["sample"] = sample;
        if (request.Model is { } model)
            parameters["model"] = model.Identity;
        if (request.What == Measured.Perplexity)
            parameters["systemMessage"] = request.SystemMessage;
        if (request.Reference is { } reference)
            parameters["reference"] = reference.Identity;
        if (request.What == Measured.Judge)
        {
            parameters["asking"] = request.Asking.ToString().ToLowerInvariant();
            parameters["name"] = request.JudgeName;
            parameters["rubrics"] = new JsonArray([.. Rubric.Of(domain!.Value).Select(rubric => (JsonNode)Hash([rubric.Question, .. rubric.Levels]))]);
        }
        if (request.Against is { } against)
            parameters["against"] = Hash(against);
        return new StepIdentity("measure", CodeVersion, parameters, [data.Key]) { Asked = request.What == Measured.Judge ? request.Model!.Identity : null };
    }

    private static string Hash(IEnumerable<string> texts) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', texts))));
}

