using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using Agora.Benchmarks;
using Agora.Cli.Progress;
using Agora.Experiments;
using Agora.Runs;

namespace Agora.Cli.Commands;

/// <summary><c>agora evaluate MODEL|ENDPOINT --benchmarks ...</c>: scores outside an experiment, and <c>agora evaluate diff</c> between them.</summary>
internal static class EvaluateCommand
{
    public static Command Create()
    {
        var arguments = new EvaluationArguments();
        var runs = RunsOption.Create();
        var device = DeviceOption.Create();
        var selfTest = new Option<bool>("--self-test") { Description = "Feed each benchmark its own solutions, empty answers and shuffled solutions; asks no model." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Print the plan and what is done already; ask no model, write nothing." };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of tables." };
        var command = new Command("evaluate", "Score a model, or answers in a file, on benchmarks: with standard errors, and every sample kept.");
        arguments.AddTo(command);
        foreach (var option in (Option[])[selfTest, device, runs, dryRun, json])
            command.Options.Add(option);
        command.Subcommands.Add(EvaluateDiffCommand.Create());
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(selfTest))
                return await SelfTestAsync(await arguments.BenchmarksAsync(parsed, mayFetch: true, cancellationToken), parsed.GetValue(json), cancellationToken);
            var request = await arguments.RequestAsync(parsed, mayFetch: !parsed.GetValue(dryRun), cancellationToken);
            using var composition = new Composition(jobs: 1, device: parsed.Device(device));
            var evaluation = new Evaluation(composition.Services, parsed.Archive(runs));
            if (parsed.GetValue(dryRun))
            {
                var plan = await evaluation.PlanAsync(request, cancellationToken);
                if (parsed.GetValue(json))
                    Console.WriteLine(JsonSerializer.Serialize(plan, CanonicalJson.Indented));
                else
                    PlanTable.Print(plan);
                EvaluationTable.PrintDetectable(request);
                return ExitCodes.Done;
            }
            EvaluationTable.PrintDetectable(request);
            var outcome = await RunDisplay.ShowAsync(composition.Services.Budget, observer => evaluation.RunAsync(request, Environment.ProcessorCount, observer, cancellationToken));
            if (parsed.GetValue(json))
                Console.WriteLine(File.ReadAllText(outcome.Folder.PathOf(EvaluationFolder.RecordFileName)).TrimEnd());
            else if (!outcome.Record.Scores.IsEmpty)
                EvaluationTable.Print(outcome);
            if (!outcome.Bill.Lines.IsEmpty)
                Console.Error.WriteLine($"bill: {BillTable.Total(outcome.Bill)}");
            foreach (var failure in outcome.Failures)
                Console.Error.WriteLine($"{(failure.IsBudget ? "stopped" : "error")}: {failure.Step.Name}: {failure.Fault.Message}");
            return outcome.ExitCode;
        });
        return command;
    }

    private static async Task<int> SelfTestAsync(ImmutableArray<EvaluatedBenchmark> benchmarks, bool json, CancellationToken cancellationToken)
    {
        var lines = ImmutableArray.CreateBuilder<SelfTestLine>();
        foreach (var benchmark in benchmarks.SelectMany(evaluated => evaluated.Plus is { } plus ? (IBenchmark[])[evaluated.Benchmark, plus] : [evaluated.Benchmark]))
            lines.AddRange(await BenchmarkSelfTest.RunAsync(benchmark, new GradingContext { Random = new RandomStreams(42) }, cancellationToken));
        if (json)
            Console.WriteLine(JsonSerializer.Serialize(lines.ToImmutable(), CanonicalJson.Indented));
        else
            EvaluationTable.Print(lines.ToImmutable());
        return lines.Any(line => !line.Surprises.IsEmpty) ? ExitCodes.Failed : ExitCodes.Done;
    }
}
