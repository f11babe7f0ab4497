using System.Collections.Immutable;
using Agora.Experiments;
using Agora.Reports.Leaderboards;
using Agora.Runs;
using Agora.Tests.Runs;
using CsCheck;

namespace Agora.Tests.Reports;

/// <summary>Merging is a union; nothing that was changed or that contradicts another entry gets in.</summary>
public sealed class LeaderboardTests
{
    private static LeaderboardEntry Entry(int experiment, int generator, double trained = 0.4, string grader = "nano_math/1/abc", int unscored = 0) => new LeaderboardEntry
    {
        ExperimentHash = $"{experiment:x8}".PadRight(64, '0'),
        Run = $"run-{experiment:x8}",
        Agora = "0.1.0",
        Generator = $"g{generator}",
        GeneratorIdentity = $"embedded:{generator}",
        Setting = "math/response_generation",
        MetaPrompt = "agorabench",
        Instances = 240,
        DataHash = "d",
        Dollars = 0.25m,
        Student = "nano, \"the\" student",
        BaseIdentity = "b",
        ReferenceIdentity = "r",
        RecipeHash = "c",
        TrainingSeeds = 2,
        Pgr = 100 * (trained - 0.1) / 0.8,
        Low = 20,
        High = null,
        Scores = [new LeaderboardScore("nano_math", grader, "q", 250, unscored, 0.1, 0.9, trained)],
    }.Sealed();

    private static readonly Gen<Leaderboard> Boards = Gen.Select(Gen.Int[0, 3], Gen.Int[0, 3], (experiment, generator) => Entry(experiment, generator, 0.2 + 0.1 * generator + 0.01 * experiment)).List[0, 8]
        .Select(entries => Leaderboard.Of(entries.Select(entry => (entry, "generated"))));

    [Fact]
    public void Merging_does_not_depend_on_order_or_repetition() => Gen.Select(Boards, Boards, Boards).Sample((one, other, third) =>
    {
        var merged = one.Merge(other);
        return Same(merged, other.Merge(one)) && Same(merged, merged.Merge(other)) && Same(one, one.Merge(one)) && Same(one.Merge(other.Merge(third)), merged.Merge(third)) && Same(one, one.Merge(Leaderboard.Empty));
    });

    [Fact]
    public void A_leaderboard_is_the_same_after_writing_and_reading_in_both_forms() => Boards.Sample(board =>
    {
        using var folder = new TemporaryFolder();
        return ((string[])["board.json", "board.csv"]).All(name =>
        {
            File.WriteAllText(folder[name], LeaderboardFile.Render(board, folder[name]));
            return Same(board, Leaderboard.Of(LeaderboardFile.Read(folder[name]).Select(entry => (entry, name))));
        });
    }, iter: 30);

    [Fact]
    public void A_run_that_has_no_results_makes_no_entry()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["run-1"]);
        var fault = Assert.Throws<AgoraException>(() => LeaderboardEntries.Of(new RunFolder(folder["run-1"]), new StepStore(folder["store"])));
        Assert.Contains("the run has no results yet", fault.Message);
        Assert.Equal(2, fault.ExitCode);
    }

    public static TheoryData<string, string> Tampered => new()
    {
        { "pgr", "its seal does not fit" }, { "score", "its seal does not fit" }, { "pgr sealed again", "its scores give" }, { "hash sealed again", "does not end in the beginning of the experiment's hash" },
        { "interval sealed again", "its interval is none" }, { "gap sealed again", "does not beat the base model" }, { "items sealed again", "without a grade" }, { "nan sealed again", "is no number" }, { "no scores sealed again", "no benchmark scores" },
    };

    [Theory]
    [MemberData(nameof(Tampered))]
    public void What_was_changed_is_refused_with_the_reason(string change, string reason)
    {
        var entry = Entry(1, 1);
        var changed = change.Split(' ')[0] switch
        {
            "pgr" => entry with { Pgr = 99 },
            "score" => entry with { Scores = [entry.Scores[0] with { Trained = 0.8 }] },
            "hash" => entry with { ExperimentHash = new string('f', 64) },
            "interval" => entry with { Low = 5, High = 3 },
            "gap" => entry with { Scores = [entry.Scores[0] with { Reference = 0.05 }] },
            "items" => entry with { Scores = [entry.Scores[0] with { Items = 0 }] },
            "nan" => entry with { Scores = [entry.Scores[0] with { Trained = double.NaN }] },
            _ => entry with { Scores = [] },
        };
        var refused = Assert.Throws<AgoraException>(() => Leaderboard.Of([(Entry(2, 2), "mine"), (change.EndsWith("again", StringComparison.Ordinal) ? changed.Sealed() : changed, "theirs.json")]));
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.Contains("theirs.json: g1 math/response_generation of run-00000001", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_results_of_one_experiment_contradict_each_other_and_both_files_are_named()
    {
        var refused = Assert.Throws<AgoraException>(() => Leaderboard.Of([(Entry(1, 1, 0.4), "mine"), (Entry(1, 1, 0.5), "theirs")]));
        Assert.Contains("mine, theirs: g1 math/response_generation of run-00000001 stands there with 2 different results", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Results_of_another_grader_are_on_another_board()
    {
        var board = Leaderboard.Of([(Entry(1, 1), "a"), (Entry(1, 2, 0.5), "a"), (Entry(2, 1, 0.6, grader: "nano_math/2/abc"), "b")]);
        Assert.Equal(["g2", "g1"], board.Boards.Single(entries => entries.Count() == 2).Select(entry => entry.Generator));
        Assert.Equal(2, LeaderboardTables.Of(board).Length);
    }

    [Fact]
    public void Items_without_a_grade_allow_the_difference_that_they_can_make() =>
        Assert.Single(Leaderboard.Of([((Entry(1, 1, unscored: 5) with { Pgr = 38.5 }).Sealed(), "a")]).Entries);

    [Theory]
    [InlineData("board.json", "{}")]
    [InlineData("board.json", "{\"formatVersion\": 2, \"entries\": []}")]
    [InlineData("board.json", "{\"formatVersion\": 1, \"entries\": [null]}")]
    [InlineData("board.json", "{\"formatVersion\": 1, \"entries\": [], \"more\": 1}")]
    [InlineData("board.csv", "seal,pgr\r\nx,1\r\n")]
    [InlineData("board.csv", "")]
    public void A_file_that_is_no_leaderboard_is_refused(string name, string text)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder[name], text);
        Assert.Equal(2, Assert.Throws<AgoraException>(() => LeaderboardFile.Read(folder[name])).ExitCode);
    }

    [Fact]
    public void The_refusal_says_where()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["board.json"], "{\"formatVersion\": 1,\n\"entries\": [{\"pgr\": \"many\"}]}");
        var refused = Assert.Throws<AgoraException>(() => LeaderboardFile.Read(folder["board.json"]));
        Assert.Equal(("it is not the JSON of a leaderboard: $.entries[0].pgr is not as expected", folder["board.json"] + ":2"), (refused.What, refused.Where));
    }

    private static bool Same(Leaderboard one, Leaderboard other) => one.Entries.Select(entry => entry.Seal).SequenceEqual(other.Entries.Select(entry => entry.Seal));
}
