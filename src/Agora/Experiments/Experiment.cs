using System.Collections.Immutable;

namespace Agora.Experiments;

/// <summary>What is to be run: generators × settings × students × training seeds, and how. One YAML file, read strictly by <c>ExperimentFile</c>.</summary>
public sealed record Experiment
{
    public required string Name { get; init; }
    /// <summary>Every random choice of the run derives from it.</summary>
    public long Seed { get; init; } = 42;
    /// <summary>Every model of the experiment, named once; the other sections refer to these names.</summary>
    public required ImmutableSortedDictionary<string, ModelSpec> Models { get; init; }
    public required ImmutableArray<string> Generators { get; init; }
    public required ImmutableArray<Setting> Settings { get; init; }
    public required ImmutableArray<StudentSpec> Students { get; init; }
    /// <summary>One student is trained per seed; several widen the interval honestly.</summary>
    public ImmutableArray<long> TrainingSeeds { get; init; } = [42];
    public required GenerationSpec Generation { get; init; }
    /// <summary>Seed data of each setting.</summary>
    public required ImmutableSortedDictionary<Setting, DataSource> SeedData { get; init; }
    /// <summary>Data that exist already, such as published data sets: they go straight to training and get their PGR beside the generators.</summary>
    public ImmutableArray<GivenDataSet> DataSets { get; init; } = [];
    public StudentRecipe Recipe { get; init; } = new();
    /// <summary>Benchmarks of each domain; a setting's PGR is the mean over its domain's.</summary>
    public required ImmutableSortedDictionary<Domain, ImmutableArray<BenchmarkSpec>> Benchmarks { get; init; }
    /// <summary>How students, base and reference answer, by domain.</summary>
    public ImmutableSortedDictionary<Domain, AnsweringSpec> Answering { get; init; } = ImmutableSortedDictionary<Domain, AnsweringSpec>.Empty;
    /// <summary>Names of models that judge the pairwise benchmarks.</summary>
    public ImmutableArray<string> Judges { get; init; } = [];
    public ConfidenceSpec Confidence { get; init; } = new();
    /// <summary>Also score the generators themselves on the benchmarks (problem-solving ability).</summary>
    public bool ProblemSolving { get; init; }
}

/// <summary>A model and how to reach it.</summary>
public sealed record ModelSpec
{
    /// <summary><c>embedded</c>: a Hugging Face folder on this machine. <c>openai</c>: any OpenAI-compatible endpoint.</summary>
    public required string Provider { get; init; }
    /// <summary>embedded: the model's folder.</summary>
    public string? Path { get; init; }
    /// <summary>openai: the model's name at the endpoint.</summary>
    public string? Model { get; init; }
    /// <summary>openai: base URL up to and with /v1.</summary>
    public string? Endpoint { get; init; }
    /// <summary>openai: name of the environment variable that holds the key; the key itself reaches no file and no log.</summary>
    public string? ApiKeyVariable { get; init; }
    public Price? Price { get; init; }
    /// <summary>Requests in flight at once.</summary>
    public int MaxParallel { get; init; } = 64;
}

/// <summary>US dollars per million tokens.</summary>
public sealed record Price
{
    public required decimal Input { get; init; }
    public required decimal Output { get; init; }
}

public sealed record StudentSpec
{
    public required string Name { get; init; }
    /// <summary>S_∅: what the student is before training, and PGR's 0 %.</summary>
    public required string Base { get; init; }
    /// <summary>S_ref: PGR's 100 %.</summary>
    public required string Reference { get; init; }
}

/// <summary>SPEC section 3; the defaults are the paper's.</summary>
public sealed record GenerationSpec
{
    /// <summary>Valid instances wanted per generator and setting: exactly this many, or the stated limit is reached.</summary>
    public required int Instances { get; init; }
    /// <summary>Instances per round; a round's demonstrations come only from complete earlier rounds.</summary>
    public int RoundLength { get; init; } = 500;
    public MetaPromptVariant MetaPrompt { get; init; } = MetaPromptVariant.Agorabench;
    /// <summary>Folder with one subfolder per meta-prompt variant, and with themes and opening words.</summary>
    public string Prompts { get; init; } = "prompts";
    public string SystemMessage { get; init; } = "You are a helpful assistant that writes training data.";
    public double Temperature { get; init; } = 1.0;
    public double TopP { get; init; } = 0.9;
    public int MaxNewTokens { get; init; } = 4096;
    public ImmutableArray<string> Stop { get; init; } = ["[END]"];
    /// <summary>Completions asked for per planned instance before its place goes to top-up.</summary>
    public int TriesPerInstance { get; init; } = 10;
    /// <summary>The stated limit: completions in all, as a multiple of <see cref="Instances"/>.</summary>
    public double MaxCompletionsPerInstance { get; init; } = 10;
    /// <summary>Instruction and response in the student's chat format must fit.</summary>
    public int MaxInstanceTokens { get; init; } = 4096;
}

/// <summary>Where rows come from and which columns hold what.</summary>
public sealed record DataSource
{
    /// <summary>JSON, JSONL, either with .gz, or Parquet.</summary>
    public required string File { get; init; }
    public string InstructionColumn { get; init; } = "instruction";
    public string ResponseColumn { get; init; } = "response";
    /// <summary>At most this many rows, from the start; all where absent.</summary>
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

/// <summary>SFT of the student (table 6 of the paper; the defaults are the paper's).</summary>
public sealed record StudentRecipe
{
    public int Epochs { get; init; } = 5;
    public double LearningRate { get; init; } = 1e-5;
    /// <summary>The learning rate is multiplied by this after each epoch.</summary>
    public double EpochDecay { get; init; } = 0.85;
    /// <summary>Steps over which the learning rate rises linearly from 0.</summary>
    public int WarmupSteps { get; init; }
    public double WeightDecay { get; init; } = 0.01;
    /// <summary>Packed sequences per micro-batch.</summary>
    public int BatchSize { get; init; } = 4;
    public int GradientAccumulation { get; init; } = 8;
    /// <summary>Tokens per packed sequence, and the longest row that is trained on.</summary>
    public int MaxLength { get; init; } = 4096;
    public Packing Packing { get; init; } = Packing.Isolated;
    /// <summary>Gradients are scaled down to this L2 norm; 0 turns clipping off.</summary>
    public double ClipNorm { get; init; }
    public string SystemMessage { get; init; } = "You are a helpful AI assistant.";
}

/// <summary><see cref="Isolated"/>: documents of a packed sequence do not see each other. <see cref="Plain"/>: they do, as in the paper's code.</summary>
public enum Packing { Isolated, Plain }

public sealed record BenchmarkSpec
{
    /// <summary>A name of the catalogue: nano_math, nano_code, nano_instruction_following, gsm8k, math, humaneval, mbpp, alpaca_eval, arena_hard.</summary>
    public required string Name { get; init; }
    public required string File { get; init; }
    /// <summary>At most this many items, from the start; all where absent.</summary>
    public int? Limit { get; init; }
}

/// <summary>SPEC section 4, student inference; the defaults are the paper's for other domains than math.</summary>
public sealed record AnsweringSpec
{
    public double Temperature { get; init; }
    public double TopP { get; init; } = 0.95;
    public int MaxNewTokens { get; init; } = 1024;
    public double RepetitionPenalty { get; init; } = 1.03;
}

public sealed record ConfidenceSpec
{
    /// <summary>Percent.</summary>
    public double Level { get; init; } = 95;
    public int Resamples { get; init; } = 2000;
}
