using System.CommandLine;
using System.Text.Json;
using Agora.Benchmarks.Judged;
using Agora.Experiments;
using Agora.Runs;
using Spectre.Console;

namespace Agora.Cli.Commands;

/// <summary><c>agora judge compare FILE FILE…</c>: judges of the same answers, their agreement, and what each adds to its own.</summary>
internal static class JudgeCompareCommand
{
    public static Command Create()
    {
        var files = new Argument<string[]>("files") { Description = "annotations.json (AlpacaEval) or model_judgment .jsonl (Arena-Hard) files: one per model and judge.", Arity = new ArgumentArity(2, 10_000) };
        var json = new Option<bool>("--json") { Description = "One JSON document instead of a table." };
        var command = new Command("compare", "How far judges of the same answers agree, and whether a judge favours its own.") { files, json };
        command.SetAction(parsed =>
        {
            var judged = parsed.GetRequiredValue(files).Select(JudgedFile.Read).ToArray();
            if (judged.GroupBy(file => (file.Judge, file.Model)).FirstOrDefault(group => group.Count() > 1) is { } twice)
                throw new AgoraException($"two files hold {twice.Key.Model} judged by {twice.Key.Judge}", string.Join(", ", twice.Select(file => file.Path)), "give each model and judge once") { ExitCode = ExitCodes.Usage };
            var agreements = (from model in judged.GroupBy(file => file.Model)
                              let mine = model.ToArray()
                              from first in Enumerable.Range(0, mine.Length)
                              from second in Enumerable.Range(first + 1, mine.Length - first - 1)
                              select (Model: model.Key, Agreement: mine[first].AgreementWith(mine[second]))).ToArray();
            if (agreements.Length == 0)
                throw new AgoraException("no model was judged by two judges", string.Join(", ", judged.Select(file => file.Path)), "give files of the same model by different judges") { ExitCode = ExitCodes.Usage };
            var selves = SelfPreference.Of([.. judged.Where(file => file.Score is not null).Select(file => new JudgedModel(file.Judge, file.Model, file.Score!.Value))]);
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(new { agreements = agreements.Select(pair => new { model = pair.Model, agreement = pair.Agreement }), selfPreferences = selves }, CanonicalJson.Indented));
                return ExitCodes.Done;
            }
            var table = JudgeTables.Plain("model", "judges", "items", "same winner", "kappa", "Spearman", "first's score", "second's score");
            foreach (var (model, pair) in agreements)
                table.AddRow(Markup.Escape(model), Markup.Escape($"{pair.First}, {pair.Second}"), $"{pair.Items}", JudgeTables.Number(pair.SameWinner), JudgeTables.Number(pair.Kappa),
                    JudgeTables.Number(pair.Spearman), JudgeTables.Number(pair.FirstScore), JudgeTables.Number(pair.SecondScore));
            Terminal.Out.Write(table);
            foreach (var self in selves)
                Terminal.Out.WriteLine($"{self.Judge} gives its own answers {JudgeTables.Number(self.Own)} points more than the other judges do" + (self.Net is { } net ? $", {JudgeTables.Number(net)} once its leniency with others is taken off" : ""));
            return ExitCodes.Done;
        });
        return command;
    }
}
