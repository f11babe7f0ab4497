using System.CommandLine;
using System.Globalization;
using Agora.Experiments;
using Agora.Runs;
using Spectre.Console;

namespace Agora.Cli.Commands;

/// <summary><c>agora runs</c>: what was run, how it went, and what may go.</summary>
internal static class RunsCommand
{
    public static Command Create()
    {
        var command = new Command("runs", "List, show, compare and remove runs, and take a trained student out of one.");
        command.Subcommands.Add(List());
        command.Subcommands.Add(Show());
        command.Subcommands.Add(Diff());
        command.Subcommands.Add(Export());
        command.Subcommands.Add(Remove());
        command.Subcommands.Add(Collect());
        return command;
    }

    private static Command List()
    {
        var runs = RunsOption.Create();
        var command = new Command("list", "All runs, newest first.") { runs };
        command.SetAction(parsed =>
        {
            var table = TerminalTable.Empty("run", "status", "started", new("steps", true));
            var faults = new List<AgoraException>();
            foreach (var run in parsed.Archive(runs).List())
            {
                try
                {
                    table.AddRow(Markup.Escape(run.Id), Status(run.Status()), run.State().Started.ToString("u", CultureInfo.InvariantCulture), $"{run.Steps().Length}");
                }
                catch (AgoraException fault)
                {
                    // One broken folder must not hide the others.
                    table.AddRow(Markup.Escape(run.Id), "[red]unreadable[/]", "", "");
                    faults.Add(fault);
                }
            }
            Terminal.Out.Write(table);
            foreach (var fault in faults)
                Terminal.Error.WriteLine($"error: {fault.Message}");
            return faults.Count == 0 ? ExitCodes.Done : ExitCodes.Failed;
        });
        return command;
    }

    private static Command Show()
    {
        var runs = RunsOption.Create();
        var id = RunArgument("The run's id or its beginning; the newest run where absent.", required: false);
        var timing = new Option<bool>("--timing") { Description = "Where the time went: models, and everything else." };
        var bill = new Option<bool>("--bill") { Description = "What was asked of which model, what came of it and what it cost." };
        var command = new Command("show", "One run: status, scores, files; with --timing where the time went, with --bill where the money went.") { id, timing, bill, runs };
        command.SetAction(parsed =>
        {
            var archive = parsed.Archive(runs);
            var run = Find(archive, parsed.GetValue(id));
            if (parsed.GetValue(timing))
            {
                PrintTiming(RunTiming.Of(run, archive.Store));
                return;
            }
            if (parsed.GetValue(bill))
            {
                BillTable.Print(run.Bill());
                return;
            }
            var state = run.State();
            Terminal.Out.MarkupLine($"{Markup.Escape(run.Id)}  {Status(run.Status())}  {Markup.Escape(run.FullPath)}");
            foreach (var failure in state.Failures)
                Terminal.Out.MarkupLine($"[red]failed[/] {Markup.Escape(failure.Step)}: {Markup.Escape(failure.Reason)}");
            var scores = TerminalTable.Empty("who answered", "benchmark", new("score", true), new("graded", true), new("not graded", true));
            foreach (var score in run.Scores())
                scores.AddRow(Markup.Escape(score.By), Markup.Escape(score.Benchmark),
                    score.Mean is { } mean ? (100 * mean).ToString("0.0", CultureInfo.InvariantCulture) : "none", $"{score.Graded}", $"{score.Unscored}");
            Terminal.Out.Write(scores);
        });
        return command;
    }

    private static Command Diff()
    {
        var runs = RunsOption.Create();
        var first = RunArgument("The first run's id or its beginning.", required: true, "first");
        var second = RunArgument("The second run's id or its beginning.", required: true, "second");
        var command = new Command("diff", "What two runs were asked, what they were done with and what came out, where it differs.") { first, second, runs };
        command.SetAction(parsed =>
        {
            var archive = parsed.Archive(runs);
            var differences = RunDifference.Between(archive.Find(parsed.GetRequiredValue(first)!), archive.Find(parsed.GetRequiredValue(second)!));
            var table = TerminalTable.Empty("where", "what", "first", "second");
            foreach (var difference in differences)
                table.AddRow(difference.Section, Markup.Escape(difference.Name), Markup.Escape(difference.First ?? "-"), Markup.Escape(difference.Second ?? "-"));
            if (differences.IsEmpty)
                Terminal.Out.WriteLine("the runs do not differ");
            else
                Terminal.Out.Write(table);
        });
        return command;
    }

    private static Command Export()
    {
        var runs = RunsOption.Create();
        var id = RunArgument("The run's id or its beginning.", required: true);
        var student = new Argument<string?>("student") { Description = "The student's name, such as \"student on tutor math/response_generation seed 42\", or a part of it that no other has; needed where there are several.", Arity = ArgumentArity.ZeroOrOne };
        var output = new Option<string>("--output") { Description = "The model folder to make.", HelpName = "folder", Required = true };
        var command = new Command("export", "Copy a trained student as a Hugging Face folder, its recipe, data hash and scores in its README.md.") { id, student, output, runs };
        command.SetAction(parsed =>
        {
            var archive = parsed.Archive(runs);
            var folder = parsed.GetRequiredValue(output);
            var name = StudentExport.Copy(archive.Find(parsed.GetRequiredValue(id)!), archive.Store, parsed.GetValue(student), folder);
            Terminal.Out.WriteLine($"{name}: {folder}");
        });
        return command;
    }

    private static Command Remove()
    {
        var runs = RunsOption.Create();
        var id = RunArgument("The run's id or its beginning.", required: true);
        var command = new Command("rm", "Remove a run, and the results that no other run needs.") { id, runs };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var archive = parsed.Archive(runs);
            var run = archive.Find(parsed.GetRequiredValue(id)!);
            var collected = await archive.RemoveAsync(run, cancellationToken);
            Terminal.Out.WriteLine($"removed {run.Id} and {collected.Steps} results that no other run needs ({Size(collected.Bytes)})");
        });
        return command;
    }

    private static Command Collect()
    {
        var runs = RunsOption.Create();
        var dryRun = new Option<bool>("--dry-run") { Description = "Only say what would go." };
        var previews = new Option<bool>("--previews") { Description = "Also what previews paid for and no run has used: a later run would pay for it again." };
        var command = new Command("gc", "Remove results that no kept run needs.") { dryRun, previews, runs };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var pretend = parsed.GetValue(dryRun);
            var collected = await parsed.Archive(runs).CollectAsync(parsed.GetValue(previews), pretend, cancellationToken);
            Terminal.Out.WriteLine($"{(pretend ? "would remove" : "removed")} {collected.Steps} results that no run needs ({Size(collected.Bytes)})");
            if (collected.PreviewBytes > 0)
                Terminal.Out.WriteLine($"kept what previews paid for ({Size(collected.PreviewBytes)}): --previews removes it as well");
        });
        return command;
    }

    private static void PrintTiming(RunTiming timing)
    {
        var table = TerminalTable.Empty("kind", new("steps", true), new("models", true), new("everything else", true));
        foreach (var kind in timing.Kinds)
            table.AddRow(kind.Kind, $"{kind.Steps}", Seconds(kind.ModelSeconds), Seconds(kind.OwnSeconds));
        table.AddRow("planning", "", "", Seconds(timing.PlanningSeconds));
        table.AddRow("gathering", "", "", Seconds(timing.GatheringSeconds));
        table.AddRow("all", $"{timing.Kinds.Sum(kind => kind.Steps)}", Seconds(timing.ModelSeconds), Seconds(timing.OwnSeconds));
        Terminal.Out.Write(table);
        foreach (var kind in timing.Kinds.Where(kind => kind is { TrainedTokens: > 0, ModelSeconds: > 0 }))
            Terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kind.Kind}: {kind.TrainedTokens:N0} tokens, {kind.TrainedTokens / kind.ModelSeconds:N0} a second and step"));
        Terminal.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"everything but models: {100 * timing.OwnShare:0.0} % of the time"));
    }

    private static Argument<string?> RunArgument(string description, bool required, string name = "run") =>
        new(name) { Description = description, Arity = required ? ArgumentArity.ExactlyOne : ArgumentArity.ZeroOrOne };

    private static RunFolder Find(RunArchive archive, string? id) =>
        id is not null ? archive.Find(id)
        : archive.List() is [var newest, ..] ? newest
        : throw new AgoraException("there are no runs yet", archive.Folder, "\"agora quickstart\" or \"agora run FILE\" makes one") { ExitCode = ExitCodes.Usage };

    private static string Status(RunStatus status) => status switch
    {
        RunStatus.Done => "[green]done[/]",
        RunStatus.Running => "[blue]running[/]",
        RunStatus.Failed => "[red]failed[/]",
        RunStatus.Incomplete => "[yellow]incomplete[/]",
        _ => "[yellow]interrupted[/]",
    };

    private static string Seconds(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s");

    private static string Size(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB");
}
