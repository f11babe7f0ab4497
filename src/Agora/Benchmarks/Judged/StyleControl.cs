using System.Collections.Immutable;

namespace Agora.Benchmarks.Judged;

/// <summary>Which traits of style are held equal.</summary>
public enum StyleFeatures { LengthAndMarkdown, Length, Markdown }

/// <summary>A model's win rate at equal style.</summary>
/// <param name="WinRate">Percent.</param>
/// <param name="EloAboveBaseline">Points of the Elo scale.</param>
/// <param name="Interval">Of <paramref name="WinRate"/>, 2.5 to 97.5 percent over battles, as published: too narrow for inference.</param>
public sealed record StyleControlledScore(string Model, double WinRate, double EloAboveBaseline, ScoreInterval Interval);

/// <summary>Arena-Hard's style control of 2024: a Bradley-Terry fit in which the answers' style may explain wins too.</summary>
/// <remarks>
/// It minimises ½|c|² plus the log loss over the battles, each counted twice; models, baseline and traits alike are penalised, so that ratings shrink a little
/// even where style says nothing. One set of coefficients serves all models: the figures depend on which models are in the fit.
/// </remarks>
public sealed record StyleControl
{
    private static readonly double Ln10 = Math.Log(10);

    /// <summary>By trait: what one standard deviation of it is worth to the baseline, in logits.</summary>
    public required ImmutableArray<(string Trait, double Coefficient)> Coefficients { get; init; }
    public required ImmutableArray<StyleControlledScore> Models { get; init; }

    /// <param name="style">Of a model's or the baseline's answer to a question; the model's place, or -1 for the baseline.</param>
    /// <exception cref="ArgumentException">There is no battle.</exception>
    public static StyleControl Of(
        IReadOnlyList<(string Model, IReadOnlyList<ArenaGames> Games)> models, ArenaRules rules, Func<int, string, AnswerStyle> style, StyleFeatures traits, int rounds)
    {
        var battles = ArenaBattles.Of(models, rules);
        if (battles.All.IsEmpty)
            throw new ArgumentException("there is no battle", nameof(models));
        var names = AnswerStyle.Traits(traits);
        var features = Standardized(battles, style, traits, names.Length);
        var rows = Rows.Of(battles, features);
        var all = new double[rows.Count];
        for (var battle = 0; battle < battles.All.Length; battle++)
            all[rows.Of(battle)]++;
        var fit = rows.Minimum(all, new double[rows.Unknowns]);
        var ratings = new double[rounds][];
        var draws = new double[rounds][];
        var random = new MersenneTwister(ArenaBootstrap.PublishedSeed);
        for (var round = 0; round < rounds; round++)
        {
            draws[round] = new double[rows.Count];
            for (var draw = 0; draw < battles.All.Length; draw++)
                draws[round][rows.Of(random.NextBelow(battles.All.Length))]++;
        }
        Parallel.For(0, rounds, round => ratings[round] = rows.Minimum(draws[round], fit));
        return new StyleControl
        {
            Coefficients = [.. names.Select((name, trait) => (name, fit[1 + models.Count + trait]))],
            Models =
            [
                .. models.Select((model, place) => new StyleControlledScore(model.Model, WinRate(fit, place), 400 * (fit[1 + place] - fit[0]), new ScoreInterval(
                    ArenaBootstrap.Percentile(ratings.Select(c => WinRate(c, place)), 2.5) ?? double.NaN, ArenaBootstrap.Percentile(ratings.Select(c => WinRate(c, place)), 97.5) ?? double.NaN))),
            ],
        };
    }

    private static double WinRate(double[] coefficients, int model) => 100 * EloScale.Share(EloScale.Baseline + 400 * (coefficients[1 + model] - coefficients[0]));

    /// <summary>[battle][trait]: the relative difference, baseline minus model, in standard deviations over all battles.</summary>
    private static double[][] Standardized(ArenaBattles battles, Func<int, string, AnswerStyle> style, StyleFeatures traits, int count)
    {
        var differences = battles.All.Select(battle =>
        {
            var question = battles.Questions[battle.Question];
            var (baseline, model) = (style(-1, question).Of(traits), style(battle.Model, question).Of(traits));
            return baseline.Zip(model, (a, b) => (a - b) / (a + b + 1)).ToArray();
        }).ToArray();
        for (var trait = 0; trait < count; trait++)
        {
            var mean = differences.Average(row => row[trait]);
            var deviation = Math.Sqrt(differences.Average(row => (row[trait] - mean) * (row[trait] - mean)));
            foreach (var row in differences)
                row[trait] = deviation == 0 ? 0 : (row[trait] - mean) / deviation;
        }
        return differences;
    }

    /// <summary>Battles that look alike to the fit are one row. Unknowns: the baseline's rating, the models', the traits'.</summary>
    private sealed class Rows
    {
        private readonly int[] rowOfBattle;
        private readonly (int Model, double BaselineShare, double[] Features)[] rows;
        private readonly int models, traits;

        private Rows(int[] rowOfBattle, (int, double, double[])[] rows, int models, int traits) =>
            (this.rowOfBattle, this.rows, this.models, this.traits) = (rowOfBattle, rows, models, traits);

        public int Count => rows.Length;
        public int Unknowns => 1 + models + traits;

        public int Of(int battle) => rowOfBattle[battle];

        public static Rows Of(ArenaBattles battles, double[][] features)
        {
            var known = new Dictionary<ArenaBattle, int>();
            var rows = new List<(int, double, double[])>();
            var rowOfBattle = new int[battles.All.Length];
            for (var i = 0; i < rowOfBattle.Length; i++)
            {
                var battle = battles.All[i];
                if (!known.TryGetValue(battle, out rowOfBattle[i]))
                {
                    known.Add(battle, rowOfBattle[i] = rows.Count);
                    rows.Add((battle.Model, 1 - battle.Share, features[i]));
                }
            }
            return new Rows(rowOfBattle, [.. rows], battles.Models.Length, features[0].Length);
        }

        /// <summary>Newton's method; the penalty makes the problem strictly convex and its curvature at least 1.</summary>
        public double[] Minimum(double[] weights, double[] start)
        {
            var at = (double[])start.Clone();
            var (loss, gradient, hessian) = Expansion(weights, at);
            for (var step = 0; step < 100; step++)
            {
                var direction = Cholesky.Solve(hessian, gradient);
                var length = 1.0;
                while (true)
                {
                    var next = new double[at.Length];
                    for (var i = 0; i < next.Length; i++)
                        next[i] = at[i] - length * direction[i];
                    var there = Expansion(weights, next);
                    if (there.Loss <= loss + 1e-12 * Math.Abs(loss) || length < 1e-6)
                    {
                        at = next;
                        (loss, gradient, hessian) = there;
                        break;
                    }
                    length /= 2;
                }
                if (direction.Max(Math.Abs) < 1e-11)
                    break;
            }
            return at;
        }

        private (double Loss, double[] Gradient, double[,] Hessian) Expansion(double[] weights, double[] at)
        {
            var n = Unknowns;
            var gradient = (double[])at.Clone();
            var hessian = new double[n, n];
            var loss = 0.0;
            for (var i = 0; i < n; i++)
            {
                loss += at[i] * at[i] / 2;
                hessian[i, i] = 1;
            }
            for (var row = 0; row < rows.Length; row++)
            {
                if (weights[row] == 0)
                    continue;
                var (model, share, features) = rows[row];
                var z = Ln10 * (at[0] - at[1 + model]);
                for (var trait = 0; trait < traits; trait++)
                    z += at[1 + models + trait] * features[trait];
                var e = Math.Exp(-Math.Abs(z));
                var p = (z >= 0 ? 1 : e) / (1 + e);
                var weight = 2 * weights[row];      // every battle counts twice
                loss += weight * (Math.Max(z, 0) + Math.Log(1 + e) - share * z);
                var (slope, curve) = (weight * (p - share), weight * p * (1 - p));
                gradient[0] += slope * Ln10;
                gradient[1 + model] -= slope * Ln10;
                hessian[0, 0] += curve * Ln10 * Ln10;
                hessian[1 + model, 1 + model] += curve * Ln10 * Ln10;
                hessian[1 + model, 0] -= curve * Ln10 * Ln10;
                for (var trait = 0; trait < traits; trait++)
                {
                    var i = 1 + models + trait;
                    gradient[i] += slope * features[trait];
                    hessian[i, 0] += curve * Ln10 * features[trait];
                    hessian[i, 1 + model] -= curve * Ln10 * features[trait];
                    for (var other = 0; other <= trait; other++)
                        hessian[i, 1 + models + other] += curve * features[trait] * features[other];
                }
            }
            return (loss, gradient, hessian);       // the lower triangle is all that is read
        }
    }
}
