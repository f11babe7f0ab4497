using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using Agora.Cli.Progress;
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
        var student = new Option<string?>("--base") { Description = "The untrained student's folder, for perplexity; a run's own where absent.", HelpName = "folder" };
        var reference = new Option<string?>("--reference") { Description = "The reference's folder, for the implicit reward; a run's own where absent.", HelpName = "folder" };
        var reward = new Option<string?>("--reward") { Description = "A reward model's folder (one label, as Skywork-Reward-Llama-3.1-8B).", HelpName = "folder" };
        var embeddings = new Option<string?>("--embeddings") { Description = "Who makes embeddings for diversity: a model folder or an endpoint; a run's untrained student where absent.", HelpName = "model" };
        var judge = new Option<string?>("--judge") { Description = "Who scores difficulty and quality by rubrics: a model folder or an endpoint.", HelpName = "model" };
        var format = new Option<string>("--judge-format") { Description = "chat: any chat model. prometheus: Prometheus 2's absolute grading.", DefaultValueFactory = _ => "chat" };
        format.AcceptOnlyFromAmong("chat", "prometheus");
        var embeddingsName = new Option<string?>("--embeddings-model") { Description = "With --embeddings at an endpoint: the model's name there.", HelpName = "name" };
        var judgeName = new Option<string?>("--judge-model") { Description = "With --judge at an endpoint: the model's name there.", HelpName = "name" };
        var key = new Option<string?>("--api-key-variable") { Description = "With endpoints: environment variable that holds the key.", HelpName = "name" };
        var sample = new Option<int?>("--sample") { Description = "Measure at most this many instances of each data set, drawn at random." };
        var against = new Option<string?>("--against") { Description = "Measure contamination with the texts of this file, such as benchmark questions.", HelpName = "file" };
        var column = new Option<string>("--against-column") { Description = "Of --against: the column with the text.", DefaultValueFactory = _ => "instruction" };
        var seed = new Option<long>("--seed") { Description = "Of samples and intervals.", DefaultValueFactory = _ => 42 };
        var budget = SpendingOptions.Budget();
        var price = SpendingOptions.Price("--price", "The judge");
        var embeddingsPrice = SpendingOptions.Price("--embeddings-price", "Embeddings");
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of a table." };
        var command = new Command("metrics", "Difficulty, quality, perplexity, reward, diversity and text statistics of data sets, with intervals.")
            { data, columns, domain, student, reference, reward, embeddings, embeddingsName, judge, judgeName, format, key, sample, against, column, seed, budget, price, embeddingsPrice, json, runs };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(sample) is < 2)
                throw Usage("a sample of fewer than 2 instances has no diversity and no interval", "--sample", "give at least 2");
            var source = Source(parsed.GetRequiredValue(data), parsed.GetRequiredValue(columns), parsed.GetValue(domain), parsed.Archive(runs));
            var texts = parsed.GetValue(against) is { } file
                ? SeedSet.Load(new DataSource { File = file, InstructionColumn = parsed.GetRequiredValue(column), ResponseColumn = parsed.GetRequiredValue(column) }, requireResponse: false).Instances.Select(row => row.Instruction).ToImmutableArray()
                : (ImmutableArray<string>?)null;
            using var composition = new Composition(jobs: 1);
            ModelSpec? Model(Option<string?> given, string? otherwise, Option<string?>? name) => (parsed.GetValue(given) ?? otherwise) is { } address ? Spec(address, name is null ? null : parsed.GetValue(name), parsed.GetValue(key), given.Name) : null;
            var by = new MeasuredBy
            {
                Perplexity = Model(student, source.Base, null),
                Reference = Model(reference, source.Reference, null),
                Reward = Model(reward, null, null),
                Embeddings = Model(embeddings, source.Base, embeddingsName) is { } vectors ? vectors with { Price = SpendingOptions.Read(parsed, embeddingsPrice) } : null,
                Judge = Model(judge, null, judgeName) is { } scorer ? scorer with { Price = SpendingOptions.Read(parsed, price) } : null,
                LimitDollars = parsed.GetValue(budget),
                JudgeFormat = parsed.GetRequiredValue(format) == "prometheus" ? JudgeAsking.Prometheus : JudgeAsking.Chat,
                Against = texts,
                Sample = parsed.GetValue(sample),
            };
            if (by is { Reference: not null, Perplexity: null })
                throw Usage("the implicit reward compares the reference with the untrained student, and nobody is named for that", "--reference", "give --base, too");
            if (by.Judge is not null && source.Data.Any(one => one.Domain is null))
                throw Usage("a judge scores by the rubrics of a domain, and the file has none", "--domain", "give math, code or instruction_following");
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

    private static ModelSpec Spec(string address, string? name, string? keyVariable, string option)
    {
        if (!address.StartsWith("http://", StringComparison.Ordinal) && !address.StartsWith("https://", StringComparison.Ordinal))
            return new ModelSpec { Provider = ModelSpec.Embedded, Path = address };
        if (option is "--base" or "--reference" or "--reward")
            throw Usage($"\"{address}\" is an endpoint, and this metric needs a model folder", option, "give the folder of a model on this machine");
        return new ModelSpec { Provider = ModelSpec.OpenAI, Endpoint = address, Model = name ?? throw Usage("an endpoint needs the model's name there", $"{option}-model", "give the name that the endpoint lists under /models"), ApiKeyVariable = keyVariable };
    }

    private static AgoraException Usage(string what, string where, string fix) => new(what, where, fix) { ExitCode = ExitCodes.Usage };

    /// <param name="Base">Folder of a run's untrained student.</param>
    /// <param name="Reference">Folder of a run's reference.</param>
    private sealed record MeasuredSource(RunFolder? Run, string? Base, string? Reference, ImmutableArray<DataToMeasure> Data);
}
