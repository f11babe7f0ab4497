using System.Collections.Immutable;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Agora.Experiments;

/// <summary>What is to be run: generators × settings × students × training seeds, and how. One YAML file, read strictly by <c>ExperimentFile</c>.</summary>
public sealed record Experiment
{
    [RegularExpression("[A-Za-z0-9][A-Za-z0-9._-]*")]
    public required string Name { get; init; }
    /// <summary>Every random choice of the run derives from it.</summary>
    public long Seed { get; init; } = 42;
    /// <summary>Every model of the experiment, named once; the other sections refer to these names.</summary>
    public required ImmutableSortedDictionary<string, ModelSpec> Models { get; init; }
    /// <summary>Names of models that write data; may be absent where <see cref="DataSets"/> are given.</summary>
    public ImmutableArray<string> Generators { get; init; } = [];
    /// <summary>Meta-prompts that every generator is asked with, one after the other, to be compared in every setting; <c>generation.metaPrompt</c> alone where none are given. The first keeps the generators' names, the others are reported as NAME+VARIANT.</summary>
    public ImmutableArray<MetaPromptVariant> MetaPrompts { get; init; } = [];
    /// <summary>What each generator writes data for; required with <see cref="Generators"/>.</summary>
    public ImmutableArray<Setting> Settings { get; init; } = [];
    [MinLength(1)]
    public required ImmutableArray<StudentSpec> Students { get; init; }
    /// <summary>One student is trained per seed; several widen the interval honestly.</summary>
    [MinLength(1)]
    public ImmutableArray<long> TrainingSeeds { get; init; } = [42];
    public GenerationSpec Generation { get; init; } = new();
    /// <summary>Seed data of each setting; those of settings that are not run may stand here too.</summary>
    public ImmutableSortedDictionary<Setting, DataSource> SeedData { get; init; } = ImmutableSortedDictionary<Setting, DataSource>.Empty;
    /// <summary>Data that exist already, such as published data sets: they go straight to training and get their PGR beside the generators.</summary>
    public ImmutableArray<GivenDataSet> DataSets { get; init; } = [];
    public StudentRecipe Recipe { get; init; } = new();
    /// <summary>Benchmarks of each domain; a setting's PGR is the mean over its domain's.</summary>
    public required ImmutableSortedDictionary<Domain, ImmutableArray<BenchmarkSpec>> Benchmarks { get; init; }
    /// <summary>How students, base and reference answer, by domain.</summary>
    public ImmutableSortedDictionary<Domain, AnsweringSpec> Answering { get; init; } = ImmutableSortedDictionary<Domain, AnsweringSpec>.Empty;
    /// <summary>Names of models that judge the pairwise benchmarks.</summary>
    public ImmutableArray<string> Judges { get; init; } = [];
    public JudgingSpec Judging { get; init; } = new();
    public ConfidenceSpec Confidence { get; init; } = new();
    /// <summary>Intrinsic metrics of the data that generators write; nothing is measured where absent.</summary>
    public MetricsSpec? Metrics { get; init; }
    public BudgetSpec Budget { get; init; } = new();
    /// <summary>Also score the generators themselves on the benchmarks (problem-solving ability).</summary>
    public bool ProblemSolving { get; init; }
}

/// <summary>A model and how to reach it.</summary>
public sealed record ModelSpec
{
    /// <summary>The provider that runs a model folder of this machine.</summary>
    public const string Embedded = "embedded";
    /// <summary>The provider that asks an OpenAI-compatible endpoint.</summary>
    public const string OpenAI = "openai";
    /// <summary>The provider that asks a resource of Azure OpenAI.</summary>
    public const string Azure = "azure";
    /// <summary>The provider that asks Anthropic's Messages API.</summary>
    public const string Anthropic = "anthropic";

    /// <summary><c>embedded</c>: a Hugging Face folder on this machine. <c>openai</c>: any OpenAI-compatible endpoint. <c>azure</c>: a resource of Azure OpenAI. <c>anthropic</c>: Anthropic's Messages API.</summary>
    [AllowedValues(Embedded, OpenAI, Azure, Anthropic)]
    public required string Provider { get; init; }
    /// <summary>embedded: the model's folder.</summary>
    [FilePath]
    public string? Path { get; init; }
    /// <summary>The model's name at the endpoint; azure: the deployment's name.</summary>
    public string? Model { get; init; }
    /// <summary>openai: base URL up to and with /v1. azure: https://RESOURCE.openai.azure.com. anthropic: https://api.anthropic.com where absent.</summary>
    public string? Endpoint { get; init; }
    /// <summary>Name of the environment variable that holds the key; the key itself reaches no file and no log.</summary>
    [RegularExpression("[A-Za-z_][A-Za-z0-9_]*")]
    public string? ApiKeyVariable { get; init; }
    /// <summary>azure: version of the deployments API, such as 2024-10-21; the v1 API where absent.</summary>
    [RegularExpression("[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?")]
    public string? ApiVersion { get; init; }
    /// <summary>What the endpoint can do, where it differs from what its provider usually can.</summary>
    public CapabilitySpec? Capabilities { get; init; }
    /// <summary>The shipped price table's where absent; overrides it where given.</summary>
    public Price? Price { get; init; }
    /// <summary>For the method self_synthesis: the model's chat template up to where a user's words begin, e.g. "&lt;|im_start|&gt;user\n". An embedded model's own where absent.</summary>
    public string? UserTurn { get; init; }
    /// <summary>Sampling temperature when this model writes data; <c>generation.temperature</c> where absent. The same model may stand under several names, each with its own.</summary>
    [Range(0.0, 2.0)]
    public double? Temperature { get; init; }
    /// <summary>Nucleus sampling's probability when this model writes data; <c>generation.topP</c> where absent. Models that take no sampling options (GPT-5's kin) want it, and the temperature, at 1.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double? TopP { get; init; }
    /// <summary>The meta-prompt when this model writes data; <c>generation.metaPrompt</c> where absent.</summary>
    public MetaPromptVariant? MetaPrompt { get; init; }
    /// <summary>Requests in flight at once.</summary>
    [Range(1, 4096)]
    public int MaxParallel { get; init; } = 64;
    /// <summary>Seconds that one request may take until its whole answer is there, however slowly it trickles in; then it is sent again, and both may be charged. 600 where absent.</summary>
    [Range(1.0, 86_400.0)]
    public double? RequestTimeoutSeconds { get; init; }
    /// <summary>What the endpoint allows, where it is known; what its answers' headers say is learned besides.</summary>
    public RateLimits? Limits { get; init; }
    /// <summary>How requests go out. <c>online</c>: one by one. <c>batch</c>: through the provider's batch API, at its lower price, with answers within a day. <c>auto</c>: in batches where the provider has them and enough requests wait together, else online.</summary>
    public RequestMode Mode { get; init; } = RequestMode.Online;
    /// <summary>For the modes batch and auto.</summary>
    public BatchSpec? Batch { get; init; }
    /// <summary>openai, where the model measures perplexity. <c>chat</c>: conversations in the server's own chat template, by vLLM's <c>prompt_logprobs</c>. <c>completions</c>: instruction, an empty line and response as plain text, by <c>echo</c> with <c>logprobs</c>.</summary>
    public LikelihoodReading Likelihood { get; init; } = LikelihoodReading.Chat;
}

/// <summary><see cref="Chat"/>: in the server's chat template, by <c>prompt_logprobs</c>. <see cref="Completions"/>: as plain text, by <c>echo</c> and <c>logprobs</c>.</summary>
public enum LikelihoodReading { Chat, Completions }

/// <summary><see cref="Online"/>: one by one. <see cref="Batch"/>: through the provider's batch API. <see cref="Auto"/>: in batches where enough requests wait together.</summary>
public enum RequestMode { Online, Batch, Auto }

/// <summary>How requests are gathered into batches and waited for.</summary>
public sealed record BatchSpec
{
    /// <summary>auto: fewer requests than this that wait together go online.</summary>
    [Range(1, 100_000)]
    public int Fewest { get; init; } = 100;
    /// <summary>A batch is sent off when no further request has come for so long.</summary>
    [Range(0.0, 3600.0, MinimumIsExclusive = true)]
    public double GatherSeconds { get; init; } = 2;
    /// <summary>The longest time between two looks at a running batch; the first are sooner.</summary>
    [Range(0.0, 3600.0, MinimumIsExclusive = true)]
    public double PollSeconds { get; init; } = 60;
}

/// <summary>What an endpoint can do; what is absent is as its provider usually has it. A run that needs what is not there is refused before anything is asked.</summary>
public sealed record CapabilitySpec
{
    public bool? LogProbabilities { get; init; }
    public bool? Seed { get; init; }
    public bool? SystemMessage { get; init; }
    public bool? StopSequences { get; init; }
    public bool? StructuredOutput { get; init; }
    public bool? PromptCaching { get; init; }
    /// <summary>Continuing a text without chat template, as base models are asked: /completions.</summary>
    public bool? PlainPrompt { get; init; }
    /// <summary>How likely the model holds a text that it is given, as perplexity needs.</summary>
    public bool? PromptLogProbabilities { get; init; }
    /// <summary>The provider's batch API. OpenAI's own endpoint and Anthropic have one; another OpenAI-compatible endpoint that has /batches may say so here.</summary>
    public bool? Batch { get; init; }
}

/// <summary>Limits of an endpoint; each is optional, and all hold for every step of a run together.</summary>
public sealed record RateLimits
{
    [Range(0.0, 1_000_000.0, MinimumIsExclusive = true)]
    public double? RequestsPerSecond { get; init; }
    [Range(1, 100_000_000)]
    public int? RequestsPerMinute { get; init; }
    [Range(1, int.MaxValue)]
    public int? InputTokensPerMinute { get; init; }
    /// <summary>A request counts with the most it may write until its answer is there.</summary>
    [Range(1, int.MaxValue)]
    public int? OutputTokensPerMinute { get; init; }
}

/// <summary>US dollars per million tokens.</summary>
public sealed record Price
{
    [Range(0, 100_000)]
    public required decimal Input { get; init; }
    /// <summary>Of input that the endpoint had in its prompt cache; <see cref="Input"/> where absent.</summary>
    [Range(0, 100_000)]
    public decimal? CachedInput { get; init; }
    /// <summary>Of input that the endpoint put into its prompt cache because it was asked to, as Anthropic's is for prompts that come again; <see cref="Input"/> where absent.</summary>
    [Range(0, 100_000)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]   // data sets of before it was told keep their bytes
    public decimal? CacheWrite { get; init; }
    [Range(0, 100_000)]
    public required decimal Output { get; init; }
    /// <summary>What a request through the provider's batch API costs, as a share of these prices: 0.5 is half price; absent where it has none.</summary>
    [Range(0.0, 1.0)]
    public decimal? Batch { get; init; }

    /// <returns>US dollars.</returns>
    /// <param name="inputTokens">Those read from the cache and those written into it included.</param>
    public decimal Of(long inputTokens, long cachedInputTokens, long outputTokens, long cacheWrittenTokens = 0) =>
        ((inputTokens - cachedInputTokens - cacheWrittenTokens) * Input + cachedInputTokens * (CachedInput ?? Input) + cacheWrittenTokens * (CacheWrite ?? Input) + outputTokens * Output) / 1_000_000m;

    /// <returns>US dollars: the most that a request may cost, whether or not its input goes into the endpoint's prompt cache.</returns>
    public decimal MostOf(long inputTokens, long outputTokens) =>
        Math.Max(Of(inputTokens, cachedInputTokens: 0, outputTokens), Of(inputTokens, cachedInputTokens: 0, outputTokens, cacheWrittenTokens: inputTokens));
}

/// <summary>What the experiment may cost.</summary>
public sealed record BudgetSpec
{
    /// <summary>US dollars for everything that is asked of priced models: generation, answers, judging, failed and repeated requests. Requests in flight count with the most they may cost. No limit where absent.</summary>
    [Range(0.0, 1e9)]
    public decimal? LimitDollars { get; init; }
    /// <summary>US dollars for an hour of the machine that trains students, for the reports' comparison of dollars and PGR; training is not counted there where absent. It is no part of the limit.</summary>
    [Range(0.0, 1e6, MinimumIsExclusive = true)]
    public double? TrainingDollarsPerHour { get; init; }
    /// <summary>How many tokens a second that machine trains on; belongs to trainingDollarsPerHour.</summary>
    [Range(0.0, 1e9, MinimumIsExclusive = true)]
    public double? TrainingTokensPerSecond { get; init; }
}

public sealed record StudentSpec
{
    public required string Name { get; init; }
    /// <summary>S_∅: what the student is before training, and PGR's 0 %.</summary>
    public required string Base { get; init; }
    /// <summary>S_ref: PGR's 100 %.</summary>
    public required string Reference { get; init; }
}

/// <summary>Data generation (arXiv:2412.03679, section 2 and appendix); the defaults are the paper's.</summary>
public sealed record GenerationSpec
{
    /// <summary>Valid instances wanted per generator and setting: exactly this many, or the stated limit is reached.</summary>
    [Range(1, 10_000_000)]
    public int Instances { get; init; } = 10_000;
    /// <summary>Instances per round; a round's demonstrations come only from complete earlier rounds.</summary>
    [Range(1, 10_000_000)]
    public int RoundLength { get; init; } = 500;
    public MetaPromptVariant MetaPrompt { get; init; } = MetaPromptVariant.Agorabench;
    /// <summary>Folder with one subfolder per meta-prompt variant, and with themes and opening words.</summary>
    [FilePath]
    public string Prompts { get; init; } = "prompts";
    public string SystemMessage { get; init; } = "You are a helpful assistant that writes training data.";
    [Range(0.0, 2.0)]
    public double Temperature { get; init; } = 1.0;
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double TopP { get; init; } = 0.9;
    [Range(1, 1_000_000)]
    public int MaxNewTokens { get; init; } = 4096;
    public ImmutableArray<string> Stop { get; init; } = ["[END]"];
    /// <summary>Completions asked for per planned instance before its place goes to top-up.</summary>
    [Range(1, 1000)]
    public int TriesPerInstance { get; init; } = 10;
    /// <summary>The stated limit: completions in all, as a multiple of <see cref="Instances"/>.</summary>
    [Range(1.0, 1000.0)]
    public double MaxCompletionsPerInstance { get; init; } = 10;
    /// <summary>Instruction and response in the student's chat format must fit.</summary>
    [Range(1, 1_000_000)]
    public int MaxInstanceTokens { get; init; } = 4096;
    /// <summary>How answers of the meta-prompt variant json_format are read.</summary>
    public JsonReading Json { get; init; } = JsonReading.Strict;
    public FilterSpec Filters { get; init; } = new();
    /// <summary>For the method best_of_n.</summary>
    public BestOfSpec? BestOf { get; init; }
}

/// <summary>Several responses to one instruction, of which a judge's favourite becomes the instance.</summary>
public sealed record BestOfSpec
{
    /// <summary>Responses asked for per instruction.</summary>
    [Range(2, 64)]
    public int Candidates { get; init; } = 4;
    /// <summary>Name of the model that scores them in words, from 1 to 10. This or <see cref="Reward"/>.</summary>
    public string? Judge { get; init; }
    /// <summary>Name of the reward model that scores them: an embedded folder with one label, as Skywork-Reward-Llama-3.1-8B. This or <see cref="Judge"/>.</summary>
    public string? Reward { get; init; }
}

/// <summary>Where rows come from and which columns hold what.</summary>
public sealed record DataSource
{
    /// <summary>JSON, JSONL, either with .gz, or Parquet: a path, hf://datasets/owner/name@revision/path, or catalogue: and a name of "agora data list".</summary>
    [FilePath(OrDataName = true)]
    public required string File { get; init; }
    public string InstructionColumn { get; init; } = "instruction";
    public string ResponseColumn { get; init; } = "response";
    /// <summary>At most this many rows, from the start; all where absent.</summary>
    [Range(1, int.MaxValue)]
    public int? Limit { get; init; }
}

/// <summary>Training data that no generator of this experiment writes.</summary>
public sealed record GivenDataSet
{
    /// <summary>Stands where a generator's name stands in results; must differ from all of them.</summary>
    public required string Name { get; init; }
    /// <summary>The setting that the data count for: it decides the benchmarks. Nothing is added to the data.</summary>
    public required Setting Setting { get; init; }
    public required DataSource Data { get; init; }
}

public sealed record BenchmarkSpec
{
    /// <summary>A name of the catalogue: nano_math, nano_code, nano_instruction_following, gsm8k, math, humaneval, mbpp, alpaca_eval, arena_hard.</summary>
    public required string Name { get; init; }
    /// <summary>A path, hf://datasets/owner/name@revision/path, or catalogue: and a name of "agora data list".</summary>
    [FilePath(OrDataName = true)]
    public required string File { get; init; }
    /// <summary>At most this many items, from the start; all where absent.</summary>
    [Range(1, int.MaxValue)]
    public int? Limit { get; init; }
}

/// <summary>How the judges of pairwise benchmarks are asked and read.</summary>
public sealed record JudgingSpec
{
    /// <summary>Where AlpacaEval's preference comes from.</summary>
    public PreferenceReading Preference { get; init; } = PreferenceReading.LogProbabilities;
    /// <summary>Requests to a judge for one verdict at most; then there is none. A verdict from log-probabilities is asked for once, as published.</summary>
    [Range(1, 10)]
    public int Attempts { get; init; } = 2;
}

/// <summary><see cref="LogProbabilities"/>: how likely the judge's first token was to name either output, as published. <see cref="Text"/>: the output that the judge names, for endpoints without log-probabilities.</summary>
public enum PreferenceReading { LogProbabilities, Text }

/// <summary>Student inference; the defaults are the paper's for other domains than math.</summary>
public sealed record AnsweringSpec
{
    [Range(0.0, 2.0)]
    public double Temperature { get; init; }
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double TopP { get; init; } = 0.95;
    [Range(1, 1_000_000)]
    public int MaxNewTokens { get; init; } = 1024;
    [Range(0.0, 10.0, MinimumIsExclusive = true)]
    public double RepetitionPenalty { get; init; } = 1.03;
}

public sealed record ConfidenceSpec
{
    /// <summary>Percent.</summary>
    [Range(0.0, 100.0, MinimumIsExclusive = true, MaximumIsExclusive = true)]
    public double Level { get; init; } = 95;
    [Range(100, 1_000_000)]
    public int Resamples { get; init; } = 2000;
}
