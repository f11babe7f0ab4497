using System.Text.Json;
using Agora.Benchmarks.Judged;
using Agora.Experiments;

namespace Agora.Tests.Benchmarks.Judged;

/// <summary>Held against published scores and the reference's fits, within the tolerances that the data state.</summary>
public sealed class ArenaHardConformanceTests
{
    private static JsonElement Json(string file) => JsonDocument.Parse(File.ReadAllText(Fixtures.Part("arena_hard", file))).RootElement;

    [Fact]
    public void Win_rates_ratings_and_counts_are_exact()
    {
        foreach (var (name, model, games) in Models())
        {
            var score = Assert.Single(Score([(name, games)], ArenaRules.V01, rounds: 1));
            var v01 = model.GetProperty("v01");
            Assert.Equal((model.GetProperty("battles").GetInt32(), model.GetProperty("model_wins").GetInt32(), model.GetProperty("ties").GetInt32(), model.GetProperty("baseline_wins").GetInt32()),
                (score.Battles, score.Wins, score.Ties, score.Losses));
            Assert.Equal(model.GetProperty("questions").GetInt32(), score.Questions);
            Assert.Equal(v01.GetProperty("win_rate").GetDouble(), score.WinRate!.Value, 1e-6);
            Assert.Equal(v01.GetProperty("win_rate_rounded").GetDouble(), Math.Round(score.WinRate.Value, 2));
            if (v01.GetProperty("elo").ValueKind == JsonValueKind.Number)
            {
                Assert.Equal(v01.GetProperty("elo").GetDouble(), score.Elo!.Value, 1e-6);
                Assert.Equal(v01.GetProperty("elo_sklearn").GetDouble(), score.Elo.Value, 1e-3);
            }
            else
                Assert.Null(score.Elo);
            if (model.TryGetProperty("published", out var published))
                Assert.Equal(published.GetProperty("score").GetDouble(), Math.Round(score.WinRate.Value, 2));
        }
    }

    [Fact]
    public void The_published_bootstrap_is_reproduced_draw_by_draw()
    {
        foreach (var entry in Json("bootstrap_indices.json").GetProperty("n").EnumerateObject())
        {
            var n = int.Parse(entry.Name, System.Globalization.CultureInfo.InvariantCulture);
            var random = new MersenneTwister(ArenaBootstrap.PublishedSeed);
            var drawn = Enumerable.Range(0, 2 * n).Select(_ => random.NextBelow(n)).ToArray();
            var first = entry.Value.GetProperty("round1_first20").EnumerateArray().Select(index => index.GetInt32()).ToArray();
            var second = entry.Value.GetProperty("round2_first5").EnumerateArray().Select(index => index.GetInt32()).ToArray();
            Assert.Equal(first, drawn[..first.Length]);
            Assert.Equal(second, drawn[n..(n + second.Length)]);
        }
    }

    [Fact]
    public void Published_intervals_come_out_for_each_model_alone()
    {
        foreach (var (name, model, games) in Models())
        {
            if (!model.GetProperty("v01").TryGetProperty("ci_numpy_seed42_100_rounds", out var expected) || expected.ValueKind != JsonValueKind.Object || expected.GetProperty("elo_lower").ValueKind != JsonValueKind.Number)
                continue;
            var score = Assert.Single(Score([(name, games)], ArenaRules.V01, rounds: 100));
            Assert.Equal(expected.GetProperty("elo_lower").GetDouble(), score.EloInterval!.Value.Low, 1e-3);
            Assert.Equal(expected.GetProperty("elo_upper").GetDouble(), score.EloInterval.Value.High, 1e-3);
            Assert.Equal(expected.GetProperty("win_rate_lower").GetDouble(), score.PublishedInterval!.Value.Low, 0.01);
            Assert.Equal(expected.GetProperty("win_rate_upper").GetDouble(), score.PublishedInterval.Value.High, 0.01);
        }
    }

    [Fact]
    public void With_many_rounds_the_bounds_approach_their_limits_and_questions_spread_wider()
    {
        const int Rounds = 4000;
        foreach (var (name, model, games) in Models())
        {
            if (!model.GetProperty("v01").TryGetProperty("ci_many_rounds", out var limits) || limits.ValueKind != JsonValueKind.Object)
                continue;
            var score = Assert.Single(Score([(name, games)], ArenaRules.V01, Rounds));
            var within = 4 * 2.7 * limits.GetProperty("sd").GetDouble() / Math.Sqrt(Rounds);
            Assert.Equal(limits.GetProperty("win_rate_lower").GetDouble(), score.PublishedInterval!.Value.Low, within);
            Assert.Equal(limits.GetProperty("win_rate_upper").GetDouble(), score.PublishedInterval.Value.High, within);
            if (model.GetProperty("kind").GetString() == "real")
            {
                var ratio = (score.QuestionInterval!.Value.High - score.QuestionInterval.Value.Low) / (score.PublishedInterval.Value.High - score.PublishedInterval.Value.Low);
                Assert.InRange(ratio, 1, 2.5);
            }
        }
    }

    [Fact]
    public void The_rules_of_2025_drop_whole_questions()
    {
        foreach (var (name, model, games) in Models())
        {
            var head = model.GetProperty("head2025");
            var score = Assert.Single(Score([(name, games)], ArenaRules.Head2025, rounds: 4000));
            Assert.Equal(head.GetProperty("scores").GetInt32(), score.Battles);
            Assert.Equal(head.GetProperty("mean_score").GetDouble(), score.WinRate!.Value, 1e-6);
            var limits = head.GetProperty("ci90_many_rounds");
            var within = 4 * 2.7 * limits.GetProperty("sd").GetDouble() / Math.Sqrt(4000);
            Assert.Equal(limits.GetProperty("lower").GetDouble(), score.PublishedInterval!.Value.Low, within);
            Assert.Equal(limits.GetProperty("upper").GetDouble(), score.PublishedInterval.Value.High, within);
        }
    }

    [Fact]
    public void A_joint_fit_of_all_models_agrees_with_the_reference()
    {
        var joint = Json("expected.json").GetProperty("joint");
        var files = Models().ToDictionary(model => model.Name, model => model.Games);
        var names = Json("expected.json").GetProperty("models").EnumerateObject().Select(model => model.Name).Where(name => joint.GetProperty("models").TryGetProperty(name, out _)).ToArray();
        var scores = Score([.. names.Select(name => (name, files[name]))], ArenaRules.V01, rounds: 100);
        Assert.Equal(joint.GetProperty("battles").GetInt32(), scores.Sum(score => score.Battles));
        foreach (var score in scores)
        {
            var expected = joint.GetProperty("models").GetProperty(score.Model);
            Assert.Equal(expected.GetProperty("elo").GetDouble(), score.Elo!.Value, 0.05);
            Assert.Equal(expected.GetProperty("elo_lower").GetDouble(), score.EloInterval!.Value.Low, 0.05);
            Assert.Equal(expected.GetProperty("elo_upper").GetDouble(), score.EloInterval.Value.High, 0.05);
        }
    }

    [Fact]
    public void The_general_fit_gives_the_closed_form_where_all_battles_are_against_the_baseline()
    {
        var models = Models().ToArray();
        var scores = Score([.. models.Select(model => (model.Name, model.Games))], ArenaRules.V01, rounds: 1);
        var ratings = BradleyTerry.Fit(1 + scores.Length, pinned: 0,
            [.. scores.Select((score, place) => new PairRecord(0, 1 + place, score.Losses + score.Ties / 2.0, score.Wins + score.Ties / 2.0))]);
        Assert.Equal(EloScale.Baseline, ratings[0]);
        for (var place = 0; place < scores.Length; place++)
            if (scores[place].Elo is { } closed)
                Assert.Equal(closed, ratings[1 + place]!.Value, 1e-6);
            else
                Assert.Null(ratings[1 + place]);
    }

    [Fact]
    public void Both_rules_read_every_recorded_text()
    {
        foreach (var line in File.ReadLines(Fixtures.Part("arena_hard", "verdicts.jsonl")).Where(line => line.Length > 0))
        {
            var json = JsonDocument.Parse(line).RootElement;
            var text = json.GetProperty("text").GetString()!;
            var v01 = ArenaVerdicts.ReadV01(text);
            Assert.Equal((json.GetProperty("v01_label").GetString(), json.GetProperty("v01_ask_again").GetBoolean()), v01);
            Assert.Equal(json.GetProperty("v01_counts").GetBoolean(), ArenaVerdicts.Worth(v01.Label, ArenaRules.V01) is not null);
            var head = ArenaVerdicts.ReadHead2025(text);
            Assert.Equal(json.GetProperty("head2025_label").GetString(), head);
            Assert.Equal(json.GetProperty("head2025_known").GetBoolean(), ArenaVerdicts.Worth(head, ArenaRules.Head2025) is not null);
        }
    }

    [Fact]
    public void Style_control_reaches_the_exact_minimum()
    {
        var table = CsvTable.Read(Fixtures.Part("arena_hard", "style_features.csv.gz"));
        var columns = new[] { "model", "question_id", "token_len", "headers", "lists", "bolds" }.Select(table.Column).ToArray();
        var styles = table.Rows.ToDictionary(row => (row.Cells[columns[0]], row.Cells[columns[1]]),
            row => new AnswerStyle(table.Number(row, columns[2])!.Value, table.Number(row, columns[3])!.Value, table.Number(row, columns[4])!.Value, table.Number(row, columns[5])!.Value));
        var files = Models().ToDictionary(model => model.Name, model => model.Games);
        var fits = Json("style_expected.json").GetProperty("fits").EnumerateArray().Select(fit => (Fit: fit, Names: fit.GetProperty("models").EnumerateArray().Select(name => name.GetString()!).ToArray()))
            .Where(fit => fit.Names.All(files.ContainsKey)).ToArray();
        Assert.NotEmpty(fits);
        foreach (var (fit, names) in fits)
        {
            foreach (var (part, features) in new[] { ("style", StyleFeatures.LengthAndMarkdown), ("length", StyleFeatures.Length), ("markdown", StyleFeatures.Markdown) })
            {
                var expected = fit.GetProperty(part);
                var own = StyleControl.Of([.. names.Select(name => (name, files[name]))], ArenaRules.V01,
                    (model, question) => styles[(model < 0 ? "gpt-4-0314" : names[model], question)], features, rounds: 100);
                foreach (var (trait, coefficient) in own.Coefficients)
                    Assert.Equal(expected.GetProperty("coefficients").GetProperty(trait).GetDouble(), coefficient, 1e-6);
                foreach (var model in own.Models)
                {
                    var published = expected.GetProperty("models").GetProperty(model.Model);
                    Assert.Equal(published.GetProperty("elo_above_baseline").GetDouble(), model.EloAboveBaseline, 1e-4);
                    Assert.Equal(published.GetProperty("win_rate").GetDouble(), model.WinRate, 1e-5);
                    Assert.Equal(published.GetProperty("ci_numpy_seed42_100_rounds").GetProperty("win_rate_lower").GetDouble(), model.Interval.Low, 0.01);
                    Assert.Equal(published.GetProperty("ci_numpy_seed42_100_rounds").GetProperty("win_rate_upper").GetDouble(), model.Interval.High, 0.01);
                }
            }
        }
    }

    private static System.Collections.Immutable.ImmutableArray<ArenaHardScore> Score((string, IReadOnlyList<ArenaGames>)[] models, ArenaRules rules, int rounds) =>
        ArenaHardScore.Of(models, rules, rounds, questionRounds: 1000, new RandomStreams(7));

    internal static IEnumerable<(string Name, JsonElement Model, IReadOnlyList<ArenaGames> Games)> Models()
    {
        foreach (var model in Json("expected.json").GetProperty("models").EnumerateObject())
        {
            var table = CsvTable.Read(Fixtures.Part("arena_hard", model.Value.GetProperty("file").GetString()!));
            var columns = new[] { "question_id", "game1", "game2" }.Select(table.Column).ToArray();
            yield return (model.Name, model.Value, [.. table.Rows.Select(row => new ArenaGames(row.Cells[columns[0]], row.Cells[columns[1]], row.Cells[columns[2]]))]);
        }
    }
}
