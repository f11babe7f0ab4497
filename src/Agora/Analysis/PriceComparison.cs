using System.Collections.Immutable;

namespace Agora.Analysis;

/// <summary>What a generator's tokens cost against what its data do for a student.</summary>
public sealed record PriceComparison
{
    public required string Generator { get; init; }
    /// <summary>US dollars for a million input tokens.</summary>
    public required double InputPrice { get; init; }
    /// <summary>US dollars for a million output tokens.</summary>
    public required double OutputPrice { get; init; }
    /// <summary>Mean over the generator's settings, in percent.</summary>
    public required double Pgr { get; init; }
    /// <summary>How many times cheaper its output tokens are than the dearest generator's.</summary>
    public required double TimesCheaperThanDearest { get; init; }
    /// <summary>Instances for the money that 10,000 of the dearest generator cost, at the same number of tokens each.</summary>
    public required double InstancesForTheSameMoney { get; init; }
    /// <summary>Percentage points of PGR for each dollar of a million output tokens.</summary>
    public required double PgrPerDollar { get; init; }
    /// <summary>A generator that costs no more and recovers at least as much, where there is one; null on the Pareto frontier.</summary>
    public required string? DominatedBy { get; init; }

    public static Computed<ImmutableArray<PriceComparison>> All(Study study)
    {
        var priced = (from generator in study.Generators
                      let own = study.Cells.Where(cell => cell.Generator == generator.Name && cell.Pgr is not null).ToArray()
                      where generator.OutputPrice is > 0 && generator.InputPrice is not null && own.Length > 0
                      select (generator.Name, Input: generator.InputPrice!.Value, Output: generator.OutputPrice!.Value, Pgr: own.Average(cell => cell.Pgr!.Value))).ToArray();
        if (priced.Length < 2)
            return new Computed<ImmutableArray<PriceComparison>>.NotComputable("fewer than two generators have both a price and a PGR");
        var dearest = priced.Max(generator => generator.Output);
        return (ImmutableArray<PriceComparison>)
        [
            .. priced.Select(generator => new PriceComparison
            {
                Generator = generator.Name,
                InputPrice = generator.Input,
                OutputPrice = generator.Output,
                Pgr = generator.Pgr,
                TimesCheaperThanDearest = dearest / generator.Output,
                InstancesForTheSameMoney = 10_000 * dearest / generator.Output,
                PgrPerDollar = generator.Pgr / generator.Output,
                DominatedBy = priced
                    .Where(other => other.Name != generator.Name && other.Output <= generator.Output && other.Pgr >= generator.Pgr && (other.Output < generator.Output || other.Pgr > generator.Pgr))
                    .OrderByDescending(other => other.Pgr).Select(other => other.Name).FirstOrDefault(),
            }),
        ];
    }
}
