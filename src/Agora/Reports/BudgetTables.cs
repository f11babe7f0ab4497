using System.Collections.Immutable;
using System.Globalization;
using Agora.Analysis;
using Agora.Experiments;
using Agora.Reports.Tables;

namespace Agora.Reports;

/// <summary>What to buy, as a table per domain.</summary>
public static class BudgetTables
{
    public static ImmutableArray<TextTable> Of(IEnumerable<BudgetAdvice> advice, double budget, bool countsTraining) => [.. advice.Select(domain => Of(domain, budget, countsTraining))];

    private static TextTable Of(BudgetAdvice advice, double budget, bool countsTraining)
    {
        var frontier = advice.Frontier.ToHashSet();
        return new TextTable
        {
            Id = $"budget_{advice.Domain.Name()}",
            Title = string.Create(CultureInfo.InvariantCulture, $"{advice.Domain.Title()} for {budget:0.##} dollars"),
            Columns = ["generator", "setting", "meta-prompt", new("instances", true), new("dollars", true), new("expected PGR", true), new("low", true), new("high", true), "Pareto frontier", "basis"],
            Rows =
            [
                .. advice.Options.Select(option => (ImmutableArray<TextCell>)
                [
                    option.Generator, option.Setting.ToString(), option.MetaPrompt, TextCell.Count(option.Instances), TextCell.Of(option.Dollars, "0.00##"), TextCell.Of(option.Pgr, "0.0"), TextCell.Of(option.Low, "0.0"), TextCell.Of(option.High, "0.0"),
                    frontier.Contains(option) ? "yes" : "no", option.Basis,
                ]),
            ],
            Notes =
            [
                Verdict(advice),
                countsTraining ? "Dollars are for generation, rejected tries included, and training." : "Dollars are for generation, rejected tries included; training is not counted.",
                .. advice.Excluded.Select(reason => $"No option: {reason}."),
            ],
        };
    }

    private static string Verdict(BudgetAdvice advice)
    {
        if (advice.Options is not [var best, ..])
            return "Nothing can be recommended.";
        // Someone who asks what to buy may also be told: nothing.
        if (best.Pgr <= 0)
            return $"Nothing is worth its money: the best option, {Say(best)}, is not expected to leave the student better than its base model.";
        var text = best.Low is <= 0 ? $"If anything, since no gain is not excluded, buy {Say(best)}" : $"Buy {Say(best)}";
        if (advice.Options.FirstOrDefault(option => option.Generator != best.Generator) is not { } second)
            return $"{text}; there is no other generator to compare with.";
        var decided = best.Low is { } low && second.High is { } high && low > high;
        return $"{text}; runner-up: {Say(second)}. Their intervals {(decided ? "do not overlap" : "overlap or are not known, so that the order is not certain")}.";
    }

    private static string Say(BudgetOption option) => string.Create(CultureInfo.InvariantCulture,
        $"{option.Instances:#,0} instances of {option.Generator} by {option.Setting} ({option.MetaPrompt}) for {option.Dollars:0.00##} dollars, expected PGR {option.Pgr:0.0}{(option is { Low: { } low, High: { } high } ? $" [{low:0.0}, {high:0.0}]" : "")}");
}
