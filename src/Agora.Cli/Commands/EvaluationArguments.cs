using System.Collections.Immutable;
using System.CommandLine;
using Agora.Benchmarks;
using Agora.Experiments;
using Agora.Runs;

namespace Agora.Cli.Commands;

/// <summary>The options of <c>agora evaluate</c>, read into a request.</summary>
internal sealed class EvaluationArguments
{
    // arXiv:2412.03679, student inference: temperature 0.2 for math and 0 elsewhere.
    private const double PaperMathTemperature = 0.2;
    private static readonly AnsweringSpec Paper = new();

    private readonly Argument<string?> model = new("model") { Description = "A model folder in Hugging Face format, or the address of an OpenAI-compatible endpoint (with --model).", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> name = new("--model") { Description = "With an endpoint: the model's name there." };
    private readonly Option<string?> key = new("--api-key-variable") { Description = "With an endpoint: environment variable that holds the key.", HelpName = "name" };
    private readonly Option<int> parallel = Whole("--max-parallel", "Requests in flight at once.", 64);
    private readonly Option<string[]> benchmarks = new("--benchmarks") { Description = "Which, separated by commas: gsm8k, math, humaneval, mbpp, alpaca_eval, arena_hard, nano_math, nano_code, nano_instruction_following.", Required = true, AllowMultipleArgumentsPerToken = true };
    private readonly Option<string[]> data = new("--data") { Description = "A benchmark's official file: a path (gsm8k=test.jsonl), an hf:// address or catalogue:gsm8k; repeatable.", HelpName = "name=file" };
    private readonly Option<int?> limit = new("--limit") { Description = "At most this many items of each benchmark, from the start." };
    private readonly Option<string?> samples = new("--samples") { Description = "Grade the answers in this file (EvalPlus's samples.jsonl, or rows of id and completion) instead of asking a model.", HelpName = "file" };
    private readonly Option<int> perTask = Whole("--samples-per-task", "Answers to each item.", 1);
    private readonly Option<string?> passAt = new("--pass-at") { Description = "For code: also report pass@k for these k, e.g. 1,10.", HelpName = "k,..." };
    private readonly Option<double?> temperature = new("--temperature") { Description = "Sampling temperature; the paper's where absent: 0.2 for math, 0 elsewhere." };
    private readonly Option<double> topP = new("--top-p") { Description = "Nucleus sampling.", DefaultValueFactory = _ => Paper.TopP };
    private readonly Option<int> newTokens = Whole("--max-new-tokens", "Longest answer.", Paper.MaxNewTokens);
    private readonly Option<double> penalty = new("--repetition-penalty") { Description = "1 is off.", DefaultValueFactory = _ => Paper.RepetitionPenalty };
    private readonly Option<string> system = new("--system-message") { Description = "In the chat styles.", DefaultValueFactory = _ => new StudentRecipe().SystemMessage };
    private readonly Option<long> seed = new("--seed") { Description = "Of every random choice.", DefaultValueFactory = _ => 42 };
    private readonly Option<string> style = new("--prompt-style") { Description = "chat: the item in the model's chat template. base: a text to continue. evalplus (code): EvalPlus's form for chat models.", DefaultValueFactory = _ => "chat" };
    private readonly Option<int> shots = new Option<int>("--few-shot") { Description = "Exemplars before every item (gsm8k, math, mbpp), drawn from --exemplars." }.Within(0);
    private readonly Option<string[]> exemplars = new("--exemplars") { Description = "A benchmark's training split: a path (gsm8k=train.jsonl) or an hf:// address; repeatable.", HelpName = "name=file" };
    private readonly Option<string[]> graders = new("--grader") { Description = "agora, lm-eval-strict, lm-eval-flexible, lm-eval-cot-strict, lm-eval-llama-strict (gsm8k; math: strict) or evalplus (code); for one benchmark as name=grader; repeatable.", HelpName = "[name=]grader" };
    private readonly Option<string[]> judge = new("--judge") { Description = "Who judges alpaca_eval and arena_hard: a model folder or an endpoint; repeatable.", HelpName = "model" };
    private readonly Option<string[]> judgeName = new("--judge-model") { Description = "The model's name at an endpoint, once for each --judge that is one, in their order." };
    private readonly Option<string[]> judgeKey = new("--judge-api-key-variable") { Description = "Environment variable that holds the key; once for all endpoints, or once for each.", HelpName = "name" };
    private readonly Option<string> preference = new("--judge-preference") { Description = "For alpaca_eval. log_probabilities: of the judge's first token, as published. text: the name that it writes.", DefaultValueFactory = _ => "log_probabilities" };
    private readonly Option<double> level = new("--confidence") { Description = "Of the intervals, in percent.", DefaultValueFactory = _ => new ConfidenceSpec().Level };
    private readonly Option<decimal?> budget = SpendingOptions.Budget();
    private readonly Option<string?> price = SpendingOptions.Price("--price", "The model");
    private readonly Option<string?> judgePrice = SpendingOptions.Price("--judge-price", "The judges");
    private readonly Option<bool> unsafeNoSandbox = new("--unsafe-no-sandbox") { Description = "Run code that a model wrote without a sandbox; written into the result." };

    /// <summary>How a model is asked: without meaning where its answers are given.</summary>
    private Option[] OfAsking => [name, key, parallel, perTask, temperature, topP, newTokens, penalty, system, shots, exemplars, price];

    public void AddTo(Command command)
    {
        command.Arguments.Add(model);
        foreach (var option in (Option[])[benchmarks, data, limit, name, key, parallel, samples, perTask, passAt, temperature, topP, newTokens, penalty, system, seed, style, shots, exemplars,
            graders, judge, judgeName, judgeKey, preference, level, budget, price, judgePrice, unsafeNoSandbox])
            command.Options.Add(option);
    }

    /// <summary>The benchmarks as they are to be asked and graded.</summary>
    /// <param name="mayFetch">False: data of the hub or the catalogue have to be here.</param>
    /// <exception cref="AgoraException">Something is missing or wrong; nothing was started.</exception>
    public async Task<ImmutableArray<EvaluatedBenchmark>> BenchmarksAsync(ParseResult parsed, bool mayFetch, CancellationToken cancellationToken)
    {
        var files = NamedValues.Read("--data", parsed.GetValue(data));
        var training = NamedValues.Read("--exemplars", parsed.GetValue(exemplars));
        string[] names = [.. parsed.GetRequiredValue(benchmarks).SelectMany(list => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).Distinct()];
        var named = (parsed.GetValue(graders) ?? []).Where(value => value.Contains('=')).Select(value => value[..value.IndexOf('=')]);
        foreach (var (option, given) in new (string, IEnumerable<string>)[] { ("--data", files.Keys), ("--exemplars", training.Keys), ("--grader", named) })
            if (given.FirstOrDefault(benchmark => !names.Contains(benchmark)) is { } unasked)
                throw Usage($"{unasked} is not evaluated", option, $"add it to --benchmarks, or leave {option} {unasked}=... out");
        if (names.Length == 0)
            throw Usage("no benchmark is named", "--benchmarks", $"choose from {string.Join(", ", BenchmarkNames.Domains.Keys)}");
        (files, training) = (await DataServices.LocateAsync(files, mayFetch, cancellationToken), await DataServices.LocateAsync(training, mayFetch, cancellationToken));
        return [.. names.Select(benchmark => Benchmark(parsed, benchmark, files, training))];
    }

    /// <inheritdoc cref="BenchmarksAsync"/>
    public async Task<EvaluationRequest> RequestAsync(ParseResult parsed, bool mayFetch, CancellationToken cancellationToken)
    {
        var file = parsed.GetValue(samples);
        var address = parsed.GetValue(model);
        if (file is null == address is null)
            throw Usage(file is null ? "neither a model nor samples are given" : "a model and samples are given", "the command line", "give a model folder, an endpoint, or --samples FILE");
        var spec = address is null ? null : Model(address, parsed.GetValue(name), parsed.GetValue(key), "--model") with { MaxParallel = parsed.GetValue(parallel), Price = SpendingOptions.Read(parsed, price) };
        if (file is not null && OfAsking.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } idle)
            throw Usage($"{idle.Name} changes nothing about answers that are there already", idle.Name, "leave it out: with --samples no model is asked");
        var asked = await BenchmarksAsync(parsed, mayFetch, cancellationToken);
        if (parsed.GetResult(judge) is { Implicit: false } && !asked.Any(benchmark => benchmark.Benchmark.NeedsJudge))
            throw Usage($"{string.Join(" and ", asked.Select(benchmark => benchmark.Benchmark.Name))} asks no judge", "--judge", "leave it out, or evaluate alpaca_eval or arena_hard");
        if (parsed.GetResult(passAt) is { Implicit: false } && !asked.Any(benchmark => benchmark.Benchmark.Domain == Domain.Code))
            throw Usage($"{string.Join(" and ", asked.Select(benchmark => benchmark.Benchmark.Name))} runs no programs, so there is no pass@k", "--pass-at", "leave it out, or evaluate humaneval or mbpp");
        var confidence = parsed.GetValue(level);
        if (confidence is not (> 0 and < 100))
            throw Usage($"a confidence of {confidence} percent is not possible", "--confidence", "give a value above 0 and below 100");
        if (parsed.GetValue(perTask) > 1 && asked.FirstOrDefault(benchmark => benchmark.Answering.Temperature == 0) is { } same)
            throw Usage($"at temperature 0 the samples of an item of {same.Benchmark.Name} would all be the same", "--samples-per-task", "add --temperature, such as 0.8");
        var passed = PassAt(parsed.GetValue(passAt));
        if (file is null && passed[^1] > parsed.GetValue(perTask))
            throw Usage($"pass@{passed[^1]} needs as many answers to each item, and {parsed.GetValue(perTask)} of them are asked for", "--pass-at", $"add --samples-per-task {passed[^1]} and --temperature, such as 0.8, or give a smaller k");
        return new EvaluationRequest
        {
            Name = address is null ? Path.GetFileNameWithoutExtension(file)! : spec!.Model ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(address))),
            Model = spec,
            GivenSamples = file,
            Benchmarks = asked,
            SystemMessage = parsed.GetRequiredValue(system),
            Samples = parsed.GetValue(perTask),
            Seed = parsed.GetValue(seed),
            Judges = [.. Judges(parsed.GetValue(judge) ?? [], parsed.GetValue(judgeName) ?? [], parsed.GetValue(judgeKey) ?? []).Select(spec => spec with { Price = SpendingOptions.Read(parsed, judgePrice) })],
            LimitDollars = parsed.GetValue(budget),
            Judging = new JudgingSpec
            {
                Preference = parsed.GetRequiredValue(preference) switch
                {
                    "log_probabilities" => PreferenceReading.LogProbabilities,
                    "text" => PreferenceReading.Text,
                    var other => throw Usage($"\"{other}\" is not known", "--judge-preference", "choose from log_probabilities, text"),
                },
            },
            PassAt = passed,
            Confidence = new ConfidenceSpec { Level = confidence },
        };
    }

    private EvaluatedBenchmark Benchmark(ParseResult parsed, string benchmark, Dictionary<string, string> files, Dictionary<string, string> training)
    {
        var spec = new BenchmarkSpec { Name = benchmark, File = BenchmarkFiles.Resolve(benchmark, files), Limit = parsed.GetValue(limit) };
        if (spec.Limit is < 1)
            throw Usage("a limit below 1 leaves nothing", "--limit", "give at least 1");
        var options = new BenchmarkOptions
        {
            Style = Chosen<PromptStyle>(parsed.GetRequiredValue(style), "--prompt-style", BenchmarkOptions.Name),
            Grader = Grader(parsed.GetValue(graders) ?? [], benchmark),
            Shots = training.ContainsKey(benchmark) || parsed.GetValue(shots) == 0 ? parsed.GetValue(shots) : NeedsExemplars(benchmark, parsed.GetValue(shots)),
            ExemplarFile = training.GetValueOrDefault(benchmark),
            Seed = parsed.GetValue(seed),
            UnsafeNoSandbox = parsed.GetValue(unsafeNoSandbox),
        };
        var root = Environment.CurrentDirectory;
        var opened = BenchmarkCatalogue.Open(spec, root, options);
        var warmth = parsed.GetValue(temperature) ?? (opened.Domain == Domain.Math ? PaperMathTemperature : Paper.Temperature);
        var answering = new AnsweringSpec
        {
            Temperature = Within(warmth, 0, 2, "--temperature"),
            TopP = Within(parsed.GetValue(topP), double.Epsilon, 1, "--top-p"),
            MaxNewTokens = parsed.GetValue(newTokens),
            RepetitionPenalty = Within(parsed.GetValue(penalty), double.Epsilon, 10, "--repetition-penalty"),
        };
        var plus = BenchmarkCatalogue.HasPlusTests(spec, root) ? BenchmarkCatalogue.Open(spec, root, options with { PlusTests = true }) : null;
        return new EvaluatedBenchmark(opened, answering, plus) { Style = options.Style, Shots = options.Shots };
    }

    private static int NeedsExemplars(string benchmark, int shots) =>
        throw Usage($"--few-shot {shots} needs {benchmark}'s training split", $"--exemplars {benchmark}", $"give it with --exemplars {benchmark}=FILE; none is shipped");

    private static AnswerGrader Grader(string[] values, string benchmark)
    {
        var own = values.Where(value => value.StartsWith($"{benchmark}=", StringComparison.Ordinal)).Select(value => value[(benchmark.Length + 1)..]).ToList();
        var common = values.Where(value => !value.Contains('=')).ToList();
        if (own.Count > 1 || common.Count > 1)
            throw Usage($"{benchmark} is given several graders", "--grader", "give one for all, and one for a benchmark that differs");
        return Chosen<AnswerGrader>(own.FirstOrDefault() ?? common.FirstOrDefault() ?? "agora", "--grader", BenchmarkOptions.Name);
    }

    private static T Chosen<T>(string text, string option, Func<T, string> nameOf) where T : struct, Enum
    {
        foreach (var value in Enum.GetValues<T>())
            if (nameOf(value) == text)
                return value;
        throw Usage($"\"{text}\" is not known", option, $"choose from {string.Join(", ", Enum.GetValues<T>().Select(nameOf))}");
    }

    private static ModelSpec Model(string address, string? name, string? keyVariable, string nameOption)
    {
        if (!IsEndpoint(address))
            return name is null
                ? new ModelSpec { Provider = ModelSpec.Embedded, Path = address }
                : throw Usage($"{nameOption} goes with an endpoint, and {address} is a folder", nameOption, "leave it out, or give the endpoint's address");
        return new ModelSpec
        {
            Provider = ModelSpec.OpenAI,
            Endpoint = address,
            Model = name ?? throw Usage("an endpoint needs the model's name there", nameOption, $"list them with \"curl {address}/models\""),
            ApiKeyVariable = keyVariable,
        };
    }

    private static ImmutableArray<ModelSpec> Judges(string[] addresses, string[] names, string[] keys)
    {
        var endpoints = addresses.Where(IsEndpoint).ToArray();
        if (names.Length > 0 && names.Length != endpoints.Length)
            throw Usage($"{endpoints.Length} judges are endpoints, and {names.Length} names are given", "--judge-model", "give one for each --judge that is an endpoint, in their order");
        if (keys.Length > 1 && keys.Length != endpoints.Length)
            throw Usage($"{endpoints.Length} judges are endpoints, and {keys.Length} variables are given", "--judge-api-key-variable", "give one for all, or one for each");
        var judges = ImmutableArray.CreateBuilder<ModelSpec>();
        var endpoint = 0;
        foreach (var address in addresses)
        {
            var at = IsEndpoint(address) ? endpoint++ : -1;
            judges.Add(Model(address, names.ElementAtOrDefault(at), keys.Length == 1 && at >= 0 ? keys[0] : keys.ElementAtOrDefault(at), "--judge-model"));
        }
        return judges.ToImmutable();
    }

    private static bool IsEndpoint(string address) => address.StartsWith("http://", StringComparison.Ordinal) || address.StartsWith("https://", StringComparison.Ordinal);

    private static ImmutableArray<int> PassAt(string? text)
    {
        if (text is null)
            return [1];
        var values = text.Split(',', StringSplitOptions.TrimEntries).Select(part => int.TryParse(part, out var k) && k >= 1 ? k : throw Usage($"\"{part}\" is no k of pass@k", "--pass-at", "write it like 1,10"));
        return [.. values.Distinct().Order()];
    }

    private static double Within(double value, double least, double most, string option) =>
        value >= least && value <= most ? value : throw Usage($"{option} {value} is out of range", option, $"give a value {(least > 0 ? "above 0" : "from 0")} to {most}");

    private static Option<int> Whole(string option, string description, int absent) => new Option<int>(option) { Description = description, DefaultValueFactory = _ => absent }.Within(1);

    private static AgoraException Usage(string what, string where, string fix) => new(what, where, fix) { ExitCode = ExitCodes.Usage };
}
