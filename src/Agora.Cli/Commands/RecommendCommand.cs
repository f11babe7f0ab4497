using System.CommandLine;
using System.Text.Json;
using Agora.Analysis;
using Agora.Experiments;
using Agora.Reports;
using Agora.Runs;

namespace Agora.Cli.Commands;

/// <summary><c>agora recommend</c>: what to buy for a budget.</summary>
internal static class RecommendCommand
{
    public static Command Create()
    {
        var runs = RunsOption.Create();
        var ids = new Argument<string[]>("run") { Description = "Finished runs of one experiment; several sizes of data set give a curve.", Arity = ArgumentArity.OneOrMore };
        var budget = new Option<double>("--budget") { Description = "US dollars for one data set and its training.", HelpName = "dollars", Required = true };
        var (gpu, hours) = TrainingPriceOptions.Create();
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of tables." };
        var command = new Command("recommend", "What to buy for a budget: generator, format, number of instances, expected PGR, and the runner-up.") { ids, budget, gpu, hours, json, runs };
        command.SetAction(parsed =>
        {
            var given = TrainingPriceOptions.Of(parsed, gpu, hours);
            var archive = parsed.Archive(runs);
            var study = RunStudy.Of([.. parsed.GetRequiredValue(ids).Select(archive.Find)], archive.Store);
            var training = given ?? study.Training;
            var advice = BudgetAdvice.Of(study.Supply, parsed.GetValue(budget), training, new RandomStreams(42));
            foreach (var remark in study.Remarks)
                Console.Error.WriteLine($"note: {remark}");
            if (parsed.GetValue(json))
                Console.WriteLine(JsonSerializer.Serialize(advice, CanonicalJson.Indented));
            else
                foreach (var table in BudgetTables.Of(advice, parsed.GetValue(budget), training.IsCounted))
                    TerminalTable.Print(table);
            return advice.Any(domain => !domain.Options.IsEmpty)
                ? ExitCodes.Done
                : throw new AgoraException("nothing can be recommended", string.Join(", ", parsed.GetRequiredValue(ids)), "give the models of the experiment a price, or raise the budget; the notes above say what is missing where") { ExitCode = ExitCodes.Usage };
        });
        return command;
    }
}
