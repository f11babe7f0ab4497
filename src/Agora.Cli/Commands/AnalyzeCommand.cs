using System.CommandLine;
using System.Text.Json;
using Agora.Analysis;
using Agora.Analysis.Published;
using Agora.Experiments;
using Agora.Figures;
using Agora.Reports;
using Agora.Reports.Figures;
using Agora.Reports.Tables;
using Agora.Runs;

namespace Agora.Cli.Commands;

/// <summary><c>agora analyze</c>: what explains PGR, in runs or in the published tables.</summary>
internal static class AnalyzeCommand
{
    public static Command Create()
    {
        var runs = RunsOption.Create();
        var ids = new Argument<string[]>("run") { Description = "A finished run; more of the same experiment add meta-prompts and sizes of data sets.", Arity = ArgumentArity.ZeroOrMore };
        var published = new Option<string?>("--published") { Description = "Instead of a run: folder of the paper's tables as CSV files (table2_pgr.csv and others).", HelpName = "folder" };
        var output = new Option<string?>("--out", "-o") { Description = "Also write analysis.md, analysis.json, each table as CSV and LaTeX, and the figures as SVG and PNG into this folder.", HelpName = "folder" };
        var (gpu, hours) = TrainingPriceOptions.Create();
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of tables." };
        var command = new Command("analyze", "What explains PGR, and what the money bought: regressions, components, what predicts unseen generators, meta-prompts, dollars against PGR, PGR by the number of instances.") { ids, published, output, gpu, hours, json, runs };
        command.SetAction(parsed =>
        {
            var named = parsed.GetValue(ids) ?? [];
            if (parsed.GetValue(published) is not null == named.Length > 0)
                throw new AgoraException(named.Length > 0 ? "runs and published tables are different studies" : "there is nothing to analyse", "the command line", "name runs, or give --published FOLDER") { ExitCode = ExitCodes.Usage };
            var given = TrainingPriceOptions.Of(parsed, gpu, hours);
            if (parsed.GetValue(published) is { } folder)
            {
                if (given is not null)
                    throw new AgoraException("the published tables have no trainings to price", "--gpu-price", "leave it out, or name runs") { ExitCode = ExitCodes.Usage };
                var tables = PublishedAnalysis.Of(folder);
                Deliver("The paper's analyses, from its tables", AnalysisTables.Of(tables), tables.Analysis, tables.Remarks, JsonSerializer.Serialize(tables, CanonicalJson.Indented) + "\n", parsed.GetValue(output), parsed.GetValue(json));
                return ExitCodes.Done;
            }
            var archive = parsed.Archive(runs);
            var study = RunStudy.Of([.. named.Select(archive.Find)], archive.Store);
            var analysis = StudyAnalysis.Of(study.Study, study.Supply, study.Purchases, given ?? study.Training, new RandomStreams(42));
            Deliver($"What explains PGR in {study.Study.Source}", AnalysisTables.Of(analysis), analysis, [.. study.Remarks, .. analysis.Remarks], JsonSerializer.Serialize(analysis, CanonicalJson.Indented) + "\n", parsed.GetValue(output), parsed.GetValue(json));
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Deliver(string title, IReadOnlyList<TextTable> tables, StudyAnalysis analysis, IReadOnlyList<string> remarks, string document, string? folder, bool asJson)
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
            var files = AnalysisFiles.Write(folder, title, tables, AnalysisFigures.Of(analysis), remarks, document, SkiaFigures.Png);
            Console.Error.WriteLine($"wrote {files.Length} files to {folder}");
        }
    }
}
