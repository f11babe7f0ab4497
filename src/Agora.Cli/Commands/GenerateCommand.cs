using System.Collections.Immutable;
using System.CommandLine;
using Agora.Cli.Progress;
using Agora.Experiments;
using Agora.Runs;

namespace Agora.Cli.Commands;

/// <summary><c>agora generate FILE</c>: the data sets of an experiment, or those of a model behind an endpoint, without training anybody.</summary>
internal static class GenerateCommand
{
    private const string EndpointGenerator = "endpoint";

    public static Command Create()
    {
        var arguments = new ExperimentArguments();
        var runs = RunsOption.Create();
        var settings = SettingsOption();
        var generators = GeneratorsOption();
        var (endpoint, model, key) = EndpointOptions();
        var output = new Option<string>("--output") { Description = "Folder for one file per generator and setting (keys instruction, response, config).", DefaultValueFactory = _ => "data" };
        var format = new Option<DatasetFormat[]>("--format") { Description = "jsonl (where absent), parquet, or both by giving it twice.", HelpName = "jsonl|parquet", DefaultValueFactory = _ => [DatasetFormat.Jsonl] };
        var pilot = PilotOption.Create();
        var dryRun = new Option<bool>("--dry-run") { Description = "Print the plan and what is done already; ask no model, write nothing." };
        var card = new Option<bool>("--card") { Description = "Also write README.md: a dataset card with generators, prompts, prices, counts and rejects." };
        var command = new Command("generate", "Only generate data: the experiment's data sets, or those of a model behind an endpoint.");
        arguments.AddTo(command);
        foreach (var option in (Option[])[settings, generators, endpoint, model, key, output, format, card, pilot, dryRun, runs])
            command.Options.Add(option);
        PilotOption.RefuseWith(command, pilot, dryRun);
        command.Subcommands.Add(GeneratePreviewCommand.Create());

        command.SetAction(async (parsed, cancellationToken) =>
        {
            var experiment = OnlyChosen(arguments.Load(parsed), parsed, endpoint, model, key, generators, settings);
            using var composition = new Composition(Environment.ProcessorCount, device: experiment.Recipe.Device);
            var pipeline = new Pipeline(composition.Services, parsed.Archive(runs));
            if (parsed.GetValue(dryRun))
            {
                PlanTable.Print(await pipeline.PlanAsync(experiment, dataOnly: true, cancellationToken));
                return ExitCodes.Done;
            }
            if (parsed.GetValue(pilot) is { } tries)
                return await PilotOption.RunAsync(pipeline, experiment, tries, dataOnly: true, json: false, cancellationToken);
            var outcome = await RunDisplay.ShowAsync(composition.Services.Budget, observer => pipeline.GenerateAsync(experiment, Environment.ProcessorCount, observer, cancellationToken));
            var folder = parsed.GetRequiredValue(output);
            var files = new List<(GeneratedData Data, ImmutableArray<string> Files)>();
            foreach (var data in outcome.Result.Data)
            {
                var names = ImmutableArray.CreateBuilder<string>();
                foreach (var wanted in parsed.GetRequiredValue(format).Distinct())
                {
                    var path = await DatasetFiles.WriteAsync(data, wanted, folder, cancellationToken);
                    names.Add(Path.GetFileName(path));
                    Console.WriteLine($"{path}  {data.Summary.Valid} of {data.Summary.Wanted} instances"
                        + (data.Summary.Dollars is { } dollars ? $", {StepMeter.Dollars(dollars)}" : "")
                        + (data.Summary.DroppedSeeds > 0 ? $", {data.Summary.DroppedSeeds} seeds left out: they stand in a test set" : "")
                        + (data.Summary.Shortfall is { } shortfall ? $"; {shortfall}" : ""));
                }
                files.Add((data, names.ToImmutable()));
            }
            if (parsed.GetValue(card) && files.Count > 0)
                Console.WriteLine(DatasetCard.Write(experiment, files, folder));
            foreach (var failure in outcome.Failures.Where(failure => !failure.IsBudget))
                Console.Error.WriteLine($"error: {failure.Step.Name}: {failure.Fault.Message}");
            RunEnding.TellRest(outcome with { Failures = [.. outcome.Failures.Where(failure => failure.IsBudget)] });
            return outcome.ExitCode;
        });
        return command;
    }

    /// <summary>The experiment with the endpoint as its generator where one is given, and only with the generators and settings that are.</summary>
    internal static Experiment OnlyChosen(Experiment experiment, ParseResult parsed, Option<string> endpoint, Option<string> model, Option<string> key, Option<string[]> generators, Option<string[]> settings)
    {
        if (parsed.GetValue(endpoint) is { } address)
            experiment = WithEndpoint(experiment, address, parsed.GetValue(model), parsed.GetValue(key));
        return experiment with
        {
            Generators = Chosen(experiment.Generators, parsed.GetValue(generators), name => name, "--generator"),
            Settings = Chosen(experiment.Settings, parsed.GetValue(settings), setting => setting.ToString(), "--setting"),
        };
    }

    internal static Option<string[]> SettingsOption() => new("--setting") { Description = "Only this setting of the experiment, e.g. math/instance_generation; repeatable." };

    internal static Option<string[]> GeneratorsOption() => new("--generator") { Description = "Only this generator of the experiment; repeatable." };

    internal static (Option<string> Endpoint, Option<string> Model, Option<string> Key) EndpointOptions() => (
        new("--endpoint") { Description = "Use the model behind this OpenAI-compatible address as the generator, e.g. http://127.0.0.1:8000/v1.", HelpName = "url" },
        new("--model") { Description = "With --endpoint: the model's name there." },
        new("--api-key-variable") { Description = "With --endpoint: environment variable that holds the key.", HelpName = "name" });

    private static Experiment WithEndpoint(Experiment experiment, string address, string? model, string? keyVariable)
    {
        if (model is null)
            throw new AgoraException("--endpoint needs the model's name there", "--model", $"list them with \"curl {address}/models\"") { ExitCode = ExitCodes.Usage };
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new AgoraException($"\"{address}\" is not an address", "--endpoint", "write it like http://127.0.0.1:8000/v1") { ExitCode = ExitCodes.Usage };
        var spec = new ModelSpec { Provider = ModelSpec.OpenAI, Endpoint = address, Model = model, ApiKeyVariable = keyVariable };
        return MetaPromptAxis.Over(experiment with { Models = experiment.Models.SetItem(EndpointGenerator, spec), Generators = [EndpointGenerator] }, [.. experiment.Generators.Select(experiment.MetaPromptOf).DefaultIfEmpty(experiment.Generation.MetaPrompt).Distinct()]);
    }

    private static ImmutableArray<T> Chosen<T>(ImmutableArray<T> all, string[]? wanted, Func<T, string> name, string option)
    {
        if (wanted is null or [])
            return all;
        foreach (var missing in wanted.Where(text => !all.Any(item => name(item) == text)))
            throw new AgoraException($"\"{missing}\" is not in the experiment", option, $"choose from {string.Join(", ", all.Select(name))}") { ExitCode = ExitCodes.Usage };
        return [.. all.Where(item => wanted.Contains(name(item)))];
    }
}
