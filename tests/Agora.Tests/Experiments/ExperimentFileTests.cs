using System.Diagnostics;
using System.Text;
using Agora.Experiments;

namespace Agora.Tests.Experiments;

public sealed class ExperimentFileTests
{
    private const string Valid = """
        name: small
        models:
          gen: {provider: openai, model: m, endpoint: "http://127.0.0.1:8000/v1"}
          base: {provider: embedded, path: models/base}
          ref: {provider: embedded, path: models/ref}
        generators: [gen]
        settings: [math/instance_generation]
        students:
          - {name: s, base: base, reference: ref}
        generation: {instances: 10}
        seedData:
          math/instance_generation: {file: seeds.jsonl}
        benchmarks:
          math:
            - {name: gsm8k, file: gsm8k.jsonl}

        """;

    [Fact]
    public void A_valid_file_takes_the_papers_defaults()
    {
        var experiment = Read(Valid);
        Assert.Equal(5, experiment.Recipe.Epochs);
        Assert.Equal(0.85, experiment.Recipe.EpochDecay);
        Assert.Equal(0.9, experiment.Generation.TopP);
        Assert.Equal(95, experiment.Confidence.Level);
        Assert.Equal([42], experiment.TrainingSeeds);
    }

    [Fact]
    public void Json_is_read_too() => Assert.Equal("small", Read("""
        {
        	"name": "small",
        	"models": {"base": {"provider": "embedded", "path": "b\/ase"}, "ref": {"provider": "embedded", "path": "r\u00e9f \ud83d\ude00"}},
        	"dataSets": [{"name": "mine", "setting": "math/response_generation", "data": {"file": "mine.jsonl"}}],
        	"students": [{"name": "s", "base": "base", "reference": "ref"}],
        	"benchmarks": {"math": [{"name": "gsm8k", "file": "gsm8k.jsonl", "limit": 10}]}
        }
        """).Name);

    [Fact]
    public void Relative_paths_start_at_the_files_own_folder()
    {
        var experiment = Read(Valid, source: "/somewhere/experiments/small.yaml");
        Assert.Equal("/somewhere/experiments/models/base", experiment.Models["base"].Path);
        Assert.Equal("/somewhere/experiments/seeds.jsonl", experiment.SeedData[Setting.All[0]].File);
    }

    [Theory]
    [InlineData("generation: {instances: 10}", "generation: {instances: ten}", "10:25", "generation.instances must be a whole number, got \"ten\"")]
    [InlineData("generation: {instances: 10}", "budget: {trainingDollarsPerHour: 2}", "10:34", "budget.trainingDollarsPerHour needs budget.trainingTokensPerSecond: training costs its time times its price")]
    [InlineData("generation: {instances: 10}", "budget: {trainingTokensPerSecond: 2}", "10:35", "budget.trainingTokensPerSecond needs budget.trainingDollarsPerHour: training costs its time times its price")]
    [InlineData("generation: {instances: 10}", "generation: {instances: 0}", "10:25", "generation.instances must be at least 1 and at most 10000000, got 0")]
    [InlineData("generation: {instances: 10}", "generation: {instances: 1.5}", "10:25", "generation.instances must be a whole number, got 1.5")]
    [InlineData("generation: {instances: 10}", "generation: {instances: \"10\"}", "10:25", "generation.instances must be a whole number, got \"10\"")]
    [InlineData("generation: {instances: 10}", "generation: {instances: 99999999999}", "10:25", "generation.instances must be from -2147483648 to 2147483647, got 99999999999")]
    [InlineData("generation: {instances: 10}", "generation: {temperature: .nan}", "10:27", "generation.temperature must be a finite number, got \".nan\"")]
    [InlineData("generation: {instances: 10}", "generation: {topP: 0}", "10:20", "generation.topP must be above 0 and at most 1, got 0")]
    [InlineData("generation: {instances: 10}", "recipe: {learningRate: -1e-5}", "10:24", "recipe.learningRate must be above 0 and below 1, got -1e-5")]
    [InlineData("generation: {instances: 10}", "generation: {instances: }", "10:25", "generation.instances must have a value; delete the key where none is wanted, got nothing")]
    [InlineData("generation: {instances: 10}", "generation: {json: schema}", "10:20", "generation.json schema belongs to the meta-prompt json_format, and no generator is asked with it")]
    [InlineData("generation: {instances: 10}", "generation: {metaPrompt: jsonformat}", "10:26", "generation.metaPrompt must be agorabench, unoptimized or json_format, got \"jsonformat\"; did you mean \"json_format\"?")]
    [InlineData("generation: {instances: 10}", "generation: {max_new_tokens: 5}", "10:14", "generation.max_new_tokens is not a known key; did you mean \"maxNewTokens\"?")]
    [InlineData("generation: {instances: 10}", "generation: [10]", "10:13", "generation must be a mapping of keys to values, got a list")]
    [InlineData("generation: {instances: 10}", "problemSolving: yes", "10:17", "problemSolving must be true or false, got \"yes\"")]
    [InlineData("generation: {instances: 10}", "seed: 1\nseed: 2", "11:1", "the key \"seed\" stands here a second time; the first is in line 10")]
    [InlineData("generation: {instances: 10}", "recipe: {schedule: cosine, epochDecay: 0.5}", "10:40", "recipe.epochDecay belongs to recipe.schedule epoch_decay, and the schedule is cosine")]
    [InlineData("generation: {instances: 10}", "recipe: {finalLearningRateShare: 0.5}", "10:34", "recipe.finalLearningRateShare belongs to recipe.schedule linear and cosine, and the schedule is epoch_decay")]
    [InlineData("generation: {instances: 10}", "recipe: {maxLength: 512}", "10:21", "generation.maxInstanceTokens must be at most recipe.maxLength, got 4096 and 512: longer instances would be left out of the training")]
    [InlineData("generation: {instances: 10}", "generation: {bestOf: {judge: gne}}", "10:30", "generation.bestOf.judge must be a name in models, got \"gne\"; did you mean \"gen\"?")]
    [InlineData("generation: {instances: 10}", "generation: {bestOf: {candidates: 2}}", "10:22", "generation.bestOf needs judge or reward, and neither is given")]
    [InlineData("settings: [math/instance_generation]", "settings: [math/self_synthesis]", "3:8",
        "models.gen.userTurn is missing: math/self_synthesis has the model write the user's message, and only an embedded model's chat template is known here")]
    [InlineData("generation: {instances: 10}", "generation: {filters: {length: {minResponse: 9, maxResponse: 8}}}", "10:46", "generation.filters.length.minResponse must be at most maxResponse, got 9 and 8")]
    [InlineData("generation: {instances: 10}", "generation: {filters: {novelty: {threshold: 70}}}", "10:45", "generation.filters.novelty.threshold must be above 0 and at most 1, got 70")]
    [InlineData("generation: {instances: 10}", "generation: !!map {}", "10:13", "tags such as tag:yaml.org,2002:map are not supported; write the plain value")]
    [InlineData("name: small", "name: 2024", "1:7", "name must be text; put it in quotes if it is meant literally, got 2024")]
    [InlineData("name: small", "name: ../small", "1:7", "name must match [A-Za-z0-9][A-Za-z0-9._-]*, got \"../small\"")]
    [InlineData("name: small", "", "2:1", "name is missing")]
    [InlineData("{name: s,", "{name: \"s\\x07\",", "9:12", "students[0].name must hold no control characters, got \"s\\u0007\"")]
    [InlineData("models:", "models:\n  \"\\e[2J\": {provider: embedded, path: x}", "3:3", "a name in models must hold no control characters, got \"\\u001b[2J\"")]
    [InlineData("generators: [gen]", "generators: [gne]", "6:14", "generators[0] must be a name in models, got \"gne\"; did you mean \"gen\"?")]
    [InlineData("generators: [gen]", "generators: [gen, gen]", "6:19", "generators must name nothing twice, got \"gen\" again")]
    [InlineData("generators: [gen]", "", "1:1", "generators is missing: name at least one model, or give dataSets")]
    [InlineData("settings: [math/instance_generation]", "settings: [maths/instance_generation]", "7:12",
        "settings[0] must be math/instance_generation, math/response_generation, math/quality_enhancement, code/instance_generation, code/response_generation, code/quality_enhancement, instruction_following/instance_generation, instruction_following/response_generation or instruction_following/quality_enhancement, got \"maths/instance_generation\"; did you mean \"math/instance_generation\"?")]
    [InlineData("settings: [math/instance_generation]", "settings: [math/instance_generation, math/response_generation]", "7:38",
        "settings[1] math/response_generation has no seed data: add seedData.math/response_generation")]
    [InlineData("settings: [math/instance_generation]", "", "1:1", "settings is missing: name at least one, such as math/instance_generation")]
    [InlineData("reference: ref}", "reference: base}", "9:38", "students[0].reference must be another model than students[0].base, or there is no gap to recover; got \"base\" for both")]
    [InlineData("base: base, reference: ref}", "base: gen, reference: ref}", "9:21", "students[0].base must be a model with provider embedded, since it is trained here; \"gen\" has provider openai")]
    [InlineData("{name: gsm8k,", "{name: humaneval,", "15:14", "benchmarks.math[0].name is a benchmark of code, not of math")]
    [InlineData("{name: gsm8k,", "{name: gsm8,", "15:14",
        "benchmarks.math[0].name must be alpaca_eval, arena_hard, gsm8k, humaneval, math, mbpp, nano_code, nano_instruction_following, nano_math, got \"gsm8\"; did you mean \"gsm8k\"?")]
    [InlineData("  math:\n    - {name: gsm8k, file: gsm8k.jsonl}", "  code:\n    - {name: mbpp, file: gsm8k.jsonl}", "7:12", "math/instance_generation has no benchmark: add at least one to benchmarks.math")]
    [InlineData("provider: openai, model: m, ", "provider: openai, ", "3:8", "models.gen.model is missing: provider openai needs it")]
    [InlineData("model: m, endpoint", "model: m, mode: batch, endpoint", "3:43", "models.gen.mode batch needs an endpoint with a batch API; where \"http://127.0.0.1:8000/v1\" has one like OpenAI's, say so with capabilities: {batch: true}")]
    [InlineData("provider: openai, model: m, endpoint", "provider: azure, apiKeyVariable: K, mode: auto, model: m, endpoint", "3:51", "models.gen.mode auto is not to be had with provider azure: set mode: online")]
    [InlineData("model: m, endpoint", "model: m, batch: {fewest: 5}, endpoint", "3:44", "models.gen.batch belongs to models.gen.mode batch or auto, and the mode is online")]
    [InlineData("model: m, endpoint", "model: m, path: x, endpoint", "3:37", "models.gen.path has no meaning for provider openai; delete it")]
    [InlineData("provider: openai", "provider: opnai", "3:19", "models.gen.provider must be embedded, openai, azure or anthropic, got \"opnai\"; did you mean \"openai\"?")]
    [InlineData("http://127.0.0.1:8000/v1", "127.0.0.1:8000/v1", "3:47", "models.gen.endpoint must be an address that starts with http:// or https://, got \"127.0.0.1:8000/v1\"")]
    public void A_fault_names_line_column_rule_and_value(string part, string fault, string position, string message)
    {
        Assert.Contains(part, Valid);
        Assert.Equal($"small.yaml:{position}  {message}", Assert.Single(Faults(Valid.Replace(part, fault))));
    }

    [Fact]
    public void All_faults_are_told_at_once_in_the_order_of_the_file()
    {
        var faults = Faults(Valid.Replace("name: small", "nam: small").Replace("instances: 10", "instances: -3, rounds: 2").Replace("[gen]", "[other]"));
        Assert.Equal(5, faults.Count);
        Assert.StartsWith("small.yaml:1:1  nam is not a known key; did you mean \"name\"?", faults[0]);
        Assert.StartsWith("small.yaml:1:1  name is missing", faults[1]);
        Assert.StartsWith("small.yaml:6:14  generators[0]", faults[2]);
        Assert.StartsWith("small.yaml:10:25  generation.instances", faults[3]);
        Assert.StartsWith("small.yaml:10:29  generation.rounds", faults[4]);
    }

    [Fact]
    public void A_key_pasted_in_place_of_its_variables_name_is_refused_and_never_repeated()
    {
        var faults = Faults(Valid.Replace("model: m,", "model: m, apiKeyVariable: sk-proj-abc123,"));
        Assert.Contains("must be the name of an environment variable", Assert.Single(faults));
        Assert.DoesNotContain("abc123", faults[0]);
    }

    [Fact]
    public void A_judged_benchmark_without_judges_is_refused() =>
        Assert.Contains("alpaca_eval needs a judge", Assert.Single(Faults(Valid.Replace("  math:\n", "  instruction_following:\n    - {name: alpaca_eval, file: a.json}\n  math:\n"))));

    [Theory]
    [InlineData("", "the file is empty")]
    [InlineData("# nothing\n", "the file is empty")]
    [InlineData("just words", "an experiment must be a mapping of keys to values, got \"just words\"")]
    [InlineData("a: [1, 2", "this is not YAML")]
    [InlineData(" : {\nr", "this is not YAML; it breaks at or behind this place")]
    [InlineData("a: 1\n---\nb: 2", "a second one starts here")]
    [InlineData("a: *nowhere", "there is no anchor &nowhere")]
    public void A_file_that_holds_no_experiment_says_so(string text, string expected) => Assert.Contains(Faults(text), fault => fault.Contains(expected));

    // Thousands of texts that were an experiment once.
    [Fact]
    public void Whatever_a_file_holds_it_is_an_experiment_or_has_faults()
    {
        string[] pieces = ["&a ", "*a", "!!set ", "? ", "- ", ": ", "{", "}", "[", "]", "|\n", ">\n", "%YAML 1.2\n---\n", "\0", "\ufeff", "\t", "\"", "'", "<<: *a", "!<tag:x> ", "~", ".inf", "\u0085", "\r", "#", "@", "`", "\"\\x"];
        var random = new Random(20261128);
        for (var round = 0; round < 4000; round++)
        {
            var text = new StringBuilder(Valid);
            for (var change = random.Next(1, 6); change > 0; change--)
            {
                var place = random.Next(text.Length);
                switch (random.Next(3))
                {
                    case 0:
                        text.Insert(place, random.GetItems(pieces, 1)[0]);
                        break;
                    case 1:
                        text.Remove(place, Math.Min(random.Next(1, 20), text.Length - place));
                        break;
                    default:
                        text.Insert(place, Valid.AsSpan(random.Next(Valid.Length - 30), 30));
                        break;
                }
            }
            var faults = new List<ExperimentFault>();
            Assert.Equal(ExperimentFile.Read(text.ToString(), "small.yaml", [], faults) is null, faults.Count > 0);
        }
    }

    [Fact]
    public void Aliases_cannot_multiply_without_bound()
    {
        var bomb = new StringBuilder("a: &a [x, x, x, x, x, x, x, x, x, x]\n");
        for (var letter = 'b'; letter <= 'j'; letter++)
            bomb.Append($"{letter}: &{letter} [{string.Join(", ", Enumerable.Repeat("*" + (char)(letter - 1), 10))}]\n");
        var watch = Stopwatch.StartNew();
        Assert.Contains("more than 100000 values", Assert.Single(Faults(bomb.ToString())));
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(5), $"{watch.Elapsed}");
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    [InlineData("- ")]
    public void Deep_nesting_is_refused_before_it_fills_the_stack(string opening) =>
        Assert.Contains("nested more than 32 deep", Assert.Single(Faults(string.Concat(Enumerable.Repeat(opening, 100_000)))));

    [Fact]
    public void A_hostile_value_cannot_move_the_cursor_of_the_terminal() =>
        Assert.DoesNotContain('\u001b', Assert.Single(Faults(Valid.Replace("name: small", "name: \"\\e[2J\""))));

    [Fact]
    public void An_override_takes_the_place_of_the_files_value()
    {
        var experiment = Read(Valid, ("generation.instances", "25"), ("confidence.level", "90"), ("settings[0]", "math/instance_generation"),
            ("seedData.math/instance_generation.file", "other.jsonl"), ("trainingSeeds", "[1, 2]"), ("trainingSeeds[2]", "3"));
        Assert.Equal(25, experiment.Generation.Instances);
        Assert.Equal(90, experiment.Confidence.Level);
        Assert.Equal([1, 2, 3], experiment.TrainingSeeds);
        Assert.Equal(Path.GetFullPath("other.jsonl"), experiment.SeedData[Setting.All[0]].File);
    }

    [Fact]
    public void An_overrides_path_may_hold_a_name_with_dots()
    {
        var experiment = Read(Valid.Replace("gen", "gen-3.1").Replace("instance_gen-3.1eration", "instance_generation").Replace("gen-3.1er", "gener"),
            ("models.gen-3.1.maxParallel", "3"));
        Assert.Equal(3, experiment.Models["gen-3.1"].MaxParallel);
    }

    [Theory]
    [InlineData("generation.instances", "many", "generation.instances must be a whole number, got \"many\"")]
    [InlineData("generation.instances", "", "generation.instances must have a value; delete the key where none is wanted, got nothing")]
    [InlineData("generation.instanzes", "5", "generation.instanzes is not a known key; did you mean \"instances\"?")]
    [InlineData("seed.x", "5", "the experiment")]
    [InlineData("settings[7]", "math/instance_generation", "settings has 1 entries, so the next index is 1")]
    [InlineData("settings[x]", "math/instance_generation", "the path needs a whole number from 0 in [ ]")]
    [InlineData("name[0]", "a", "name is not a list but \"small\"")]
    [InlineData("name.first", "a", "name is not a mapping but \"small\"")]
    [InlineData("generation.stop", "[a", "this is not YAML")]
    public void A_faulty_override_is_named(string path, string value, string message)
    {
        if (path == "seed.x")
            message = "seed must be a whole number, got a mapping";
        Assert.Contains(Faults(Valid, (path, value)), fault => fault.StartsWith($"--set {path}  ", StringComparison.Ordinal) && fault.Contains(message));
    }

    [Fact]
    public void A_missing_file_is_wrong_usage()
    {
        var error = Assert.Throws<AgoraException>(() => ExperimentFile.Load("no/such.yaml", []));
        Assert.Equal(2, error.ExitCode);
        Assert.Equal("there is no such experiment file", error.What);
    }

    [Fact]
    public void A_file_larger_than_a_mebibyte_is_refused() =>
        Assert.Contains("larger than 1 MiB", LoadError(new byte[(1 << 20) + 1]).What);

    [Fact]
    public void A_file_that_is_not_utf8_says_at_which_byte() =>
        Assert.Contains("byte 6 is not UTF-8", LoadError([.. "name: "u8, 0xff]).What);

    [Fact]
    public void A_byte_order_mark_is_no_fault() =>
        Assert.DoesNotContain("not YAML", LoadError([0xef, 0xbb, 0xbf, .. "name: a"u8]).What);

    private static AgoraException LoadError(byte[] bytes)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, bytes);
            return Assert.Throws<AgoraException>(() => ExperimentFile.Load(file, []));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void Metrics_name_models_and_local_ones_where_weights_are_needed()
    {
        var read = Read(Valid + "metrics: {judges: [gen], sample: 20}\n");
        Assert.Equal(("gen", 20, JudgeAsking.Chat, true), (Assert.Single(read.Metrics!.Judges), read.Metrics.Sample, read.Metrics.JudgeFormat, read.Metrics.Contamination));
        Assert.Null(Read(Valid).Metrics);
        Assert.Contains("metrics.judges[0] must be a name in models", Assert.Single(Faults(Valid + "metrics: {judges: [nobody]}\n")));
        Assert.Contains("metrics.reward must be a model of provider embedded", Assert.Single(Faults(Valid + "metrics: {reward: gen}\n")));
    }

    private static Experiment Read(string text, params (string, string)[] overrides) => Read(text, "small.yaml", overrides);

    private static Experiment Read(string text, string source, params (string, string)[] overrides)
    {
        var faults = new List<ExperimentFault>();
        var experiment = ExperimentFile.Read(text, source, overrides, faults);
        Assert.Empty(faults);
        return experiment!;
    }

    private static List<string> Faults(string text, params (string, string)[] overrides)
    {
        var faults = new List<ExperimentFault>();
        Assert.Null(ExperimentFile.Read(text, "small.yaml", overrides, faults));
        return [.. faults.Select(fault => fault.ToString())];
    }
}
