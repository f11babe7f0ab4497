using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using Agora.Analysis;
using Agora.Experiments;
using Agora.Reports;
using Agora.Reports.Tables;
using Agora.Runs;

namespace Agora.Cli.Commands;

/// <summary><c>agora predict learn</c>: a study to predict from, out of finished runs, and how well that goes.</summary>
internal static class PredictLearnCommand
{
    public static Command Create()
    {
        var runs = RunsOption.Create();
        var full = new Argument<string>("run") { Description = "A finished run, measured by \"agora metrics\": the PGRs to predict. Two training seeds tell how sharp they are." };
        var probe = new Option<string[]>("--probe") { Description = "A run with the same generators, settings and benchmarks whose training costs less: fewer epochs, fewer instances, a smaller base model. May be repeated.", HelpName = "NAME=RUN" };
        var output = new Option<string?>("--out", "-o") { Description = "Write the study there, for --study of \"agora predict\".", HelpName = "file" };
        var device = DeviceOption.Create();
        var markdown = new Option<bool>("--markdown") { Description = "Print the table as Markdown." };
        var command = new Command("learn", "Make a study out of finished runs, and hold every predictor against generators and settings that it never saw.") { full, probe, output, device, markdown, runs };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var archive = parsed.Archive(runs);
            using var composition = new Composition(jobs: 1, device: parsed.Device(device));
            var probes = PredictCommand.Probes(parsed.GetValue(probe) ?? [], archive).ToArray();
            if (probes.Select(entry => entry.Name).Distinct().Count() < probes.Length)
                throw new AgoraException("two probes have one name", "--probe", "give each a name of its own") { ExitCode = ExitCodes.Usage };
            var losses = new Dictionary<string, ImmutableArray<RecordedLossGap>>();
            foreach (var (name, run) in probes)
                losses[name] = await LossGap.MeasureAsync(run, archive.Store, composition.RentLikelihoodAsync, step => Console.Error.WriteLine($"measuring the loss of {step}"), cancellationToken);
            var study = await RunPredictionStudy.MakeAsync(archive.Find(parsed.GetRequiredValue(full)), probes, losses, archive.Store, composition.Services.Models, cancellationToken);
            var trial = PredictionTrial.Of(study.Study);
            foreach (var remark in trial.Table.Remarks)
                Console.Error.WriteLine($"note: {remark}");
            foreach (var table in (TextTable[])[PredictionTables.OfTrial(study, trial), PredictionTables.OfNested(trial.Nested())])
            {
                if (parsed.GetValue(markdown))
                    Console.Write(MarkdownTable.Render(table));
                else
                    TerminalTable.Print(table);
            }
            if (parsed.GetValue(output) is { } file)
                RunPredictionStudy.Write(study, file);
            return ExitCodes.Done;
        });
        return command;
    }
}
