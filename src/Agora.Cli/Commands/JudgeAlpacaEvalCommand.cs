using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using Agora.Benchmarks.Judged;
using Agora.Experiments;
using Agora.Runs;
using Spectre.Console;

namespace Agora.Cli.Commands;

/// <summary><c>agora judge alpaca-eval annotations.json…</c>: the leaderboard's figures of one or more models.</summary>
internal static class JudgeAlpacaEvalCommand
{
    public static Command Create()
    {
        var files = new Argument<string[]>("annotations") { Description = "One annotations.json per model.", Arity = ArgumentArity.OneOrMore };
        var gamed = new Option<string?>("--length-control") { Description = $"The official {LengthControlData.FileName}, which the length-controlled win rate needs; without it there are plain win rates only.", HelpName = "csv" };
        var instructions = new Option<string?>("--instructions") { Description = "The official alpaca_eval.json: finds each instruction's difficulty by its text. Without it by the row's place, as published figures do.", HelpName = "json" };
        var outputs = new Option<string?>("--outputs") { Description = "The model's model_outputs.json, whose lengths count even where an output was never judged; for a single model.", HelpName = "json" };
        var strength = new Option<int?>("--strength") { Description = "Regularisation, 0 (strongest) to 9 of the published grid, instead of cross-validation." }.Within(0, 9);
        var leaderboard = new Option<string?>("--leaderboard") { Description = "Leaderboard file in the official layout; rows of the same models are replaced, others stay.", HelpName = "csv" };
        var json = new Option<bool>("--json") { Description = "One JSON document instead of a table." };
        var command = new Command("alpaca-eval", "Win rates, length-controlled ones and a leaderboard from AlpacaEval annotations.") { files, gamed, instructions, outputs, strength, leaderboard, json };
        command.SetAction(parsed =>
        {
            var data = parsed.GetValue(gamed) is { } path ? LengthControlData.Read(path) : null;
            var places = parsed.GetValue(instructions) is { } official ? Places(official) : null;
            var paths = parsed.GetRequiredValue(files);
            var lengths = parsed.GetValue(outputs) is { } all ? AlpacaAnnotations.ReadOutputLengths(all) : default(ImmutableArray<int>?);
            if (lengths is not null && paths.Length != 1)
                throw new AgoraException("--outputs belongs to one model", "--outputs", "score the models one by one") { ExitCode = ExitCodes.Usage };
            if (parsed.GetValue(strength) is not null && data is null)
                throw new AgoraException("--strength has no meaning without length control", "--strength", $"give --length-control {LengthControlData.FileName}") { ExitCode = ExitCodes.Usage };
            var scored = paths.Select(file => Score(file, data, places, lengths, parsed.GetValue(strength))).ToImmutableArray();
            if (scored.GroupBy(model => model.Model).FirstOrDefault(group => group.Count() > 1) is { } twice)
                throw new AgoraException($"two files hold the model \"{twice.Key}\"", string.Join(", ", paths), "give one file a model; \"agora judge compare\" compares two judges") { ExitCode = ExitCodes.Usage };
            if (parsed.GetValue(leaderboard) is { } board)
                JudgeCommand.Replace(board, Leaderboards.AlpacaEval(File.Exists(board) ? board : null, scored.Select(model => (model.Model, model.Score))));
            Print(scored, parsed.GetValue(json));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Dictionary<string, int> Places(string file)
    {
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (place, instruction) in AlpacaAnnotations.ReadInstructions(file).Index())
            places.TryAdd(instruction, place);
        return places;
    }

    private static ScoredAnnotations Score(string file, LengthControlData? data, Dictionary<string, int>? places, ImmutableArray<int>? lengths, int? strength)
    {
        var annotations = AlpacaAnnotations.Read(file);
        var unknown = places is null ? [] : annotations.Where(annotation => !places.ContainsKey(annotation.Instruction)).ToArray();
        if (unknown.Length > 0)
            throw new AgoraException($"{unknown.Length} instructions are not in the official file, the first of them \"{Shortened(unknown[0].Instruction)}\"", file, "give the instructions that were judged") { ExitCode = ExitCodes.Usage };
        var pairs = annotations.Select((annotation, row) => new AlpacaPair(places is null ? row : places[annotation.Instruction], annotation.Instruction, annotation.Baseline, annotation.Output, annotation.Preference)).ToArray();
        var (score, _) = AlpacaEvalScore.Of(pairs, data, lengths, strength);
        var warnings = ImmutableArray.CreateBuilder<string>();
        warnings.AddRange(OutputWarnings.Of([.. annotations.Select(annotation => (annotation.Instruction, annotation.Output))]));
        if (annotations.Length - score.Plain.Total is > 0 and var unread)
            warnings.Add($"{unread} of {annotations.Length} pairs have no preference");
        if (score.Plain is { Total: >= 10 } plain && (plain.Wins == plain.Total ? "for the model" : plain.BaselineWins == plain.Total ? "for the baseline" : plain.Draws == plain.Total ? "as a draw" : null) is { } only)
            warnings.Add($"the judge decided all {plain.Total} pairs {only}: unless the two are so far apart, its verdicts say nothing about the answers");
        if (data is not null && annotations.Length != data.Difficulties.Length)
            warnings.Add($"{annotations.Length} pairs, the official set has {data.Difficulties.Length}" + (places is null ? ": behind a gap every row has another instruction's difficulty; --instructions finds it by text" : ""));
        if (score.NoLengthControl is { } reason)
            warnings.Add($"not length-controlled: {reason}");
        return new ScoredAnnotations(annotations[0].ModelName, annotations[0].BaselineName, annotations[0].Annotator, score, warnings.ToImmutable());
    }

    private static void Print(ImmutableArray<ScoredAnnotations> scored, bool json)
    {
        foreach (var model in scored)
            foreach (var warning in model.Warnings)
                Console.Error.WriteLine($"warning: {model.Model}: {warning}");
        if (json)
        {
            Console.WriteLine(System.Text.Json.JsonSerializer.Serialize(scored, CanonicalJson.Indented));
            return;
        }
        var table = JudgeTables.Plain("model", "LC win rate", "± as published", "± with the fit", "win rate", "±", "discrete", "wins", "losses", "draws", "pairs", "length");
        foreach (var (model, _, _, score, _) in scored.OrderByDescending(model => model.Score.Headline ?? double.NegativeInfinity))
            table.AddRow(Markup.Escape(model), JudgeTables.Number(score.LengthControlledWinRate), JudgeTables.Number(score.LengthControlledStandardError), JudgeTables.Number(score.LengthControlledFullError),
                JudgeTables.Number(score.Plain.WinRate), JudgeTables.Number(score.Plain.StandardError), JudgeTables.Number(score.Plain.DiscreteWinRate),
                $"{score.Plain.Wins}", $"{score.Plain.BaselineWins}", $"{score.Plain.Draws}", $"{score.Plain.Total}", score.AverageLength.ToString(CultureInfo.InvariantCulture));
        Terminal.Out.Write(table);
    }

    private static string Shortened(string text) => text.Length <= 60 ? text : text[..60] + "...";

    private sealed record ScoredAnnotations(string Model, string Baseline, string Judge, AlpacaEvalScore Score, ImmutableArray<string> Warnings);
}
