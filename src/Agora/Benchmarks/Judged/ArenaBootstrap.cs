using Agora.Experiments;

namespace Agora.Benchmarks.Judged;

/// <summary>How far a win rate could be off: over battles, as published, and over questions, which is honest.</summary>
internal static class ArenaBootstrap
{
    /// <summary>The seed of the published intervals, and of the generator that they were drawn with.</summary>
    public const uint PublishedSeed = 42;

    /// <summary>Ratings when as many battles as there are, are drawn from all models' battles together: the published way.</summary>
    /// <remarks>
    /// Battles are not independent: a strong verdict makes three of them and two games share a question, so these ratings spread too little, by a factor of 1.6
    /// to 1.7. The random numbers are NumPy's, in the order of the files.
    /// </remarks>
    /// <returns>[model][round] on the Elo scale; infinite where the round holds wins only; not a number where it holds no battle of the model.</returns>
    public static double[][] RatingsOverBattles(ArenaBattles battles, int rounds)
    {
        // One table look-up a draw: the model's number times 4 plus twice its share.
        var codes = battles.All.Select(battle => battle.Model * 4 + (int)(2 * battle.Share)).ToArray();
        var random = new MersenneTwister(PublishedSeed);
        var ratings = Table(battles.Models.Length, rounds);
        var counts = new int[4 * battles.Models.Length];
        for (var round = 0; round < rounds && codes.Length > 0; round++)
        {
            Array.Clear(counts);
            for (var draw = 0; draw < codes.Length; draw++)
                counts[codes[random.NextBelow(codes.Length)]]++;
            for (var model = 0; model < ratings.Length; model++)
            {
                var (lost, tied, won) = (counts[4 * model], counts[4 * model + 1], counts[4 * model + 2]);
                ratings[model][round] = EloScale.Rating((won + tied / 2.0) / (lost + tied + won));
            }
        }
        return ratings;
    }

    /// <summary>Win rates when questions are drawn, each with all its battles, the same questions for every model.</summary>
    /// <returns>[model][round] from 0 to 1; not a number where the round holds no battle of the model.</returns>
    public static double[][] SharesOverQuestions(ArenaBattles battles, int rounds, RandomStreams random)
    {
        var (models, questions) = (battles.Models.Length, battles.Questions.Length);
        var won = new double[models * questions];
        var played = new double[models * questions];
        foreach (var battle in battles.All)
        {
            won[battle.Question * models + battle.Model] += battle.Share;
            played[battle.Question * models + battle.Model]++;
        }
        var shares = Table(models, rounds);
        Parallel.For(0, rounds, round =>
        {
            var stream = random.For("arena_hard questions", round);
            var (wonHere, playedHere) = (new double[models], new double[models]);
            for (var draw = 0; draw < questions; draw++)
            {
                var start = stream.Next(questions) * models;
                for (var model = 0; model < models; model++)
                {
                    wonHere[model] += won[start + model];
                    playedHere[model] += played[start + model];
                }
            }
            for (var model = 0; model < models; model++)
                shares[model][round] = wonHere[model] / playedHere[model];
        });
        return shares;
    }

    /// <summary>Percentile with linear interpolation between neighbours, as NumPy computes it; null where no value is a number.</summary>
    /// <param name="percent">From 0 to 100.</param>
    public static double? Percentile(IEnumerable<double> values, double percent)
    {
        var sorted = values.Where(value => !double.IsNaN(value)).Order().ToArray();
        if (sorted.Length == 0)
            return null;
        var place = percent / 100 * (sorted.Length - 1);
        var (low, high) = (sorted[(int)Math.Floor(place)], sorted[(int)Math.Ceiling(place)]);
        return low == high ? low : low + (place - Math.Floor(place)) * (high - low);        // equal infinities have no difference
    }

    private static double[][] Table(int models, int rounds)
    {
        var table = new double[models][];
        for (var model = 0; model < models; model++)
        {
            table[model] = new double[rounds];
            Array.Fill(table[model], double.NaN);
        }
        return table;
    }
}
