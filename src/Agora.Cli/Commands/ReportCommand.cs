using System.CommandLine;
using System.Text.Json;
using Agora.Experiments;
using Agora.Reports;
using Agora.Runs;

namespace Agora.Cli.Commands;

/// <summary><c>agora report A B</c>: two runs, compared item by item.</summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        var runs = RunsOption.Create();
        var first = new Argument<string>("first") { Description = "The first run's id or its beginning." };
        var second = new Argument<string>("second") { Description = "The second run's id or its beginning." };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of a table." };
        var command = new Command("report", "Compare two runs by paired tests on the same benchmark items.") { first, second, json, runs };
        command.SetAction(parsed =>
        {
            var archive = parsed.Archive(runs);
            var (one, other) = (archive.Find(parsed.GetRequiredValue(first)), archive.Find(parsed.GetRequiredValue(second)));
            if (one.Id == other.Id)
                throw new AgoraException("there is only one run to compare", one.Id, "name two that differ") { ExitCode = ExitCodes.Usage };
            var confidence = new ConfidenceSpec();
            var comparison = RunComparison.Of(one, other, archive.Store, confidence, new RandomStreams(42));
            string[] notes =
            [
                .. comparison.Remarks.Select(remark => $"{remark}."),
                .. comparison.Same > 0 ? (IEnumerable<string>)[$"{comparison.Same} graded results are the same in both runs and not compared."] : [],
                .. comparison.Alone.Select(name => $"Only in one run: {name}."),
            ];
            if (parsed.GetValue(json))
                Console.WriteLine(JsonSerializer.Serialize(comparison, CanonicalJson.Indented));
            else
                TerminalTable.Print(ComparisonTables.Of(comparison.Pairs.Select(pair => (pair.Name, pair.Comparison)), one.Id, other.Id, confidence.Level, notes));
            return ExitCodes.Done;
        });
        return command;
    }
}
