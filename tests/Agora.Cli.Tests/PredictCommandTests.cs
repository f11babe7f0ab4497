using System.Text.Json.Nodes;

namespace Agora.Cli.Tests;

/// <summary><c>agora predict</c> and <c>agora leaderboard</c>, as a user types them.</summary>
public sealed class PredictCommandTests
{
    [Fact]
    public async Task A_data_file_gets_an_expected_pgr_with_an_interval_and_refusals_say_what_is_missing()
    {
        using var folder = new ScratchFolder();
        folder.File("clean.jsonl", string.Concat(File.ReadLines(TinyExperiment.Nano("seeds", "code", "instance_generation.jsonl")).Concat(File.ReadLines(TinyExperiment.Nano("seeds", "code", "quality_enhancement.jsonl"))).Take(240).Select(line => line + "\n")));
        using var predicted = await AgoraProcess.RunAsync(folder.Path, "predict", "clean.jsonl", "--setting", "code/response_generation", "--json");
        Assert.True(predicted.ExitCode == 0, predicted.Error);
        var entry = JsonNode.Parse(predicted.Output)![0]!;
        Assert.Equal("code/response_generation", (string)entry["setting"]!);
        Assert.InRange((double)entry["prediction"]!["pgr"]!, (double)entry["prediction"]!["low"]!, (double)entry["prediction"]!["high"]!);

        using var table = await AgoraProcess.RunAsync(folder.Path, "predict", "clean.jsonl", "--setting", "code/response_generation");
        Assert.Contains("valid for its student, reference, recipe and benchmarks alone", table.Output.ReplaceLineEndings(" "), StringComparison.Ordinal);
        using var unset = await AgoraProcess.RunAsync(folder.Path, "predict", "clean.jsonl");
        Refused(unset, "needs a setting");
        using var other = await AgoraProcess.RunAsync(folder.Path, "predict", "clean.jsonl", "--setting", "code/response_generation", "--base", TinyExperiment.Nano("models", "sprout"));
        Refused(other, "base differ from its own");
        folder.File("few.jsonl", string.Concat(File.ReadLines(Path.Combine(folder.Path, "clean.jsonl")).Take(40).Select(line => line + "\n")));
        using var few = await AgoraProcess.RunAsync(folder.Path, "predict", "few.jsonl", "--setting", "code/response_generation");
        Refused(few, "40 instances are another quantity");
        using var spoiled = await AgoraProcess.RunAsync(folder.Path, "predict", "clean.jsonl", "--setting", "code/response_generation", "--study", "clean.jsonl");
        Refused(spoiled, "the study cannot be read");
    }

    [Fact]
    public async Task Runs_make_a_study_with_probes_and_a_leaderboard_that_can_be_checked()
    {
        using var folder = new ScratchFolder();
        using var full = await AgoraProcess.RunAsync(folder.Path, ["quickstart", .. TinyExperiment.Overrides, "--set", "trainingSeeds=[1, 2]", "--set", "name=full"]);
        Assert.True(full.ExitCode == 0, full.Error);
        using var probe = await AgoraProcess.RunAsync(folder.Path, ["quickstart", .. TinyExperiment.Overrides, "--set", "name=short", "--set", "recipe.epochs=2"]);
        Assert.True(probe.ExitCode == 0, probe.Error);

        using var learned = await AgoraProcess.RunAsync(folder.Path, "predict", "learn", "full", "--probe", "short=short", "--out", "study.json");
        Assert.True(learned.ExitCode == 0, learned.Error);
        var study = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder.Path, "study.json"), TestContext.Current.CancellationToken))!;
        Assert.Equal(["short PGR", "short loss"], study["study"]!["probes"]!.AsArray().Select(entry => (string)entry!["name"]!));
        Assert.Equal(2.0, (double)study["study"]!["probes"]![0]!["costShare"]!, 1e-9);
        Assert.All(study["study"]!["cells"]!.AsArray(), cell => Assert.True(cell!["probes"]!.AsObject().ContainsKey("short loss")));

        // Two data sets teach nothing: refused, and not guessed.
        using var nothing = await AgoraProcess.RunAsync(folder.Path, "predict", "full", "--study", "study.json", "--probe", "short=short");
        Refused(nothing, "nothing can be predicted");
        using var foreign = await AgoraProcess.RunAsync(folder.Path, "predict", "full");
        Refused(foreign, "recipe");
        using var unknown = await AgoraProcess.RunAsync(folder.Path, "predict", "full", "--study", "study.json", "--probe", "early=short");
        Refused(unknown, "the study has no probe \"early\"");
        using var wrong = await AgoraProcess.RunAsync(folder.Path, "predict", "full", "--study", "study.json", "--probe", "short=full");
        Refused(wrong, "recipe differ");
        using var unnamed = await AgoraProcess.RunAsync(folder.Path, "predict", "learn", "full", "--probe", "short");
        Refused(unnamed, "names no probe");

        using var added = await AgoraProcess.RunAsync(folder.Path, "leaderboard", "add", "board.json", "full");
        Assert.True(added.ExitCode == 0, added.Error);
        using var more = await AgoraProcess.RunAsync(folder.Path, "leaderboard", "add", "other.csv", "full", "short");
        Assert.True(more.ExitCode == 0, more.Error);
        using var merged = await AgoraProcess.RunAsync(folder.Path, "leaderboard", "merge", "board.json", "other.csv");
        Assert.Contains("4 entries, 2 of them new", merged.Output, StringComparison.Ordinal);
        using var whole = await AgoraProcess.RunAsync(folder.Path, "leaderboard", "check", "board.json", "full");
        Assert.Contains("2 of them are what your runs gave, 2 are of other experiments", whole.Output, StringComparison.Ordinal);
        using var shown = await AgoraProcess.RunAsync(folder.Path, "leaderboard", "show", "board.json");
        Assert.Contains("nano_math (12 items", shown.Output, StringComparison.Ordinal);
        var path = Path.Combine(folder.Path, "board.json");
        var text = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        folder.File("changed.json", text.Replace("\"instances\": 8", "\"instances\": 9", StringComparison.Ordinal));
        using var changed = await AgoraProcess.RunAsync(folder.Path, "leaderboard", "merge", "board.json", "changed.json");
        Assert.Equal(1, changed.ExitCode);
        Assert.Contains("its seal does not fit", changed.Error, StringComparison.Ordinal);
        Assert.Equal(text, await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        using var missing = await AgoraProcess.RunAsync(folder.Path, "leaderboard", "check", "nowhere.json");
        Refused(missing, "no such file");
    }

    private static void Refused(AgoraProcess agora, string what)
    {
        Assert.True(agora.ExitCode == 2, agora.Output + agora.Error);
        Assert.Contains(what, agora.Error.ReplaceLineEndings(" "), StringComparison.Ordinal);
        Assert.Contains("fix:", agora.Error, StringComparison.Ordinal);
    }
}
