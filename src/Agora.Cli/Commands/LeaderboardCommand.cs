using System.CommandLine;
using Agora.Experiments;
using Agora.Reports.Leaderboards;
using Agora.Runs;

namespace Agora.Cli.Commands;

/// <summary><c>agora leaderboard</c>: results of many runs in one file that many people can merge and check.</summary>
internal static class LeaderboardCommand
{
    public static Command Create()
    {
        var command = new Command("leaderboard", "Results of many runs in one file (JSON or CSV) that many people can merge and check.");
        command.Subcommands.Add(Add());
        command.Subcommands.Add(Merge());
        command.Subcommands.Add(Check());
        command.Subcommands.Add(Show());
        return command;
    }

    private static Argument<string> FileArgument(string description = "leaderboard.json or leaderboard.csv.") => new("file") { Description = description };

    private static Command Add()
    {
        var (file, ids, runs) = (FileArgument("leaderboard.json or leaderboard.csv; made where it is not there."), new Argument<string[]>("run") { Description = "Finished runs.", Arity = ArgumentArity.OneOrMore }, RunsOption.Create());
        var command = new Command("add", "Add the results of finished runs.") { file, ids, runs };
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(file);
            var archive = parsed.Archive(runs);
            var before = File.Exists(path) ? LeaderboardFile.Read(path) : [];
            var added = parsed.GetRequiredValue(ids).Select(archive.Find).SelectMany(run => LeaderboardEntries.Of(run, archive.Store).Select(entry => (entry, $"run {run.Id}")));
            return Write(Leaderboard.Of([.. before.Select(entry => (entry, path)), .. added]), path, before.Length);
        });
        return command;
    }

    private static Command Merge()
    {
        var (file, others) = (FileArgument("Where the merged leaderboard goes; merged too where it is there already."), new Argument<string[]>("other") { Description = "Leaderboards, JSON or CSV.", Arity = ArgumentArity.OneOrMore });
        var command = new Command("merge", "Merge leaderboards; entries that conflict or were changed are refused, and nothing is written.") { file, others };
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(file);
            var before = File.Exists(path) ? LeaderboardFile.Read(path) : [];
            return Write(Leaderboard.Of([.. before.Select(entry => (entry, path)), .. parsed.GetRequiredValue(others).SelectMany(other => LeaderboardFile.Read(other).Select(entry => (entry, other)))]), path, before.Length);
        });
        return command;
    }

    private static Command Check()
    {
        var (file, ids, runs) = (FileArgument(), new Argument<string[]>("run") { Description = "Runs of yours: entries of the same experiments must be what they gave.", Arity = ArgumentArity.ZeroOrMore }, RunsOption.Create());
        var command = new Command("check", "Check every entry: seal, hash, PGR from its scores; and against your own runs of the same experiments.") { file, ids, runs };
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(file);
            var board = Leaderboard.Of(LeaderboardFile.Read(path).Select(entry => (entry, path)));
            var archive = parsed.Archive(runs);
            var own = (parsed.GetValue(ids) ?? []).Select(archive.Find).SelectMany(run => LeaderboardEntries.Of(run, archive.Store)).ToArray();
            // Who made a run does not change it, but versions and times of making may differ: what counts is what was measured.
            var known = own.ToDictionary(entry => entry.Key);
            var (same, different) = (0, new List<string>());
            foreach (var entry in board.Entries)
                if (known.TryGetValue(entry.Key, out var mine))
                {
                    if (Measured(mine) == Measured(entry))
                        same++;
                    else
                        different.Add($"{entry.Generator} {entry.Setting} of {entry.Run}: its PGR is {entry.Pgr:0.####}, yours {mine.Pgr:0.####}");
                }
            if (different.Count > 0)
                throw new AgoraException($"{different.Count} of {board.Entries.Length} entries are not what your runs gave:\n  {string.Join("\n  ", different)}", path, "compare the runs with \"agora report\", on the same machine and version");
            Console.WriteLine(own.Length == 0
                ? $"{board.Entries.Length} entries are whole and agree with their scores; name your own runs of the same experiments to check the scores, too"
                : $"{board.Entries.Length} entries are whole and agree with their scores; {same} of them are what your runs gave, {board.Entries.Length - same} are of other experiments");
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Show()
    {
        var file = FileArgument();
        var command = new Command("show", "One table per setting, benchmark, grader, student and recipe; results on different ones never stand in one.") { file };
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(file);
            foreach (var table in LeaderboardTables.Of(Leaderboard.Of(LeaderboardFile.Read(path).Select(entry => (entry, path)))))
                TerminalTable.Print(table);
            return ExitCodes.Done;
        });
        return command;
    }

    private static string Measured(LeaderboardEntry entry) => (entry with { Agora = "", Dollars = null }).Sealed().Seal;

    private static int Write(Leaderboard board, string path, int before)
    {
        LeaderboardEntries.Write(board, path);
        Console.WriteLine($"{path}: {board.Entries.Length} entries, {board.Entries.Length - before} of them new");
        return ExitCodes.Done;
    }
}
