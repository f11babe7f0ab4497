using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;

namespace Agora.Benchmarks.Judged;

/// <summary>Leaderboard files in the official layouts.</summary>
public static class Leaderboards
{
    private static readonly ImmutableArray<string> AlpacaColumns =
    [
        "", "win_rate", "standard_error", "n_wins", "n_wins_base", "n_draws", "n_total", "discrete_win_rate", "mode", "avg_length", "length_controlled_winrate", "lc_standard_error",
    ];

    /// <summary>An AlpacaEval <c>leaderboard.csv</c>: the rows of a file that is there, with the given models' replaced or added, best first.</summary>
    /// <param name="existing">Null where there is no file yet; its columns and their order are kept.</param>
    /// <exception cref="AgoraException">The existing file is faulty or is no such leaderboard.</exception>
    public static IEnumerable<string> AlpacaEval(string? existing, IEnumerable<(string Model, AlpacaEvalScore Score)> models)
    {
        var columns = AlpacaColumns;
        var rows = new Dictionary<string, ImmutableArray<string>>(StringComparer.Ordinal);
        if (existing is not null)
        {
            var table = CsvTable.Read(existing);
            table.Column("win_rate");
            table.ThrowIfFaulty();
            columns = table.Header;
            foreach (var row in table.Rows)
                rows[row.Cells[0]] = row.Cells;
        }
        foreach (var (model, score) in models)
            rows[model] = [.. columns.Select((column, place) => place == 0 ? model : column switch
            {
                "win_rate" => Number(score.Plain.WinRate),
                "standard_error" => Number(score.Plain.StandardError),
                "n_wins" => Number(score.Plain.Wins),
                "n_wins_base" => Number(score.Plain.BaselineWins),
                "n_draws" => Number(score.Plain.Draws),
                "n_total" => Number(score.Plain.Total),
                "discrete_win_rate" => Number(score.Plain.DiscreteWinRate),
                "mode" => rows.TryGetValue(model, out var before) ? before[place] : "community",
                "avg_length" => Number(score.AverageLength),
                "length_controlled_winrate" => Number(score.LengthControlledWinRate),
                "lc_standard_error" => Number(score.LengthControlledStandardError),
                _ => "",
            })];
        var sorted = columns.IndexOf("length_controlled_winrate") is >= 0 and var place ? place : columns.IndexOf("win_rate");
        return
        [
            string.Join(',', columns.Select(CsvTable.Quoted)),
            .. rows.Values.OrderByDescending(row => double.TryParse(row[sorted], CultureInfo.InvariantCulture, out var value) ? value : double.NegativeInfinity)
                .ThenBy(row => row[0], StringComparer.Ordinal).Select(row => string.Join(',', row.Select(CsvTable.Quoted))),
        ];
    }

    /// <summary>An Arena-Hard leaderboard, best first: two decimals, and the published interval as its distances from the score.</summary>
    public static IEnumerable<string> ArenaHard(IEnumerable<ArenaHardScore> scores)
    {
        yield return "model,score,rating_q025,rating_q975,CI,avg_tokens,date";
        foreach (var score in scores.OrderByDescending(score => score.WinRate ?? double.NegativeInfinity).ThenBy(score => score.Model, StringComparer.Ordinal))
        {
            var (low, high) = (score.PublishedInterval?.Low, score.PublishedInterval?.High);
            string[] cells =
            [
                score.Model, Rounded(score.WinRate), Rounded(low), Rounded(high),
                low is null ? "" : string.Create(CultureInfo.InvariantCulture, $"({low - score.WinRate:+0.00;-0.00}, {high - score.WinRate:+0.00;-0.00})"), "", "",
            ];
            yield return string.Join(',', cells.Select(CsvTable.Quoted));
        }
    }

    private static string Number(double? value) => value?.ToString("R", CultureInfo.InvariantCulture) ?? "";

    private static string Rounded(double? value) => value?.ToString("0.00", CultureInfo.InvariantCulture) ?? "";
}
