using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using Agora.Cli.Progress;
using Agora.Experiments;
using Agora.Runs;

namespace Agora.Cli.Commands;

/// <summary><c>agora run FILE</c> and <c>agora quickstart</c>: the main job.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var arguments = new ExperimentArguments();
        var given = new GivenDataArguments();
        var command = new Command("run", "Run an experiment: data, students, scores, PGR, report. The same command again continues where it stopped.");
        arguments.AddTo(command);
        given.AddTo(command);
        return Complete(command, arguments, given);
    }

    public static Command CreateQuickstart() => Complete(
        new Command("quickstart", "Run the whole benchmark at nano scale, offline: experiments/quickstart.yaml."),
        new ExperimentArguments(() => ShippedFiles.PathOf("experiments", "quickstart.yaml")), given: null);

    private static Command Complete(Command command, ExperimentArguments arguments, GivenDataArguments? given)
    {
        var runs = RunsOption.Create();
        var jobs = new Option<int>("--jobs")
        {
            Description = "Steps at once; each gets an equal share of the cores.",
            DefaultValueFactory = _ => Environment.ProcessorCount,
        }.Within(1);
        var dryRun = new Option<bool>("--dry-run") { Description = "Print the plan and what is done already; ask no model, write nothing." };
        var pilot = PilotOption.Create();
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of tables." };
        var unsafeNoSandbox = new Option<bool>("--unsafe-no-sandbox") { Description = "Run code that a student wrote without a sandbox; written into the result." };
        if (given is null)
            arguments.AddTo(command);
        command.Options.Add(runs);
        command.Options.Add(jobs);
        command.Options.Add(dryRun);
        command.Options.Add(pilot);
        PilotOption.RefuseWith(command, pilot, dryRun);
        command.Options.Add(json);
        command.Options.Add(unsafeNoSandbox);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var experiment = arguments.Load(parsed);
            experiment = given?.Apply(parsed, experiment) ?? experiment;
            using var composition = new Composition(parsed.GetValue(jobs), parsed.GetValue(unsafeNoSandbox), experiment.Recipe.Device);
            var pipeline = new Pipeline(composition.Services, parsed.Archive(runs));
            if (parsed.GetValue(dryRun))
            {
                var plan = await pipeline.PlanAsync(experiment, cancellationToken);
                if (parsed.GetValue(json))
                    Console.WriteLine(JsonSerializer.Serialize(plan, CanonicalJson.Indented));
                else
                    PlanTable.Print(plan);
                EvaluationTable.PrintDetectable(plan.Benchmarks, experiment.Confidence.Level);
                return ExitCodes.Done;
            }
            if (parsed.GetValue(pilot) is { } tries)
                return await PilotOption.RunAsync(pipeline, experiment, tries, dataOnly: false, parsed.GetValue(json), cancellationToken);
            var outcome = await RunDisplay.ShowAsync(composition.Services.Budget, observer => pipeline.RunAsync(experiment, parsed.GetValue(jobs), observer, cancellationToken));
            return await RunEnding.ReportAsync(outcome, parsed.GetValue(json), cancellationToken);
        });
        return command;
    }
}
