using System.Globalization;
using Agora.Cli.Progress;
using Agora.Runs;
using Spectre.Console;

namespace Agora.Cli.Commands;

/// <summary>A run's bill: what was asked of which model, what came of it, and what it cost.</summary>
internal static class BillTable
{
    /// <summary>In one line.</summary>
    public static string Total(RunBill bill)
    {
        var requests = bill.Lines.Sum(line => line.Requests);
        var unpriced = bill.Lines.Any(line => line.Dollars is null);
        return string.Create(CultureInfo.InvariantCulture, $"{requests:N0} requests, {StepMeter.Dollars(bill.Dollars)}")
            + (bill.DollarsAtMostBesides > 0 ? $", and at most {StepMeter.Dollars(bill.DollarsAtMostBesides)} for requests that brought no answer or no token counts" : "")
            + (unpriced ? "; some models have no price" : "");
    }

    public static void Print(RunBill bill)
    {
        var table = TerminalTable.Empty("for", "model", "what became of it", new("requests", true), new("tokens in", true), new("cached", true), new("tokens out", true), new("dollars", true));
        foreach (var line in bill.Lines)
            table.AddRow(line.Kind, Markup.Escape(line.Model), Markup.Escape(line.For + (line.Batch ? " (batch)" : "")), Count(line.Requests), Count(line.InputTokens),
                Count(line.CachedInputTokens) + (line.CacheWrittenTokens > 0 ? $" ({Count(line.CacheWrittenTokens)} written)" : ""), Count(line.OutputTokens), line.Dollars is { } dollars ? (line.AtMost && dollars > 0 ? "at most " : "") + StepMeter.Dollars(dollars) : "no price");
        Terminal.Out.Write(table);
        Terminal.Out.WriteLine(Total(bill));
    }

    private static string Count(long number) => number == 0 ? "" : number.ToString("N0", CultureInfo.InvariantCulture);
}
