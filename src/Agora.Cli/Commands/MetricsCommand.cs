using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Agora.Cli.Progress;
using Agora.DataGeneration.Filters;
using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.LanguageModels;
using Agora.Reports;
using Agora.Runs;
using Agora.SeedData;

namespace Agora.Cli.Commands;

/// <summary><c>agora metrics RUN|FILE</c>: what data sets are like, without training a student.</summary>
internal static class MetricsCommand
{
    public static Command Create()
    {
        var runs = RunsOption.Create();
        var data = new Argument<string>("data") { Description = "A run's id, whose data sets are measured and kept for \"agora analyze\"; or a data file (JSON, JSONL, .gz of either, Parquet)." };
        var columns = new Option<string>("--columns") { Description = "Of a data file: which columns hold what.", HelpName = "instruction=NAME,response=NAME", DefaultValueFactory = _ => "instruction=instruction,response=response" };
        var domain = new Option<string?>("--domain") { Description = "Of a data file: chooses the judge's rubrics; math, code or instruction_following." };
        var student = new Option<string?>("--base") { Description = "The untrained student, for perplexity: a model folder, or an endpoint that gives log-probabilities of prompts; a run's own where absent.", HelpName = "model" };
        var reference = new Option<string?>("--reference") { Description = "The reference, for the implicit reward: a model folder or such an endpoint; a run's own where absent.", HelpName = "model" };
        var likelihood = new Option<string>("--likelihood") { Description = "With --base or --reference at an endpoint. chat: conversations, by prompt_logprobs (vLLM, agora serve). completions: plain text, by echo with logprobs.", DefaultValueFactory = _ => "chat" };
        likelihood.AcceptOnlyFromAmong("chat", "completions");
        var reward = new Option<string?>("--reward") { Description = "A reward model's folder (one label, as Skywork-Reward-Llama-3.1-8B).", HelpName = "folder" };
        var embeddings = new Option<string?>("--embeddings") { Description = "Who makes embeddings for diversity: a model folder or an endpoint; a run's untrained student where absent.", HelpName = "model" };
        var judge = new Option<string?>("--judge") { Description = "Who scores difficulty and quality by rubrics: a model folder or an endpoint.", HelpName = "model" };
        var format = new Option<string>("--judge-format") { Description = "chat: any chat model. prometheus: Prometheus 2's absolute grading.", DefaultValueFactory = _ => "chat" };
        format.AcceptOnlyFromAmong("chat", "prometheus");
        var solver = new Option<string?>("--solver") { Description = "Of math: who derives answers anew, several times each: a model folder or an endpoint.", HelpName = "model" };
        var solutions = new Option<int>("--solutions") { Description = "With --solver: solutions for each instance.", DefaultValueFactory = _ => new VerificationSpec { Solver = "" }.Samples }.Within(1, 100);
        var runCode = new Option<bool>("--run-code") { Description = "Of code: run programs in the sandbox." };
        var baseName = new Option<string?>("--base-model") { Description = "With --base at an endpoint: the model's name there.", HelpName = "name" };
        var referenceName = new Option<string?>("--reference-model") { Description = "With --reference at an endpoint: the model's name there.", HelpName = "name" };
        var solverName = new Option<string?>("--solver-model") { Description = "With --solver at an endpoint: the model's name there.", HelpName = "name" };
        var embeddingsName = new Option<string?>("--embeddings-model") { Description = "With --embeddings at an endpoint: the model's name there.", HelpName = "name" };
        var judgeName = new Option<string?>("--judge-model") { Description = "With --judge at an endpoint: the model's name there.", HelpName = "name" };
        var key = new Option<string?>("--api-key-variable") { Description = "With endpoints: environment variable that holds the key.", HelpName = "name" };
        var sample = new Option<int?>("--sample") { Description = "Measure at most this many instances of each data set, drawn at random." };
        var against = new Option<string?>("--against") { Description = "Measure contamination with the texts of this file, such as benchmark questions.", HelpName = "file" };
        var column = new Option<string>("--against-column") { Description = "Of --against: the column with the text.", DefaultValueFactory = _ => "instruction" };
        var seed = new Option<long>("--seed") { Description = "Of samples and intervals.", DefaultValueFactory = _ => 42 };
        var budget = SpendingOptions.Budget();
        var price = SpendingOptions.Price("--price", "The judge");
        var basePrice = SpendingOptions.Price("--base-price", "The untrained student");
        var referencePrice = SpendingOptions.Price("--reference-price", "The reference");
        var solverPrice = SpendingOptions.Price("--solver-price", "The solver");
        var embeddingsPrice = SpendingOptions.Price("--embeddings-price", "Embeddings");
        var device = DeviceOption.Create();
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of a table." };
        var command = new Command("metrics", "Difficulty, quality, perplexity, reward, diversity and text statistics of data sets, with intervals.")
            { data, columns, domain, student, baseName, reference, referenceName, likelihood, reward, embeddings, embeddingsName, judge, judgeName, format, solver, solverName, solutions, runCode, key, sample, against, column, seed, budget, price, basePrice, referencePrice, solverPrice, embeddingsPrice, device, json, runs };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(sample) is < 2)
                throw Usage("a sample of fewer than 2 instances has no diversity and no interval", "--sample", "give at least 2");
            var source = Source(parsed.GetRequiredValue(data), parsed.GetRequiredValue(columns), parsed.GetValue(domain), parsed.Archive(runs));
            var testSets = parsed.GetValue(against) is { } file ? TestSets(file, parsed.GetRequiredValue(column)) : null;
            using var composition = new Composition(jobs: 1, device: parsed.Device(device));
            ModelSpec? Model(Option<string?> given, string? otherwise, Option<string?>? name) => (parsed.GetValue(given) ?? otherwise) is { } address ? Spec(address, name is null ? null : parsed.GetValue(name), parsed.GetValue(key), given.Name, parsed.GetRequiredValue(likelihood)) : null;
            ModelSpec? Priced(ModelSpec? model, Option<string?> option) => model is null ? null : model with { Price = SpendingOptions.Read(parsed, option) };
            var by = new MeasuredBy
            {
                Perplexity = Priced(Model(student, source.Base, baseName), basePrice),
                Reference = Priced(Model(reference, source.Reference, referenceName), referencePrice),
                Reward = Model(reward, null, null),
                Embeddings = Priced(Model(embeddings, source.Base, embeddingsName), embeddingsPrice),
                Judge = Priced(Model(judge, null, judgeName), price),
                LimitDollars = parsed.GetValue(budget),
                JudgeFormat = parsed.GetRequiredValue(format) == "prometheus" ? JudgeAsking.Prometheus : JudgeAsking.Chat,
                Solver = Priced(Model(solver, null, solverName), solverPrice),
                Verification = new VerificationSpec { Solver = "", Samples = parsed.GetValue(solutions) },
                RunCode = parsed.GetValue(runCode),
                Against = testSets,
                Sample = parsed.GetValue(sample),
            };
            if (by is { Judge: null, JudgeFormat: not JudgeAsking.Chat })
                Console.Error.WriteLine("warning: --judge-format has no effect without --judge");
            if (by is { Reference: not null, Perplexity: null })
                throw Usage("the implicit reward compares the reference with the untrained student, and nobody is named for that", "--reference", "give --base, too");
            if (by.Judge is not null && source.Data.Any(one => one.Domain is null))
                throw Usage("a judge scores by the rubrics of a domain, and the file has none", "--domain", "give math, code or instruction_following");
            if (by.Solver is not null && !source.Data.Any(one => one.Domain == Domain.Math))
                throw Usage("answers are derived anew for the domain math, and no data set is of it", "--solver", "give --domain math with a file of math");
            if (by.RunCode && !source.Data.Any(one => one.Domain == Domain.Code))
                throw Usage("programs are run for the domain code, and no data set is of it", "--run-code", "give --domain code with a file of programs");
            var measuring = new Measuring(composition.Services, parsed.Archive(runs));
            var profiles = await measuring.MeasureAsync(source.Data, by, parsed.GetValue(seed), new MeasuringProgress(Console.Error), cancellationToken);
            if (!measuring.Bill.Lines.IsEmpty)
                Console.Error.WriteLine($"bill: {BillTable.Total(measuring.Bill)}");
            if (source.Run is { } run)
            {
                RunDataSets.Keep(run, profiles);
                Console.Error.WriteLine($"wrote {run.PathOf(RunDataSets.MetricsFile)}");
            }
            if (parsed.GetValue(json))
                Console.WriteLine(JsonSerializer.Serialize(profiles, CanonicalJson.Indented));
            else
                TerminalTable.Print(MetricsTables.Of(profiles));
            return ExitCodes.Done;
        });
        return command;
    }

    private static MeasuredSource Source(string data, string columns, string? domain, RunArchive archive)
    {
        if (!File.Exists(data))
        {
            var run = archive.Find(data);
            var experiment = ExperimentFile.Load(run.PathOf(RunFolder.ExperimentFileName), []);
            string? Folder(string name) => experiment.Models[name] is { Provider: ModelSpec.Embedded } model ? model.Path : null;
            return new MeasuredSource(run, Folder(experiment.Students[0].Base), Folder(experiment.Students[0].Reference),
                [.. RunDataSets.Of(run, archive.Store).Select(DataToMeasure.Of)]);
        }
        Domain? chosen = domain is null ? null : Enum.GetValues<Domain>().Cast<Domain?>().FirstOrDefault(value => value!.Value.Name() == domain)
            ?? throw Usage($"\"{domain}\" is no domain", "--domain", "give math, code or instruction_following");
        var (instruction, response) = GivenDataArguments.Columns(columns);
        return new MeasuredSource(null, null, null,
        [
            DataToMeasure.Of(data, columns, chosen, [.. SeedSet.Load(new DataSource { File = data, InstructionColumn = instruction, ResponseColumn = response }, requireResponse: true).Instances.Select(row => new MeasuredInstance(row.Instruction, row.Response!))]),
        ]);
    }

    private static TestSetIndex TestSets(string file, string column)
    {
        var rows = SeedSet.Load(new DataSource { File = file, InstructionColumn = column, ResponseColumn = column }, requireResponse: false).Instances;
        return new TestSetIndex(new DecontaminationSpec(), [new TestSet(Path.GetFileName(file), [.. rows.Select((row, place) => (place.ToString(CultureInfo.InvariantCulture), row.Instruction))])]);
    }

    private static ModelSpec Spec(string address, string? name, string? keyVariable, string option, string likelihood)
    {
        if (!address.StartsWith("http://", StringComparison.Ordinal) && !address.StartsWith("https://", StringComparison.Ordinal))
            return new ModelSpec { Provider = ModelSpec.Embedded, Path = address };
        if (option == "--reward")
            throw Usage($"\"{address}\" is an endpoint, and this metric needs a model folder", option, "give the folder of a model on this machine");
        return new ModelSpec { Provider = ModelSpec.OpenAI, Endpoint = address, Model = name ?? throw Usage("an endpoint needs the model's name there", $"{option}-model", "give the name that the endpoint lists under /models"), ApiKeyVariable = keyVariable, Likelihood = likelihood == "completions" ? LikelihoodReading.Completions : LikelihoodReading.Chat };
    }

    private static AgoraException Usage(string what, string where, string fix) => new(what, where, fix) { ExitCode = ExitCodes.Usage };

    /// <param name="Base">Folder of a run's untrained student.</param>
    /// <param name="Reference">Folder of a run's reference.</param>
    private sealed record MeasuredSource(RunFolder? Run, string? Base, string? Reference, ImmutableArray<DataToMeasure> Data);
}
