using System.Collections.Immutable;
using System.Globalization;
using Agora.Reports.Tables;

namespace Agora.Reports.Leaderboards;

/// <summary>A table per board; results on different benchmarks never stand in one.</summary>
public static class LeaderboardTables
{
    public static ImmutableArray<TextTable> Of(Leaderboard board) =>
    [
        .. board.Boards.Select((entries, place) => new TextTable
        {
            Id = string.Create(CultureInfo.InvariantCulture, $"board_{place + 1}"),
            Title = $"{entries.First().Setting} on {string.Join(", ", entries.First().Scores.Select(score => string.Create(CultureInfo.InvariantCulture, $"{score.Benchmark} ({score.Items} items, {score.Grader})")))}",
            Columns = ["generator", new("PGR", true), new("low", true), new("high", true), new("instances", true), new("seeds", true), new("dollars", true), "meta-prompt", "run", "Agora"],
            Rows =
            [
                .. entries.Select(entry => (ImmutableArray<TextCell>)
                [
                    entry.Generator, TextCell.Of(entry.Pgr, "0.0"), TextCell.Of(entry.Low, "0.0"), TextCell.Of(entry.High, "0.0"), TextCell.Count(entry.Instances), TextCell.Count(entry.TrainingSeeds),
                    TextCell.Of((double?)entry.Dollars, "0.00##"), entry.MetaPrompt, entry.Run, entry.Agora,
                ]),
            ],
            Notes =
            [
                $"Student {Short(entries.First().BaseIdentity)}, reference {Short(entries.First().ReferenceIdentity)}, recipe {Short(entries.First().RecipeHash)}.",
                .. entries.Select(entry => entry.Agora).Distinct().Count() > 1 ? (string[])["The runs are of different versions of Agora: a difference between them may be one of versions."] : [],
                .. entries.Select(entry => (entry.Instances, entry.TrainingSeeds)).Distinct().Count() > 1 ? (string[])["Numbers of instances or training seeds differ, so that more than the generator may differ between two rows."] : [],
            ],
        }),
    ];

    private static string Short(string identity) => identity.Length <= 24 ? identity : identity[..24];
}
