using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using Agora.Benchmarks.Judged;
using Agora.Experiments;
using Agora.Runs;
using Spectre.Console;

namespace Agora.Cli.Commands;

/// <summary><c>agora judge arena-hard FILE…</c>: win rates, ratings and intervals from official judgment files.</summary>
internal static class JudgeArenaHardCommand
{
    private const string Baseline = "gpt-4-0314";

    public static Command Create()
    {
        var files = new Argument<string[]>("judgments") { Description = "One model_judgment file (.jsonl) per model, in the order that the published bootstrap is to see them.", Arity = ArgumentArity.OneOrMore };
        var rules = new Option<string>("--rules") { Description = "v0.1 (a void game leaves the other), or 2025 (a void game voids the question).", DefaultValueFactory = _ => "v0.1" };
        rules.AcceptOnlyFromAmong("v0.1", "2025");
        var rounds = new Option<int>("--rounds") { Description = "Rounds of the published bootstrap.", DefaultValueFactory = _ => 100 };
        var questionRounds = new Option<int>("--question-rounds") { Description = "Rounds of the bootstrap over questions.", DefaultValueFactory = _ => 1000 };
        var seed = new Option<long>("--seed") { Description = "Of the bootstrap over questions; the published one has its own.", DefaultValueFactory = _ => 42 };
        var answers = new Option<string[]>("--answers") { Description = "Official model_answer files of all models and of the baseline, for style control; repeatable.", HelpName = "jsonl" };
        var style = new Option<string>("--style") { Description = "With --answers, what is held equal: all, length or markdown.", DefaultValueFactory = _ => "all" };
        style.AcceptOnlyFromAmong("all", "length", "markdown");
        var baseline = new Option<string>("--baseline") { Description = "With --answers, the baseline's name there.", DefaultValueFactory = _ => Baseline };
        var leaderboard = new Option<string?>("--leaderboard") { Description = "Write a leaderboard file in the official layout.", HelpName = "csv" };
        var json = new Option<bool>("--json") { Description = "One JSON document instead of a table." };
        foreach (var count in (Option<int>[])[rounds, questionRounds])
            count.Within(1, 1_000_000);
        var command = new Command("arena-hard", "Win rates, ratings and intervals from Arena-Hard judgments, with style control.") { files, rules, rounds, questionRounds, seed, answers, style, baseline, leaderboard, json };
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(answers) is not { Length: > 0 } && ((Option[])[style, baseline]).FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } idle)
                throw new AgoraException($"{idle.Name} has no meaning without style control", idle.Name, "give --answers, the model_answer files of all models and of the baseline") { ExitCode = ExitCodes.Usage };
            var reading = parsed.GetRequiredValue(rules) == "v0.1" ? ArenaRules.V01 : ArenaRules.Head2025;
            var read = parsed.GetRequiredValue(files).Select(path => ArenaJudgments.Read(path, reading)).ToArray();
            if (read.GroupBy(rows => rows[0].Model).FirstOrDefault(group => group.Count() > 1) is { } twice)
                throw new AgoraException($"two files hold the model \"{twice.Key}\"", string.Join(", ", parsed.GetRequiredValue(files)), "give one file a model; \"agora judge compare\" compares two judges") { ExitCode = ExitCodes.Usage };
            var models = read.Select(rows => (rows[0].Model, (IReadOnlyList<ArenaGames>)[.. rows.Select(row => new ArenaGames(row.QuestionId, row.BaselineFirst, row.ModelFirst))])).ToArray();
            var scores = ArenaHardScore.Of(models, reading, parsed.GetValue(rounds), parsed.GetValue(questionRounds), new RandomStreams(parsed.GetValue(seed)));
            StyleControl? controlled = null;
            if (parsed.GetValue(answers) is { Length: > 0 } answerFiles)
            {
                var styles = ArenaStyles.Read(answerFiles);
                if (styles.LengthUnit != "tokens")
                    Console.Error.WriteLine("warning: not every answer says its length in tokens, so lengths are in code points: not comparable with published style control");
                var traits = parsed.GetRequiredValue(style) switch { "length" => StyleFeatures.Length, "markdown" => StyleFeatures.Markdown, _ => StyleFeatures.LengthAndMarkdown };
                controlled = styles.Fit(models, parsed.GetRequiredValue(baseline), reading, traits, parsed.GetValue(rounds));
            }
            Warn(models, scores);
            if (parsed.GetValue(leaderboard) is { } board)
                JudgeCommand.Replace(board, Leaderboards.ArenaHard(scores));
            if (parsed.GetValue(json))
                Console.WriteLine(JsonSerializer.Serialize(new { scores, styleControl = controlled is null ? null : new { coefficients = controlled.Coefficients.ToDictionary(c => c.Trait, c => c.Coefficient), models = controlled.Models } }, CanonicalJson.Indented));
            else
                Print(scores, controlled);
            return ExitCodes.Done;
        });
        return command;
    }

    private static void Warn((string Model, IReadOnlyList<ArenaGames> Games)[] models, ImmutableArray<ArenaHardScore> scores)
    {
        var questions = models.SelectMany(model => model.Games).Select(games => games.QuestionId).Distinct().Count();
        foreach (var (model, score) in models.Zip(scores))
        {
            if (score.VoidGames > 0)
                Console.Error.WriteLine($"warning: {score.Model}: {score.VoidGames} of {2 * score.Questions} games have no label that counts");
            if (score.Questions < questions)
                Console.Error.WriteLine($"warning: {score.Model}: {questions - score.Questions} questions that other files have are missing");
            if (score.WinRate is 0 or 100)
                Console.Error.WriteLine($"warning: {score.Model}: every battle went one way, so there is no rating");
            var labels = model.Games.SelectMany(games => (string?[])[games.BaselineFirst, games.ModelFirst]).Distinct().ToArray();
            if (model.Games.Count >= 10 && labels is [{ Length: > 0 } only])
                Console.Error.WriteLine($"warning: {score.Model}: the judge said {only} every time: its verdicts say nothing about the answers");
        }
    }

    private static void Print(ImmutableArray<ArenaHardScore> scores, StyleControl? controlled)
    {
        string[] columns = ["model", "win rate", "published interval", "over questions", "Elo", "battles", "questions", "void games"];
        var table = JudgeTables.Plain(controlled is null ? columns : [.. columns, "style-controlled"]);
        foreach (var score in scores.OrderByDescending(score => score.WinRate ?? double.NegativeInfinity))
        {
            string[] cells =
            [
                Markup.Escape(score.Model), JudgeTables.Number(score.WinRate), Interval(score.PublishedInterval), Interval(score.QuestionInterval), JudgeTables.Number(score.Elo),
                $"{score.Battles}", $"{score.Questions}", $"{score.VoidGames}",
            ];
            var style = controlled?.Models.First(model => model.Model == score.Model);
            table.AddRow(style is null ? cells : [.. cells, $"{JudgeTables.Number(style.WinRate)} {Interval(style.Interval)}"]);
        }
        Terminal.Out.Write(table);
        if (controlled is not null)
            Terminal.Out.WriteLine($"style, in logits per standard deviation: {string.Join(", ", controlled.Coefficients.Select(c => $"{c.Trait} {JudgeTables.Number(c.Coefficient)}"))}");
    }

    private static string Interval(ScoreInterval? interval) => interval is { } ends ? $"{JudgeTables.Number(ends.Low)} to {JudgeTables.Number(ends.High)}" : "none";
}
