using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Agora.Benchmarks;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.LanguageModels.Batches;
using Microsoft.Extensions.AI;

namespace Agora.Runs;

/// <summary>Has a model answer the questions of a benchmark.</summary>
public sealed class AnswerStep : RunStep
{
    // Raised with every change to how questions are put.
    private const string CodeVersion = "1";

    private readonly AnsweringModel model;
    private readonly IBenchmark benchmark;
    private readonly AnsweringSpec spec;
    private readonly string systemMessage;
    private readonly RandomStreams random;
    private readonly int samples;

    /// <param name="samples">Answers to each item, each drawn with a seed of its own.</param>
    internal AnswerStep(AnsweringModel model, IBenchmark benchmark, AnsweringSpec spec, string systemMessage, RandomStreams random, int samples = 1)
        : base($"answer {benchmark.Name} by {model.Name}", Identify(model, benchmark, spec, systemMessage, random, samples), model.Trained is { } trained ? [trained] : [])
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(samples);
        this.samples = samples;
        this.model = model;
        this.benchmark = benchmark;
        this.spec = spec;
        this.systemMessage = systemMessage;
        this.random = random;
    }

    public override ImmutableArray<ModelSpec> Models => [model.Spec];

    public override ModelCapabilities Needs =>
        (benchmark.Asking.IsContinued ? ModelCapabilities.PlainPrompt : ModelCapabilities.SystemMessage) | (benchmark.Asking.Stop.IsEmpty ? 0 : ModelCapabilities.StopSequences);

    public override StepEstimate Estimate()
    {
        var around = systemMessage.Length + benchmark.Asking.Exemplars.Sum(exemplar => exemplar.Question.Length + exemplar.Answer.Length);
        var input = benchmark.Items.Sum(item => StepEstimate.Tokens(around + item.Prompt.Length));
        // An answer is seldom longer than a few of its questions, and never longer than the limit.
        var output = benchmark.Items.Sum(item => Math.Min(spec.MaxNewTokens, 2 * StepEstimate.Tokens(item.Prompt.Length)));
        return StepEstimate.Of(model.Spec, (long)samples * benchmark.Items.Length, samples * input, samples * output);
    }

    public override async Task RunAsync(StepWorkspace workspace, StepContext context, CancellationToken cancellationToken)
    {
        using var chat = await workspace.OpenChatAsync(model.Spec, model.Identity, context, cancellationToken);
        var answers = new BenchmarkAnswer[samples * benchmark.Items.Length];      // the samples of an item lie together
        var gate = new Lock();
        var (done, input, output) = (0, 0L, 0L);
        await Parallel.ForAsync(0, answers.Length, new ParallelOptions { MaxDegreeOfParallelism = Waiting.AtOnce(model.Spec), CancellationToken = cancellationToken },
            async (place, stop) =>
            {
                var (number, sample) = Math.DivRem(place, samples);
                var item = benchmark.Items[number];
                var response = await chat.GetResponseAsync(Messages(item), Options(number, sample), stop);
                answers[place] = new BenchmarkAnswer
                {
                    ItemId = item.Id,
                    Prompt = item.Prompt,
                    Completion = response.Text,
                    Finished = response.FinishReason != ChatFinishReason.Length,
                };
                lock (gate)
                {
                    input += response.Usage?.InputTokenCount ?? 0;
                    output += response.Usage?.OutputTokenCount ?? 0;
                    context.Progress.Report(new StepProgress(++done, answers.Length, input + output, StepEstimate.Of(model.Spec, 0, input, output).Dollars));
                }
            });
        await workspace.Journal.FlushAsync(cancellationToken);
        workspace.Write(StepFiles.Answers, StepFiles.Lines(answers));
    }

    private List<ChatMessage> Messages(BenchmarkItem item) => benchmark.Asking.IsContinued
        ? [new ChatMessage(ChatRole.User, item.Prompt)]
        :
        [
            new ChatMessage(ChatRole.System, systemMessage),
            .. benchmark.Asking.Exemplars.SelectMany(exemplar => (ChatMessage[])[new(ChatRole.User, exemplar.Question), new(ChatRole.Assistant, exemplar.Answer)]),
            new ChatMessage(ChatRole.User, item.Prompt),
        ];

    // The same stream for every model: where two differ, it is not because of their luck.
    private ChatOptions Options(int item, int sample)
    {
        var stream = sample == 0 ? random.For($"answers/{benchmark.Name}", item) : random.For($"answers/{benchmark.Name}", item, sample);
        var options = new ChatOptions
        {
            Temperature = (float)spec.Temperature,
            TopP = (float)spec.TopP,
            MaxOutputTokens = spec.MaxNewTokens,
            Seed = stream.NextSeed(),
            AdditionalProperties = new AdditionalPropertiesDictionary { [SamplingOptions.RepetitionPenalty] = spec.RepetitionPenalty },
        };
        var asking = benchmark.Asking;
        if (!asking.Stop.IsEmpty)
            options.StopSequences = [.. asking.Stop];
        if (asking.IsContinued)
            options.AdditionalProperties[SamplingOptions.PlainPrompt] = true;
        if (asking.AnswerPrefix.Length > 0)
            options.AdditionalProperties[SamplingOptions.AnswerPrefix] = asking.AnswerPrefix;
        return options;
    }

    private static StepIdentity Identify(AnsweringModel model, IBenchmark benchmark, AnsweringSpec spec, string systemMessage, RandomStreams random, int samples)
    {
        // The questions alone: correcting the expected answer of an item asks no model again.
        var questions = new JsonArray([.. benchmark.Items.Select(item => (JsonNode)new JsonArray(item.Id, item.Prompt))]);
        var parameters = new JsonObject
        {
            ["model"] = model.Trained is null ? model.Identity : null,
            ["benchmark"] = benchmark.Name,
            ["questions"] = Convert.ToHexStringLower(SHA256.HashData(CanonicalJson.Write(questions))),
            ["spec"] = CanonicalJson.ToNode(spec),
            ["systemMessage"] = systemMessage,
            ["seed"] = random.Seed,
        };
        // Only where they are not the usual ones, so that answers which were given before there was a choice keep their keys.
        if (!benchmark.Asking.IsPlainChat)
            parameters["asking"] = CanonicalJson.ToNode(benchmark.Asking);
        if (samples != 1)
            parameters["samples"] = samples;
        return new StepIdentity("answer", CodeVersion, parameters, model.Trained is { } trained ? [trained.Key] : [])
        { Asked = model.Trained is null ? model.Identity : null };
    }
}

/// <summary>Who answers: a model of the experiment or a student trained in it.</summary>
/// <param name="Name">For people.</param>
/// <param name="Trained">Null for a model of the experiment.</param>
internal sealed record AnsweringModel(string Name, ModelSpec Spec, string Identity, TrainStep? Trained)
{
    public static AnsweringModel Of(IdentifiedModel model) => new(model.Name, model.Spec, model.Identity, null);

    public static AnsweringModel Of(TrainStep train, string name, StepStore store) => new(name, train.Student(store), train.Key.Value, train);
}
