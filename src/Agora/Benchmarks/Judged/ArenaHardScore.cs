using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Benchmarks.Judged;

/// <summary>Both ends, in the unit of what it belongs to.</summary>
public readonly record struct ScoreInterval(double Low, double High);

/// <summary>What Arena-Hard says of one model.</summary>
public sealed record ArenaHardScore
{
    public required string Model { get; init; }
    /// <summary>Chance to beat the baseline in percent: (wins + ties / 2) / battles; null where no battle is valid.</summary>
    public required double? WinRate { get; init; }
    /// <summary>Bradley-Terry rating with the baseline at 1000; null where the model won or lost everything, which no finite rating explains.</summary>
    public required double? Elo { get; init; }
    /// <summary>
    /// Of <see cref="WinRate"/>, as published: v0.1 resamples all models' battles together, 2.5 to 97.5 percent; the rules of 2025 resample per model, 5 to 95. Too narrow for
    /// inference, since battles are not independent.
    /// </summary>
    public required ScoreInterval? PublishedInterval { get; init; }
    /// <summary>Of <see cref="Elo"/>, from the same resamples as v0.1's; null where an end is infinite.</summary>
    public required ScoreInterval? EloInterval { get; init; }
    /// <summary>Of <see cref="WinRate"/>, 95 percent, from resampling questions: the honest one, not to be compared with published intervals.</summary>
    public required ScoreInterval? QuestionInterval { get; init; }
    public required int Battles { get; init; }
    public required int Wins { get; init; }
    public required int Ties { get; init; }
    public required int Losses { get; init; }
    /// <summary>Questions in the model's file.</summary>
    public required int Questions { get; init; }
    /// <summary>Games without a label that counts.</summary>
    public required int VoidGames { get; init; }

    /// <summary>Scores of several models against one baseline, in their order.</summary>
    /// <param name="rounds">Of the published bootstrap; leaderboards used 100.</param>
    /// <param name="questionRounds">Of the bootstrap over questions.</param>
    /// <param name="random">Of the bootstrap over questions; the published one has its own, fixed generator.</param>
    public static ImmutableArray<ArenaHardScore> Of(
        IReadOnlyList<(string Model, IReadOnlyList<ArenaGames> Games)> models, ArenaRules rules, int rounds, int questionRounds, RandomStreams random)
    {
        var battles = ArenaBattles.Of(models, rules);
        var ratings = rules == ArenaRules.V01 ? ArenaBootstrap.RatingsOverBattles(battles, rounds) : [];
        var shares = ArenaBootstrap.SharesOverQuestions(battles, questionRounds, random);
        var scores = ImmutableArray.CreateBuilder<ArenaHardScore>();
        for (var model = 0; model < models.Count; model++)
        {
            var (won, tied, lost) = (0, 0, 0);
            foreach (var battle in battles.All)
                if (battle.Model == model)
                    (won, tied, lost) = battle.Share switch { 1 => (won + 1, tied, lost), 0 => (won, tied, lost + 1), _ => (won, tied + 1, lost) };
            var all = won + tied + lost;
            var share = (won + tied / 2.0) / all;
            var elo = EloScale.Rating(share);
            var eloInterval = rules == ArenaRules.V01 ? Interval(ratings[model], 2.5) : null;
            scores.Add(new ArenaHardScore
            {
                Model = models[model].Model,
                WinRate = all == 0 ? null : 100 * share,
                Elo = all > 0 && double.IsFinite(elo) ? elo : null,
                // The percentiles are those of the ratings, and then turned into win rates.
                PublishedInterval = all == 0 ? null
                    : eloInterval is { } ends ? new ScoreInterval(100 * EloScale.Share(ends.Low), 100 * EloScale.Share(ends.High))
                    : Percent(Interval(PerModel(battles, model, rounds, random), 5)),
                EloInterval = eloInterval is { } finite && double.IsFinite(finite.Low) && double.IsFinite(finite.High) ? finite : null,
                QuestionInterval = Percent(Interval(shares[model], 2.5)),
                Battles = all,
                Wins = won,
                Ties = tied,
                Losses = lost,
                Questions = battles.Asked[model],
                VoidGames = battles.VoidGames[model],
            });
        }
        return scores.ToImmutable();
    }

    private static double[] PerModel(ArenaBattles battles, int model, int rounds, RandomStreams random)
    {
        var own = battles.All.Where(battle => battle.Model == model).Select(battle => battle.Share).ToArray();
        var shares = new double[rounds];
        for (var round = 0; round < rounds; round++)
        {
            var stream = random.For($"arena_hard battles of {battles.Models[model]}", round);
            var sum = 0.0;
            for (var draw = 0; draw < own.Length; draw++)
                sum += own[stream.Next(own.Length)];
            shares[round] = sum / own.Length;
        }
        return shares;
    }

    private static ScoreInterval? Interval(double[] values, double tail) =>
        ArenaBootstrap.Percentile(values, tail) is { } low && ArenaBootstrap.Percentile(values, 100 - tail) is { } high ? new ScoreInterval(low, high) : null;

    private static ScoreInterval? Percent(ScoreInterval? shares) => shares is { } ends ? new ScoreInterval(100 * ends.Low, 100 * ends.High) : null;
}
