using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Cli.Progress;
using Agora.Experiments;
using Agora.Runs;

namespace Agora.Cli.Commands;

/// <summary><c>agora generate FILE</c>: the data sets of an experiment, or those of a model behind an endpoint, without training anybody.</summary>
internal static class GenerateCommand
{
    private const string EndpointGenerator = "endpoint";

    private static readonly JsonSerializerOptions Published = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create()
    {
        var arguments = new ExperimentArguments();
        var runs = RunsOption.Create();
        var settings = new Option<string[]>("--setting") { Description = "Only this setting of the experiment, e.g. math/instance_generation; repeatable." };
        var generators = new Option<string[]>("--generator") { Description = "Only this generator of the experiment; repeatable." };
        var endpoint = new Option<string>("--endpoint") { Description = "Use the model behind this OpenAI-compatible address as the generator, e.g. http://127.0.0.1:8000/v1.", HelpName = "url" };
        var model = new Option<string>("--model") { Description = "With --endpoint: the model's name there." };
        var key = new Option<string>("--api-key-variable") { Description = "With --endpoint: environment variable that holds the key.", HelpName = "name" };
        var output = new Option<string>("--output") { Description = "Folder for one JSONL file per generator and setting (keys instruction, response, config).", DefaultValueFactory = _ => "data" };
        var command = new Command("generate", "Only generate data: the experiment's data sets, or those of a model behind an endpoint.");
        arguments.AddTo(command);
        foreach (var option in (Option[])[settings, generators, endpoint, model, key, output, runs])
            command.Options.Add(option);

        command.SetAction(async (parsed, cancellationToken) =>
        {
            var experiment = arguments.Load(parsed);
            if (parsed.GetValue(endpoint) is { } address)
                experiment = WithEndpoint(experiment, address, parsed.GetValue(model), parsed.GetValue(key));
            experiment = experiment with
            {
                Generators = Chosen(experiment.Generators, parsed.GetValue(generators), name => name, "--generator"),
                Settings = Chosen(experiment.Settings, parsed.GetValue(settings), setting => setting.ToString(), "--setting"),
            };
            using var composition = new Composition(Environment.ProcessorCount);
            var pipeline = new Pipeline(composition.Services, parsed.Archive(runs));
            var outcome = await RunDisplay.ShowAsync(observer => pipeline.GenerateAsync(experiment, Environment.ProcessorCount, observer, cancellationToken));
            foreach (var data in outcome.Result.Data)
                Console.WriteLine($"{Export(data, parsed.GetRequiredValue(output))}  {data.Summary.Valid} of {data.Summary.Wanted} instances"
                    + (data.Summary.Dollars is { } dollars ? $", {StepMeter.Dollars(dollars)}" : "")
                    + (data.Summary.Shortfall is { } shortfall ? $"; {shortfall}" : ""));
            foreach (var failure in outcome.Failures)
                Console.Error.WriteLine($"error: {failure.Step.Name}: {failure.Fault.Message}");
            return outcome.ExitCode;
        });
        return command;
    }

    private static Experiment WithEndpoint(Experiment experiment, string address, string? model, string? keyVariable)
    {
        if (model is null)
            throw new AgoraException("--endpoint needs the model's name there", "--model", $"list them with \"curl {address}/models\"") { ExitCode = ExitCodes.Usage };
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new AgoraException($"\"{address}\" is not an address", "--endpoint", "write it like http://127.0.0.1:8000/v1") { ExitCode = ExitCodes.Usage };
        var spec = new ModelSpec { Provider = ModelSpec.OpenAI, Endpoint = address, Model = model, ApiKeyVariable = keyVariable };
        return experiment with { Models = experiment.Models.SetItem(EndpointGenerator, spec), Generators = [EndpointGenerator] };
    }

    private static ImmutableArray<T> Chosen<T>(ImmutableArray<T> all, string[]? wanted, Func<T, string> name, string option)
    {
        if (wanted is null or [])
            return all;
        foreach (var missing in wanted.Where(text => !all.Any(item => name(item) == text)))
            throw new AgoraException($"\"{missing}\" is not in the experiment", option, $"choose from {string.Join(", ", all.Select(name))}") { ExitCode = ExitCodes.Usage };
        return [.. all.Where(item => wanted.Contains(name(item)))];
    }

    // The keys of the published data sets, in their order, and the rest of what is known behind them.
    private static string Export(GeneratedData data, string folder)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, $"{data.Generator}.{data.Setting.Domain.Name()}.{data.Setting.Method.Name()}.jsonl");
        var beside = path + ".part";
        using (var writer = new StreamWriter(beside))
        {
            foreach (var line in File.ReadLines(data.InstancesFile))
            {
                var row = JsonNode.Parse(line)!.AsObject();
                var published = new JsonObject();
                foreach (var first in (string[])["instruction", "response", "config"])
                    published[first] = row[first]?.DeepClone();
                foreach (var (name, value) in row.Where(member => !published.ContainsKey(member.Key)))
                    published[name] = value?.DeepClone();
                writer.Write(published.ToJsonString(Published));
                writer.Write('\n');
            }
        }
        File.Move(beside, path, overwrite: true);
        return path;
    }
}
