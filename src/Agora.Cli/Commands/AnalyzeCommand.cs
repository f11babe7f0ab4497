using System.CommandLine;
using System.Text.Json;
using Agora.Analysis.Published;
using Agora.Reports;
using Agora.Reports.Tables;
using Agora.Runs;

namespace Agora.Cli.Commands;

/// <summary><c>agora analyze</c>: what explains PGR, in the published tables.</summary>
internal static class AnalyzeCommand
{
    public static Command Create()
    {
        var published = new Option<string>("--published") { Description = "Folder of the paper's tables as CSV files (table2_pgr.csv and others).", HelpName = "folder", Required = true };
        var output = new Option<string?>("--out", "-o") { Description = "Also write analysis.md, analysis.json and each table as CSV and LaTeX into this folder.", HelpName = "folder" };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of tables." };
        var command = new Command("analyze", "What explains PGR: regressions, components, what predicts unseen generators, meta-prompts, prices.") { published, output, json };
        command.SetAction(parsed =>
        {
            var analysis = PublishedAnalysis.Of(parsed.GetRequiredValue(published));
            Deliver("The paper's analyses, from its tables", AnalysisTables.Of(analysis), analysis.Remarks, JsonSerializer.Serialize(analysis, CanonicalJson.Indented) + "\n", parsed.GetValue(output), parsed.GetValue(json));
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Deliver(string title, IReadOnlyList<TextTable> tables, IReadOnlyList<string> remarks, string document, string? folder, bool asJson)
    {
        foreach (var remark in remarks)
            Console.Error.WriteLine($"note: {remark}");
        if (asJson)
            Console.Write(document);
        else
            foreach (var table in tables)
                TerminalTable.Print(table);
        if (folder is not null)
        {
            var files = AnalysisFiles.Write(folder, title, tables, remarks, document);
            Console.Error.WriteLine($"wrote {files.Length} files to {folder}");
        }
    }
}
