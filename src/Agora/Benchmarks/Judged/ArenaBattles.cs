using System.Collections.Immutable;

namespace Agora.Benchmarks.Judged;

/// <summary>The labels of a question's two games: in the first the baseline is A, in the second the model.</summary>
/// <param name="BaselineFirst">Null or empty where the judge's words held none.</param>
/// <param name="ModelFirst">Likewise.</param>
public readonly record struct ArenaGames(string QuestionId, string? BaselineFirst, string? ModelFirst);

/// <summary>One battle: who played, about what, and the model's share of it, 0, ½ or 1.</summary>
internal readonly record struct ArenaBattle(int Model, int Question, double Share);

/// <summary>All battles of some models against one baseline, in the order of the judgment files.</summary>
internal sealed record ArenaBattles
{
    public required ImmutableArray<string> Models { get; init; }
    /// <summary>Ids of all questions that any model has.</summary>
    public required ImmutableArray<string> Questions { get; init; }
    public required ImmutableArray<ArenaBattle> All { get; init; }
    /// <summary>By model: games without a label that counts.</summary>
    public required ImmutableArray<int> VoidGames { get; init; }
    /// <summary>By model: questions in its file.</summary>
    public required ImmutableArray<int> Asked { get; init; }

    /// <remarks>A strong verdict is three battles. v0.1 drops a void game; the 2025 rule drops the whole question.</remarks>
    public static ArenaBattles Of(IReadOnlyList<(string Model, IReadOnlyList<ArenaGames> Games)> models, ArenaRules rules)
    {
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        var battles = ImmutableArray.CreateBuilder<ArenaBattle>();
        var voids = new int[models.Count];
        for (var model = 0; model < models.Count; model++)
        {
            foreach (var games in models[model].Games)
            {
                if (!places.TryGetValue(games.QuestionId, out var question))
                    places.Add(games.QuestionId, question = places.Count);
                var first = ArenaVerdicts.Worth(games.BaselineFirst, rules);
                var second = ArenaVerdicts.Worth(games.ModelFirst, rules);
                voids[model] += (first is null ? 1 : 0) + (second is null ? 1 : 0);
                if (rules == ArenaRules.Head2025 && (first is null || second is null))
                    continue;
                if (first is { } baselineFirst)
                    Add(baselineFirst.Battles, 1 - baselineFirst.Won / baselineFirst.Battles);
                if (second is { } modelFirst)
                    Add(modelFirst.Battles, modelFirst.Won / modelFirst.Battles);

                void Add(int times, double share)
                {
                    for (var i = 0; i < times; i++)
                        battles.Add(new ArenaBattle(model, question, share));
                }
            }
        }
        return new ArenaBattles
        {
            Models = [.. models.Select(model => model.Model)],
            Questions = [.. places.OrderBy(place => place.Value).Select(place => place.Key)],
            All = battles.ToImmutable(),
            VoidGames = [.. voids],
            Asked = [.. models.Select(model => model.Games.Count)],
        };
    }
}
