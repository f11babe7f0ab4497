using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Reports.Leaderboards;

/// <summary>Results of many runs and many people. Merging is a union: neither order nor repetition changes it.</summary>
public sealed record Leaderboard
{
    /// <summary>In one fixed order, none twice.</summary>
    public ImmutableArray<LeaderboardEntry> Entries { get; private init; } = [];

    public static Leaderboard Empty { get; } = new();

    /// <param name="entries">With where each comes from, for the reader of a refusal.</param>
    /// <exception cref="AgoraException">Entries that cannot be what a run gave, or two that claim to be the same result and differ; all are named, and nothing is merged.</exception>
    public static Leaderboard Of(IEnumerable<(LeaderboardEntry Entry, string Source)> entries)
    {
        var all = entries.ToArray();
        var refused = (from given in all
                       from fault in given.Entry.Faults()
                       select $"  {given.Source}: {given.Entry.Generator} {given.Entry.Setting} of {given.Entry.Run}: {fault}").ToList();
        foreach (var same in all.GroupBy(given => given.Entry.Key))
        {
            var different = same.DistinctBy(given => given.Entry.Seal).ToArray();
            if (different.Length > 1)
                refused.Add($"  {string.Join(", ", different.Select(given => given.Source).Distinct())}: {different[0].Entry.Generator} {different[0].Entry.Setting} of {different[0].Entry.Run} stands there with {different.Length} different results");
        }
        if (refused.Count > 0)
            throw new AgoraException($"{refused.Count} {(refused.Count == 1 ? "entry is" : "entries are")} refused, and nothing was written:\n{string.Join('\n', refused.Distinct().Order(StringComparer.Ordinal).Take(20))}", all[0].Source,
                "take the entries anew from their runs with \"agora leaderboard add\", or leave them out");
        return new Leaderboard
        {
            Entries = [.. all.Select(given => given.Entry).DistinctBy(entry => entry.Key).OrderBy(entry => entry.Board, StringComparer.Ordinal).ThenByDescending(entry => entry.Pgr).ThenBy(entry => entry.Key, StringComparer.Ordinal)],
        };
    }

    public Leaderboard Merge(Leaderboard other) => Of([.. Entries.Select(entry => (entry, "the first board")), .. other.Entries.Select(entry => (entry, "the second board"))]);

    /// <summary>Entries that may be ranked against each other, best first; those of other benchmarks, graders, students or recipes are on another board.</summary>
    public IEnumerable<IGrouping<string, LeaderboardEntry>> Boards => Entries.GroupBy(entry => entry.Board);
}
