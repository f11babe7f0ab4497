using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.SeedData.Catalogue;

/// <summary>The paper's nine seed sets and six benchmarks: where they are published, under which licence, and how their rows are read.</summary>
/// <remarks>
/// Ids, configs, splits and columns were read from the datasets' cards and from the tools that load them. No row of any of them is part of Agora. Checksums stand here only where
/// one is known for certain; for the rest the first pull records what it got, and every later use is held against that.
/// </remarks>
public static class DataCatalogue
{
    private const string MathWithdrawn =
        "the hub's usual copy of MATH was withdrawn after a notice of its rights holder (January 2025), so Agora names none: give a copy that you may use, as a path or an id";

    public static ImmutableArray<CatalogueEntry> Entries { get; } =
    [
        Seeds("math/instance_generation", "GSM8K train and MATH train", 14_856,
        [
            new()
            {
                Repository = "openai/gsm8k", Config = "main", Split = "train", Files = ["main/train-*.parquet"], Columns = ["question", "answer"], Licence = "MIT", Shape = RowShapes.Gsm8k,
            },
            new() { Config = "all", Split = "train", Columns = ["problem", "level", "solution"], Licence = "MIT claimed, contested", Withdrawn = MathWithdrawn, Shape = RowShapes.Math },
        ],
            "MATH rows without exactly one \\boxed{} or of unknown level are left out, which gives the paper's 7,383",
            "the paper's own file is hf://datasets/Data-Agora/math-seed-data@refs/convert/parquet/default/train/0000.parquet; it holds MATH rows too"),
        Seeds("math/response_generation", "Magpie-Reasoning (math), the instructions that the paper used", 10_000,
            [Published("magpie_math_claude3.5_sonnet_10000")],
            "only the instructions are kept; they come from Magpie-Align/Magpie-Reasoning-V1-150K (Llama 3 licence)",
            "the id is inferred from those of the code and general sets"),
        Seeds("math/quality_enhancement", "WebInstruct (math)", 10_000, [WebInstruct(math: true)], WebInstructNote),
        Seeds("code/instance_generation", "MBPP train and 500 rows of xP3x, as the paper publishes them", 874,
        [
            new()
            {
                Repository = "Data-Agora/code-seed-data", Config = "default", Split = "train", Files = ["data/train-*.parquet"], Columns = ["config", "instruction", "response"],
                Licence = "none stated; MBPP is CC-BY-4.0, xP3x Apache-2.0 over many sources", Shape = RowShapes.Pair("instruction", "response"),
            },
        ],
            "which 500 rows of xP3x were taken is not documented elsewhere",
            "up to 120 of EvalPlus's 378 MBPP tasks are among the seeds: the mbpp benchmark asks the test split alone for that reason"),
        Seeds("code/response_generation", "Magpie-Reasoning (code), the instructions that the paper used", 10_000,
            [Published("magpie_code_claude3.5_sonnet_10000")],
            "only the instructions are kept; they come from Magpie-Align/Magpie-Reasoning-V1-150K (Llama 3 licence)"),
        Seeds("code/quality_enhancement", "CoNaLa, mined pairs", 10_000,
        [
            new()
            {
                Repository = "neulab/conala", Config = "mined", Split = "train", Files = ["data/conala-mined.json"], Columns = ["intent", "snippet"], Licence = "MIT",
                ApproximateBytes = 160_000_000, Limit = 10_000, Shape = RowShapes.Pair("intent", "snippet"),
            },
        ],
            "the first 10,000 pairs of the file; which ones the paper took is not documented"),
        Seeds("instruction_following/instance_generation", "LIMA", 503,
        [
            new()
            {
                Repository = "GAIR/lima", Config = "plain_text", Split = "train", Files = ["train.jsonl"], Columns = ["conversations"], Licence = "CC BY-NC-SA or stricter", Gated = true,
                ApproximateBytes = 2_970_000, Limit = 503, Shape = RowShapes.Lima,
            },
        ],
            "the first 503 dialogues of one turn; by which rule the paper chose 503 of 1,030 is not documented"),
        Seeds("instruction_following/response_generation", "Magpie-Pro, the instructions that the paper used", 10_000,
            [Published("magpie_general_claude3.5_sonnet_10000")],
            "only the instructions are kept; they come from a Magpie-Pro set (Llama 3 licence, CC BY-NC 4.0 by its README)"),
        Seeds("instruction_following/quality_enhancement", "WebInstruct (general)", 10_000, [WebInstruct(math: false)], WebInstructNote),

        Benchmark("gsm8k", "GSM8K test", 1319,
        [
            new() { Repository = "openai/gsm8k", Config = "main", Split = "test", Files = ["main/test-*.parquet"], Columns = ["question", "answer"], Licence = "MIT", Shape = RowShapes.Benchmark("question", "answer") },
        ]),
        Benchmark("math", "MATH test, or MATH-500", null,
        [
            new() { Config = "all", Split = "test", Columns = ["problem", "solution"], Licence = "MIT claimed, contested", Withdrawn = MathWithdrawn, Shape = RowShapes.Benchmark("problem", "solution") },
        ]),
        Benchmark("humaneval", "HumanEval", 164,
        [
            new()
            {
                Repository = "openai/openai_humaneval", Config = "openai_humaneval", Split = "test", Files = ["openai_humaneval/test-*.parquet"], Licence = "MIT",
                Columns = ["task_id", "prompt", "canonical_solution", "test", "entry_point"], ApproximateBytes = 84_000, Shape = RowShapes.Benchmark("task_id", "prompt", "test", "entry_point"),
            },
        ]),
        Benchmark("mbpp", "MBPP, test split (tasks 11 to 510)", 500,
        [
            new()
            {
                Repository = "google-research-datasets/mbpp", Config = "full", Split = "test", Files = ["full/test-*.parquet"], Licence = "CC-BY-4.0",
                Columns = ["task_id", "text", "code", "test_list", "test_setup_code"], ApproximateBytes = 116_000, Shape = RowShapes.Benchmark("task_id", "text", "code", "test_list"),
            },
        ]),
        Benchmark("alpaca_eval", "AlpacaEval 2.0 with the baseline's answers", 805,
        [
            new()
            {
                Repository = "tatsu-lab/alpaca_eval", Config = "alpaca_eval_gpt4_baseline", Split = "eval", Files = ["alpaca_eval_gpt4_baseline.json"], Licence = "CC-BY-NC-4.0",
                Columns = ["instruction", "output", "generator"], ApproximateBytes = 1_900_000, Shape = RowShapes.Benchmark("instruction", "output"),
            },
            // For the length-controlled win rate; the checksums are those that others quote for these files.
            new()
            {
                Repository = "tatsu-lab/alpaca_eval", Config = "length control", Split = "eval", Files = ["df_gamed.csv", "instruction_difficulty.csv"], Columns = [], Licence = "CC-BY-NC-4.0",
                ApproximateBytes = 170_000,
                KnownSha256 = ImmutableDictionary.CreateRange(
                [
                    KeyValuePair.Create("df_gamed.csv", "97aeec3f1c7de6dee6fd31fe66f1702623f4614c3efe1c6fc5f4927cd5fd674d"),
                    KeyValuePair.Create("instruction_difficulty.csv", "e28d875bb334f75e17acd1e4ed659b261860e3db379cf5de29060301bed0a18b"),
                ]),
            },
        ]),
        Benchmark("arena_hard", "Arena-Hard v0.1 with the answers of gpt-4-0314", 500,
        [
            new()
            {
                Repository = "lmarena-ai/arena-hard-auto", Config = "v0.1", Split = "answers", Licence = "Apache-2.0",
                Files = ["data/arena-hard-v0.1/model_answer/gpt-4-0314.jsonl"], Columns = ["uid", "messages"], Shape = ArenaHardRows.Answer,
            },
            new()
            {
                Repository = "lmarena-ai/arena-hard-auto", Config = "v0.1", Split = "questions", Licence = "Apache-2.0",
                Files = ["data/arena-hard-v0.1/question.jsonl"], Columns = ["uid", "prompt"], Shape = ArenaHardRows.Question,
            },
        ]),
    ];

    /// <exception cref="AgoraException">No entry has this name.</exception>
    public static CatalogueEntry Find(string name) =>
        Entries.FirstOrDefault(entry => entry.Name == name)
        ?? throw new AgoraException($"the catalogue has no \"{name}\"{NameSuggestion.For(name, Entries.Select(entry => entry.Name))}", CatalogueEntry.Scheme + name, "\"agora data list\" shows every name") { ExitCode = 2 };

    private const string WebInstructNote =
        "the original pair of the first 10,000 rows, math being those from mathstackexchange: the paper does not document its choice; rows from socratic are CC BY-NC 4.0";

    private static CatalogueEntry Seeds(string setting, string title, int rows, ImmutableArray<CataloguePart> parts, params string[] notes) =>
        new() { Name = setting, Kind = CatalogueKind.Seeds, Title = title, Rows = rows, Parts = parts, Notes = [.. notes] };

    private static CatalogueEntry Benchmark(string name, string title, int? rows, ImmutableArray<CataloguePart> parts) =>
        new() { Name = name, Kind = CatalogueKind.Benchmark, Title = title, Rows = rows, Parts = parts };

    // The paper's generated sets carry the very instructions that every generator was given.
    private static CataloguePart Published(string name) => new()
    {
        Repository = $"Data-Agora/{name}",
        Config = "default",
        Split = "train",
        Files = ["data/train-*.parquet"],
        Columns = ["instruction"],
        Licence = "none stated",
        Limit = 10_000,
        Shape = RowShapes.Instruction("instruction"),
    };

    private static CataloguePart WebInstruct(bool math) => new()
    {
        Repository = "TIGER-Lab/WebInstructSub",
        Config = "default",
        Split = "train",
        Files = ["data/train-*.parquet"],
        Columns = ["orig_question", "orig_answer", "source"],
        Licence = "Apache-2.0, some rows CC BY-NC 4.0",
        Limit = 10_000,
        Shape = RowShapes.WebInstruct(math),
    };
}
