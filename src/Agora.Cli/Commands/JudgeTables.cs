using System.Globalization;
using Spectre.Console;

namespace Agora.Cli.Commands;

/// <summary>Tables of the judge commands.</summary>
internal static class JudgeTables
{
    public static Table Plain(params string[] columns)
    {
        var table = new Table { Border = TableBorder.None };
        foreach (var column in columns)
            table.AddColumn(new TableColumn(column) { NoWrap = true });
        return table;
    }

    /// <summary>Two decimals, as leaderboards print them.</summary>
    public static string Number(double? value) => value?.ToString("0.00", CultureInfo.InvariantCulture) ?? "none";
}
