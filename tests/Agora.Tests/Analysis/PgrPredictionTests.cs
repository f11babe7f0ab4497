using System.Collections.Immutable;
using Agora.Analysis;
using Agora.Experiments;
using Agora.Runs;
using Agora.Tests.Runs;

namespace Agora.Tests.Analysis;

/// <summary>Which predictor is asked, and when none may be: on a made-up study in which a probe tells nearly all and a metric half.</summary>
public sealed class PgrPredictionTests
{
    private static readonly Setting[] Settings = [.. Setting.All.Take(6)];

    private static Study Made(int generators = 6, double noise = 2)
    {
        var random = new Random(3);
        return new Study
        {
            Source = "made up",
            Metrics = ["perplexity", "implicit_reward"],
            Generators = [.. Enumerable.Range(0, generators).Select(g => new StudyGenerator { Name = $"g{g}", ProblemSolving = ImmutableSortedDictionary<Domain, double>.Empty, ProblemSolvingAverage = 10 * random.NextDouble() })],
            Probes = [new StudyProbe("short PGR", "PGR of a short training", 0.2, 0.2)],
            Cells =
            [
                .. from g in Enumerable.Range(0, generators)
                   from s in Enumerable.Range(0, Settings.Length)
                   let pgr = 12 * g + 4 * s + noise * random.NextDouble()
                   select new StudyCell
                   {
                       Generator = $"g{g}",
                       Setting = Settings[s],
                       Pgr = pgr,
                       Metrics = ImmutableSortedDictionary<string, double>.Empty.Add("perplexity", 2 + 0.2 * random.NextDouble()).Add("implicit_reward", pgr / 100 + 0.08 * random.NextDouble()),
                       Probes = ImmutableSortedDictionary<string, double>.Empty.Add("short PGR", pgr / 3 + random.NextDouble()),
                   },
            ],
        };
    }

    private static StudyCell Target(Setting setting, bool metrics = true, double? probe = null) => new()
    {
        Generator = "new",
        Setting = setting,
        Pgr = null,
        Metrics = metrics ? ImmutableSortedDictionary<string, double>.Empty.Add("perplexity", 2.1).Add("implicit_reward", 0.48) : ImmutableSortedDictionary<string, double>.Empty,
        Probes = probe is { } value ? ImmutableSortedDictionary<string, double>.Empty.Add("short PGR", value) : ImmutableSortedDictionary<string, double>.Empty,
    };

    [Fact]
    public void The_probe_is_asked_where_there_is_one_and_the_metrics_where_there_is_none()
    {
        var trial = PredictionTrial.Of(Made());
        var probed = Assert.IsType<Computed<PgrPrediction>.Value>(PgrPrediction.Of(trial, Target(Settings[2], probe: 14))).Result;
        Assert.StartsWith("short PGR", probed.Predictor, StringComparison.Ordinal);
        Assert.InRange(probed.Pgr, 34, 46);         // three times the probe
        Assert.InRange(probed.Pgr, probed.Low, probed.High);
        var without = PgrPrediction.Of(trial, Target(Settings[2]));
        Assert.Null(without.Why);
        var measured = without.ResultOrDefault!;
        Assert.DoesNotContain("short", measured.Predictor, StringComparison.Ordinal);
        Assert.True(measured.LooksAtData);
        Assert.True(measured.High - measured.Low > probed.High - probed.Low);
        Assert.True(measured.MeanAbsoluteError > probed.MeanAbsoluteError);
    }

    [Fact]
    public void The_choice_of_a_predictor_is_held_out_with_what_it_is_chosen_for()
    {
        var trial = PredictionTrial.Of(Made());
        var nested = trial.Nested();
        Assert.Equal(["all predictors", "predictors without a probe"], nested.Select(entry => entry.Among));
        Assert.Equal(6, nested[0].Winners.Length);
        Assert.All(nested[0].Winners, winner => Assert.StartsWith("short PGR", winner.Predictor, StringComparison.Ordinal));
        Assert.All(nested[1].Winners, winner => Assert.DoesNotContain("short PGR", winner.Predictor ?? "", StringComparison.Ordinal));
        // Where one predictor wins in every fold, the whole procedure has that one's error.
        if (nested[0].Winners.Select(winner => winner.Predictor).Distinct().ToArray() is [var only])
            Assert.Equal(trial.Results.Single(result => result.Predictor == only).LeavingGeneratorsOut.ResultOrDefault!.MeanAbsoluteError, nested[0].LeavingGeneratorsOut.ResultOrDefault!.MeanAbsoluteError, 1e-9);
        else
            Assert.NotNull(nested[0].LeavingGeneratorsOut.ResultOrDefault);
        Assert.Contains("needs at least 3", PredictionTrial.Of(Made(generators: 2)).Nested()[0].LeavingGeneratorsOut.Why, StringComparison.Ordinal);
    }

    // Among predictors of noise one wins by luck; held out with its choice, the luck is gone.
    [Fact]
    public void A_winner_by_luck_has_a_larger_error_where_its_choice_is_held_out()
    {
        var worse = 0;
        for (var seed = 0; seed < 6; seed++)
        {
            var random = new Random(seed);
            var study = Made() with
            {
                Probes = [.. Enumerable.Range(0, 5).Select(place => new StudyProbe($"p{place}", "noise", 0.1, 0.1))],
                Cells = [.. Made().Cells.Select(cell => cell with { Pgr = 4 * Array.IndexOf(Settings, cell.Setting) + 20 * random.NextDouble(), Probes = Enumerable.Range(0, 5).ToImmutableSortedDictionary(place => $"p{place}", _ => random.NextDouble()) })],
            };
            var trial = PredictionTrial.Of(study);
            if (trial.Ranked(settingKnown: true).FirstOrDefault() is { Error: { } winner } && trial.Nested()[0].LeavingGeneratorsOut.ResultOrDefault is { } nested && nested.Predicted == nested.Rows)
                worse += nested.MeanAbsoluteError >= winner.MeanAbsoluteError - 1e-9 ? 1 : -1;
        }
        Assert.True(worse > 0);
    }

    [Fact]
    public void Without_metrics_and_probe_there_is_no_prediction_and_what_is_missing_is_named()
    {
        var why = PgrPrediction.Of(PredictionTrial.Of(Made()), Target(Settings[2], metrics: false)).Why;
        Assert.Contains("probe \"short PGR\"", why, StringComparison.Ordinal);
        Assert.Contains("implicit_reward", why, StringComparison.Ordinal);
    }

    [Fact]
    public void One_generator_alone_teaches_nothing_of_another() =>
        Assert.Contains("no predictor beats the mean of everything", PgrPrediction.Of(PredictionTrial.Of(Made(generators: 1)), Target(Settings[2], probe: 14)).Why, StringComparison.Ordinal);

    [Fact]
    public void A_setting_that_the_study_does_not_have_is_judged_by_settings_held_out()
    {
        var trial = PredictionTrial.Of(Made());
        var unseen = PgrPrediction.Of(trial, Target(Setting.All[8], probe: 14));
        Assert.Equal("setting", Assert.IsType<Computed<PgrPrediction>.Value>(unseen).Result.Unseen);
        // Random probes of random numbers predict no setting.
        var random = new Random(8);
        var noise = Made() with { Cells = [.. Made().Cells.Select(cell => cell with { Pgr = 50 * random.NextDouble() })] };
        Assert.Contains($"the study has no {Setting.All[8]}", PgrPrediction.Of(PredictionTrial.Of(noise), Target(Setting.All[8], probe: 14)).Why, StringComparison.Ordinal);
    }

    [Fact]
    public void Generators_with_the_same_weights_are_held_out_together()
    {
        var apart = HeldOutPrediction.Of(FeatureTable.Of(Made()));
        var study = Made() with { Generators = [.. Made().Generators.Select((generator, place) => generator with { Family = $"f{place / 2}" })] };
        var together = HeldOutPrediction.Of(FeatureTable.Of(study));
        double Error(IEnumerable<HeldOutPrediction> all) => all.Single(entry => entry.Predictor == "setting mean").LeavingGeneratorsOut.ResultOrDefault!.MeanAbsoluteError;
        Assert.True(Error(together) > Error(apart));
        var one = Made() with { Generators = [.. Made().Generators.Select(generator => generator with { Family = "f" })] };
        Assert.Contains("only one generator", HeldOutPrediction.Of(FeatureTable.Of(one))[0].LeavingGeneratorsOut.Why, StringComparison.Ordinal);
    }

    [Fact]
    public void A_probe_that_is_missing_or_no_number_somewhere_leaves_that_row_out_and_no_other()
    {
        var study = Made();
        study = study with { Cells = study.Cells.SetItem(4, study.Cells[4] with { Probes = ImmutableSortedDictionary<string, double>.Empty.Add("short PGR", double.NaN) }).SetItem(9, study.Cells[9] with { Probes = ImmutableSortedDictionary<string, double>.Empty }) };
        var held = HeldOutPrediction.Of(FeatureTable.Of(study)).Single(entry => entry.Predictor == "short PGR").LeavingGeneratorsOut.ResultOrDefault!;
        Assert.Equal((34, 36), (held.Predicted, held.Rows));
    }

    [Fact]
    public void Compatibility_adjusted_reward_is_what_its_formula_gives()
    {
        var adjusted = CompatibilityAdjustedReward.Of(["perplexity", "response_reward", "implicit_reward"])!;
        Assert.Equal("response_reward", adjusted.Reward);
        Assert.Equal(8 / (1 + 3 * Math.Log(Math.E)), adjusted.Value(feature => feature == "perplexity" ? Math.E : 8), 1e-12);
        Assert.Null(CompatibilityAdjustedReward.Of(["response_reward"]));
        Assert.Null(CompatibilityAdjustedReward.Of(["perplexity"]));
    }

    [Fact]
    public void A_study_is_the_same_after_writing_and_reading_and_a_spoiled_file_is_refused()
    {
        using var folder = new TemporaryFolder();
        var study = RunPredictionStudy.Read(Path.Combine(Fixtures.Checkout, "nano", "study.json"));
        Assert.Equal((54, 6, 9), (study.Study.Cells.Length, study.Study.Generators.Length, study.Study.Cells.Select(cell => cell.Setting).Distinct().Count()));
        RunPredictionStudy.Write(study, folder["study.json"]);
        Assert.Equal(File.ReadAllBytes(Path.Combine(Fixtures.Checkout, "nano", "study.json")), File.ReadAllBytes(folder["study.json"]));
        foreach (var text in (string[])["", "{}", "[]", File.ReadAllText(folder["study.json"])[..2000], File.ReadAllText(folder["study.json"]).Replace("\"formatVersion\": 1", "\"formatVersion\": 2", StringComparison.Ordinal)])
        {
            File.WriteAllText(folder["bad.json"], text);
            Assert.Equal(2, Assert.Throws<AgoraException>(() => RunPredictionStudy.Read(folder["bad.json"])).ExitCode);
        }
    }

    // The table of docs/prediction.md.
    [Fact]
    public void On_nano_a_subset_probe_predicts_unseen_generators_and_the_papers_components_do_not()
    {
        var trial = PredictionTrial.Of(RunPredictionStudy.Read(Path.Combine(Fixtures.Checkout, "nano", "study.json")).Study);
        PredictionError Held(string name) => trial.Results.Single(entry => entry.Predictor == name).LeavingGeneratorsOut.ResultOrDefault!;
        Assert.InRange(Held("subset PGR, profile").RSquared, 0.7, 0.8);
        Assert.InRange(Held("subset PGR, profile").Coverage!.Value, 0.9, 1);
        Assert.True(Held("components").RSquared < 0);
        Assert.Equal("subset PGR, profile", trial.Ranked(settingKnown: true).First().Predictor.Name);
        var nested = trial.Nested();
        Assert.InRange(nested[0].LeavingGeneratorsOut.ResultOrDefault!.MeanAbsoluteError, 9, 10);
        Assert.InRange(nested[0].LeavingGeneratorsOut.ResultOrDefault!.RSquared, 0.5, 0.6);
        Assert.Equal(18, nested[1].LeavingGeneratorsOut.ResultOrDefault!.Predicted);
    }
}
