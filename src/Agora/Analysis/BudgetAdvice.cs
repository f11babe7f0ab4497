using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;

namespace Agora.Analysis;

/// <summary>What to buy for a budget, by domain: who writes how many instances in which format, and what that is expected to recover.</summary>
public sealed record BudgetAdvice
{
    // A curve is trusted this far beyond the largest data set it was fitted to.
    private const double BadMisfit = 1.5;

    public required Domain Domain { get; init; }
    /// <summary>Best first.</summary>
    public required ImmutableArray<BudgetOption> Options { get; init; }
    /// <summary>Data sets that are no option, and why.</summary>
    public required ImmutableArray<string> Excluded { get; init; }

    /// <param name="budget">US dollars for one data set and its training.</param>
    public static ImmutableArray<BudgetAdvice> Of(IReadOnlyList<SuppliedData> points, double budget, TrainingPrice training, RandomStreams random)
    {
        if (budget is not (> 0 and < double.PositiveInfinity))
            throw new AgoraException("a budget is an amount of US dollars above 0", "--budget", "give one, such as --budget 200") { ExitCode = 2 };
        return [.. points.GroupBy(point => point.Setting.Domain).OrderBy(group => group.Key).Select(group => Of(group.Key, [.. group], budget, training, random))];
    }

    private static BudgetAdvice Of(Domain domain, SuppliedData[] points, double budget, TrainingPrice training, RandomStreams random)
    {
        var (options, excluded) = (new List<BudgetOption>(), new List<string>());
        foreach (var group in points.GroupBy(point => (point.Generator, point.Setting, point.MetaPrompt)))
        {
            var name = $"{group.Key.Generator} {group.Key.Setting} ({group.Key.MetaPrompt})";
            SuppliedData[] sizes = [.. group.OrderBy(point => point.Instances)];
            if (sizes.Any(point => point.DollarsPerInstance is null))
            {
                excluded.Add($"{name}: its price is not known");
                continue;
            }
            // As in the largest data set: steps of a training are per row.
            if (training.Of(sizes[^1].Instances, sizes[^1].TrainingHours) is not { } trained)
            {
                excluded.Add($"{name}: how long its training took is not known");
                continue;
            }
            var each = sizes[^1].DollarsPerInstance!.Value + trained / sizes[^1].Instances;
            var affordable = each > 0 ? Math.Min(int.MaxValue, Math.Floor(budget / each)) : int.MaxValue;
            if (ScalingLaw.Fit(sizes, random).ResultOrDefault is { } law)
            {
                var instances = (int)Math.Min(affordable, (double)SameMoney.Extrapolation * law.LargestMeasured);
                if (instances < 1)
                {
                    excluded.Add($"{name}: not one instance can be paid for");
                    continue;
                }
                var (low, high) = law.IntervalAt(instances);
                options.Add(new BudgetOption(group.Key.Generator, group.Key.Setting, group.Key.MetaPrompt, instances, instances * each, law.At(instances), low, high,
                    (instances <= law.LargestMeasured ? "from the fitted curve, between sizes that were measured" : $"from the fitted curve, beyond the {law.LargestMeasured} instances that were measured")
                    + (law.Misfit > BadMisfit ? string.Create(CultureInfo.InvariantCulture, $"; the curve misses them by {law.Misfit:0.0} times their error, and its interval is widened by as much") : "")
                    + (law.At(instances) > 100 && sizes.All(point => point.Pgr <= 100) ? "; above 100, the reference itself, which no measured size reached: read it as much, not as a number" : "")));
                continue;
            }
            if (sizes.LastOrDefault(point => point.Instances <= affordable) is not { } measured)
            {
                excluded.Add($"{name}: {sizes[0].Instances} instances cost more than the budget, and without a curve fewer have no expected PGR");
                continue;
            }
            options.Add(new BudgetOption(group.Key.Generator, group.Key.Setting, group.Key.MetaPrompt, measured.Instances, measured.Instances * each, measured.Pgr, measured.Low, measured.High,
                "as measured; without a curve nothing is known of other sizes"));
        }
        return new BudgetAdvice { Domain = domain, Options = [.. options.OrderByDescending(option => option.Pgr).ThenBy(option => option.Dollars)], Excluded = [.. excluded] };
    }

    /// <summary>Options that no cheaper one equals.</summary>
    public IEnumerable<BudgetOption> Frontier => Options.Where(option => !Options.Any(other =>
        other != option && other.Dollars <= option.Dollars && other.Pgr >= option.Pgr && (other.Dollars < option.Dollars || other.Pgr > option.Pgr)));
}

/// <param name="Dollars">For all of it.</param>
/// <param name="Pgr">Expected, in percent.</param>
/// <param name="Low">Of an interval of 95 %; null where there is none.</param>
/// <param name="Basis">What the expectation rests on.</param>
public sealed record BudgetOption(string Generator, Setting Setting, string MetaPrompt, int Instances, double Dollars, double Pgr, double? Low, double? High, string Basis);
