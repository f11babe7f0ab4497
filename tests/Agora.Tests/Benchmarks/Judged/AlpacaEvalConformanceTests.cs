using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Agora.Benchmarks.Judged;
using Agora.Experiments;
using Agora.LanguageModels;

namespace Agora.Tests.Benchmarks.Judged;

/// <summary>Held against published leaderboard rows and an independent solver, within the tolerances that the data state.</summary>
public sealed class AlpacaEvalConformanceTests
{
    private static JsonElement Expected() => JsonDocument.Parse(File.ReadAllText(Fixtures.Part("alpaca_eval", "expected.json"))).RootElement;

    [Fact]
    public void Plain_figures_match_the_leaderboard()
    {
        foreach (var (name, model, pairs) in Models())
        {
            var published = model.GetProperty("published");
            var summary = PreferenceSummary.Of(pairs.Select(pair => pair.Preference));
            Assert.Equal(published.GetProperty("win_rate").GetDouble(), summary.WinRate!.Value, 1e-8);
            Assert.Equal(published.GetProperty("standard_error").GetDouble(), summary.StandardError!.Value, 1e-8);
            Assert.Equal(published.GetProperty("discrete_win_rate").GetDouble(), summary.DiscreteWinRate!.Value, 1e-8);
            Assert.Equal(
                (name, published.GetProperty("n_wins").GetInt32(), published.GetProperty("n_wins_base").GetInt32(), published.GetProperty("n_draws").GetInt32(), published.GetProperty("n_total").GetInt32()),
                (name, summary.Wins, summary.BaselineWins, summary.Draws, summary.Total));
        }
    }

    [Fact]
    public void The_fit_reaches_the_true_optimum_at_every_strength()
    {
        var data = Data();
        foreach (var (name, model, pairs) in Models())
        {
            var exact = model.GetProperty("exact");
            for (var k = 0; k < LengthControlledWinRate.Strengths.Length; k++)
            {
                var own = LengthControlledWinRate.Of(pairs, data, k);
                Assert.True(Math.Abs(own.WinRate - exact.GetProperty("lc_by_C")[k].GetDouble()) < 1e-5, $"{name}, strength {k}: {own.WinRate}");
                Assert.Equal(exact.GetProperty("lc_standard_error_by_C")[k].GetDouble(), own.StandardError!.Value, 1e-5);
                var weights = exact.GetProperty("weights_by_C")[k];
                Assert.Equal(weights[0].GetDouble(), own.Weights.Length, 1e-6);
                Assert.Equal(weights[1].GetDouble(), own.Weights.Difficulty, 1e-6);
                Assert.Equal(weights[2].GetDouble(), own.Weights.Model, 1e-6);
            }
        }
    }

    [Fact]
    public void At_the_published_strength_the_length_controlled_win_rate_is_the_published_one()
    {
        var data = Data();
        foreach (var (name, model, pairs) in Models())
        {
            var own = LengthControlledWinRate.Of(pairs, data, model.GetProperty("published_C_index").GetInt32());
            var published = model.GetProperty("published").GetProperty("length_controlled_winrate").GetDouble();
            Assert.True(Math.Abs(own.WinRate - published) < 0.02, $"{name}: {own.WinRate} instead of {published}");
        }
    }

    [Fact]
    public void With_own_cross_validation_it_stays_within_two_tenths()
    {
        var data = Data();
        foreach (var (name, model, pairs) in Models())
        {
            var own = LengthControlledWinRate.Of(pairs, data);
            var published = model.GetProperty("published").GetProperty("length_controlled_winrate").GetDouble();
            Assert.True(Math.Abs(own.WinRate - published) < 0.2, $"{name}: {own.WinRate} instead of {published}");
            var losses = model.GetProperty("exact").GetProperty("cv_mean_log_loss").EnumerateArray().Select(loss => loss.GetDouble()).ToArray();
            Assert.All(losses.Zip(own.CrossValidationLosses), pair => Assert.Equal(pair.First, pair.Second, 1e-8));
        }
    }

    [Fact]
    public void Rows_fall_into_the_published_folds()
    {
        var folds = JsonDocument.Parse(File.ReadAllText(Fixtures.Part("alpaca_eval", "folds.json"))).RootElement.GetProperty("folds");
        foreach (var entry in folds.EnumerateObject())
            Assert.Equal(entry.Value.GetString(), string.Concat(LengthControlFolds.Assign(int.Parse(entry.Name, CultureInfo.InvariantCulture))));
    }

    [Fact]
    public void Pairs_without_a_preference_leave_the_fit_and_stay_in_the_average()
    {
        var variant = Expected().GetProperty("null_rows_variant");
        Assert.SkipUnless(Models().Any(model => model.Name == variant.GetProperty("model").GetString()), "the folder does not hold the variant's model");
        var gone = variant.GetProperty("null_rows").EnumerateArray().Select(row => row.GetInt32()).ToHashSet();
        var pairs = Models().Single(model => model.Name == variant.GetProperty("model").GetString()).Pairs
            .Select((pair, row) => gone.Contains(row) ? pair with { Preference = null } : pair).ToArray();
        var expected = variant.GetProperty("expected");
        Assert.Equal(expected.GetProperty("n_total").GetInt32(), PreferenceSummary.Of(pairs.Select(pair => pair.Preference)).Total);
        var own = LengthControlledWinRate.Of(pairs, Data(), variant.GetProperty("C_index").GetInt32());
        Assert.Equal(expected.GetProperty("length_controlled_winrate").GetDouble(), own.WinRate, 1e-5);
        Assert.Equal(expected.GetProperty("lc_standard_error").GetDouble(), own.StandardError!.Value, 1e-5);
        Assert.All(gone, row => Assert.Null(own.Contributions[row]));
    }

    [Fact]
    public void Contributions_average_to_the_win_rate_and_spread_like_refits()
    {
        // A model that wins now and then: where nearly all is lost, a few pairs decide, and resamples of them are no oracle.
        var (_, model, judged) = Models().OrderBy(model => Math.Abs(PreferenceSummary.Of(model.Pairs.Select(pair => pair.Preference)).WinRate!.Value - 20)).First();
        var pairs = judged.Where(pair => pair.Preference is not null).ToArray();
        var (data, strength) = (Data(), model.GetProperty("published_C_index").GetInt32());
        var own = LengthControlledWinRate.Of(pairs, data, strength);
        var contributions = own.Contributions.Select(value => value!.Value).ToArray();
        Assert.Equal(own.WinRate, 100 * contributions.Average(), 1e-9);
        var error = 100 * Math.Sqrt(contributions.Sum(value => Math.Pow(value - contributions.Average(), 2)) / (pairs.Length - 1) / pairs.Length);

        // The oracle: resample the pairs and fit again.
        var random = new Agora.Experiments.RandomStreams(1).For("refits");
        var refits = Enumerable.Range(0, 300).Select(_ => LengthControlledWinRate.Of([.. pairs.Select(_ => random.Pick(pairs))], data, strength).WinRate).ToArray();
        var spread = Math.Sqrt(refits.Average(rate => Math.Pow(rate - refits.Average(), 2)));
        Assert.InRange(error / spread, 0.88, 1.12);
        // The published standard error leaves the fit's out, and is far too small.
        Assert.True(own.StandardError < 0.7 * spread, $"{own.StandardError} and {spread}");
    }

    [Fact]
    public void Plain_figures_of_the_synthetic_lists_are_right()
    {
        var cases = JsonDocument.Parse(File.ReadAllText(Fixtures.Part("alpaca_eval", "winrate_cases.json"))).RootElement.GetProperty("cases");
        foreach (var example in cases.EnumerateArray())
        {
            var summary = PreferenceSummary.Of(example.GetProperty("preferences").EnumerateArray().Select(Number));
            var expected = example.GetProperty("expected");
            Assert.Equal(Number(expected.GetProperty("win_rate"))!.Value, summary.WinRate!.Value, 1e-8);
            Assert.Equal(Number(expected.GetProperty("standard_error")) is null, summary.StandardError is null);
            Assert.Equal(Number(expected.GetProperty("standard_error")) ?? 0, summary.StandardError ?? 0, 1e-8);
            Assert.Equal(expected.GetProperty("discrete_win_rate").GetDouble(), summary.DiscreteWinRate!.Value, 1e-8);
            Assert.Equal(expected.GetProperty("n_wins").GetInt32(), summary.Wins);
            Assert.Equal(expected.GetProperty("n_wins_base").GetInt32(), summary.BaselineWins);
            Assert.Equal(expected.GetProperty("n_draws").GetInt32(), summary.Draws);
            Assert.Equal(expected.GetProperty("n_total").GetInt32(), summary.Total);
        }
    }

    [Fact]
    public void Slots_and_first_tokens_are_read_by_the_official_protocol()
    {
        foreach (var line in File.ReadLines(Fixtures.Part("alpaca_eval", "judge_protocol.jsonl")).Where(line => line.Length > 0))
        {
            var example = JsonDocument.Parse(line).RootElement;
            var switched = example.GetProperty("switched").GetBoolean();
            if (example.GetProperty("instruction").GetString() is { } instruction)
            {
                Assert.Equal(example.GetProperty("switch_random").GetDouble(), SlotOrder.Draw(instruction), 1e-15);
                Assert.Equal(switched, SlotOrder.ModelFirst(instruction));
            }
            var listed = example.GetProperty("top_logprobs");
            ImmutableArray<LikelyToken> alternatives = listed.ValueKind == JsonValueKind.Null ? [] : [.. listed.EnumerateArray().Select(pair => new LikelyToken(pair[0].GetString()!, pair[1].GetDouble()))];
            if (example.GetProperty("outputs_identical").GetBoolean())
                continue;       // never sent: PairwiseBenchmark draws them, which its own test holds
            var read = FirstTokenPreference.Read(alternatives.IsEmpty ? [] : [new TokenAlternatives(example.GetProperty("completion").GetString()!, alternatives)]);
            var preference = read.Second is { } second ? 1 + (switched ? 1 - second : second) : (double?)null;
            var expected = Number(example.GetProperty("stored_preference")) ?? Number(example.GetProperty("preference"));
            if (expected is null)
                Assert.Null(preference);
            else
                Assert.Equal(expected.Value, preference!.Value, 1e-9);
        }
    }

    internal static LengthControlData Data()
    {
        var table = CsvTable.Read(Fixtures.Part("alpaca_eval", "gamed_baseline.csv.gz"));
        var columns = new[] { "std_delta_len", "instruction_difficulty", "preference_surrogate" }.Select(table.Column).ToArray();
        var instructions = CsvTable.Read(Fixtures.Part("alpaca_eval", "instructions.csv.gz"));
        var difficulty = instructions.Column("instruction_difficulty");
        return new LengthControlData
        {
            Gamed = [.. table.Rows.Select(row => new GamedRow(table.Number(row, columns[0])!.Value, table.Number(row, columns[1])!.Value, table.Number(row, columns[2])!.Value))],
            Difficulties = [.. instructions.Rows.Select(row => instructions.Number(row, difficulty)!.Value)],
        };
    }

    internal static IEnumerable<(string Name, JsonElement Model, LengthControlPair[] Pairs)> Models()
    {
        foreach (var model in Expected().GetProperty("models").EnumerateObject())
        {
            var table = CsvTable.Read(Fixtures.Part("alpaca_eval", model.Value.GetProperty("file").GetString()!));
            var columns = new[] { "len_model", "len_baseline", "row", "preference" }.Select(table.Column).ToArray();
            yield return (model.Name, model.Value,
            [
                .. table.Rows.Select(row => new LengthControlPair(
                    (int)table.Number(row, columns[0])!, (int)table.Number(row, columns[1])!, (int)table.Number(row, columns[2])!, table.Number(row, columns[3]))),
            ]);
        }
    }

    private static double? Number(JsonElement value) => value.ValueKind == JsonValueKind.Null ? null : value.GetDouble();
}
