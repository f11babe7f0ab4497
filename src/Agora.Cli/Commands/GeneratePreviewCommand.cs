using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Agora.Cli.Progress;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.Runs;

namespace Agora.Cli.Commands;

/// <summary><c>agora generate preview FILE</c>: one prompt in full and a few fresh instances with their verdicts, before anything is spent at scale.</summary>
internal static class GeneratePreviewCommand
{
    public static Command Create()
    {
        var arguments = new ExperimentArguments();
        var runs = RunsOption.Create();
        var settings = GenerateCommand.SettingsOption();
        var generators = GenerateCommand.GeneratorsOption();
        var (endpoint, model, key) = GenerateCommand.EndpointOptions();
        var count = new Option<int>("-n") { Description = "Tries of each generator in each setting.", HelpName = "count", DefaultValueFactory = _ => 3 }.Within(1);
        var json = new Option<bool>("--json") { Description = "Print one JSON document per generator and setting." };
        var command = new Command("preview", "Show one full prompt and a few fresh instances with their verdicts. Begins no run; keeps nothing, or under budget.limitDollars the paid completions, for the run. Of a data set that is done it shows under a limit the first tries again.");
        arguments.AddTo(command);
        foreach (var option in (Option[])[settings, generators, endpoint, model, key, count, json, runs])
            command.Options.Add(option);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var experiment = GenerateCommand.OnlyChosen(arguments.Load(parsed), parsed, endpoint, model, key, generators, settings);
            using var composition = new Composition(Environment.ProcessorCount, device: experiment.Recipe.Device);
            var pipeline = new Pipeline(composition.Services, parsed.Archive(runs));
            await foreach (var preview in pipeline.PreviewAsync(experiment, parsed.GetValue(count), cancellationToken))
            {
                if (parsed.GetValue(json))
                    Console.WriteLine(JsonSerializer.Serialize(preview, CanonicalJson.Options));
                else
                    Print(preview);
            }
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Print(GenerationPreview preview)
    {
        Console.WriteLine($"══ {preview.Generator}, {preview.Setting}");
        if (preview.DroppedSeeds > 0)
            Console.WriteLine($"{preview.DroppedSeeds} seeds are left out: they stand in a test set");
        if (preview.SystemMessage.Length > 0)
            Console.WriteLine($"── system message\n{preview.SystemMessage}");
        Console.WriteLine($"── prompt\n{(preview.Prompt.Length > 0 ? preview.Prompt : "(the model's bare chat template, up to where a user's words begin)")}");
        // In the order of places, kept or not.
        foreach (var (place, text) in preview.Kept.Select(kept => (kept.Index, $"kept\n{kept.Instruction}\n── its response\n{kept.Response}"))
            .Concat(preview.Rejected.Select(rejected => (Index: rejected.Place, $"rejected: {rejected.Reason.Name()}, {rejected.Detail}\n{rejected.Completion}"))).OrderBy(entry => entry.Index))
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"── try {place + 1}: {text}"));
        if (preview.OfFinished)
            Console.WriteLine("── the data set is done: these are its own first tries, and nobody was asked");
        var total = preview.Bill.Total;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"── {preview.Kept.Length} of {preview.Kept.Length + preview.Rejected.Length} kept; {total.InputTokens} input and {total.OutputTokens} output tokens{(preview.Bill.Dollars is { } dollars ? $", {StepMeter.Dollars(dollars)}" : "")}"));
    }
}
