using System.Globalization;
using Agora.Experiments;

namespace Agora.Analysis.Published;

/// <summary>Finds a generator whose rows of two methods fit the other generators far better once they are exchanged.</summary>
internal static class ExchangedRows
{
    // In units of the other generators' own spread: as printed the rows are far out, and exchanged they are not.
    private const double Outlying = 4, Fitting = 1.5;

    public static IEnumerable<TableSlip> Find(Study study)
    {
        foreach (var metric in study.Metrics)
        {
            var value = study.Cells.Where(cell => cell.Metrics.ContainsKey(metric)).ToDictionary(cell => (cell.Generator, cell.Setting), cell => cell.Metrics[metric]);
            var generators = value.Keys.Select(key => key.Generator).Distinct().ToArray();
            if (generators.Length < 4)
                continue;
            foreach (var generator in generators)
            {
                foreach (var (first, second) in from one in GenerationMethod.Paper from other in GenerationMethod.Paper where one < other select (one, other))
                {
                    if (Misfits(first, second) is not var (asPrinted, exchanged, spread))
                        continue;
                    if (asPrinted > Outlying * spread && exchanged < Fitting * spread)
                    {
                        yield return new TableSlip(PublishedTables.IntrinsicFile, string.Create(CultureInfo.InvariantCulture,
                            $"{metric} of {generator}: the rows of {first.Name()} and {second.Name()} look exchanged; their squared distance from the other generators is {asPrinted:0.##}, exchanged {exchanged:0.##}"),
                            null, null, "suspected, not proven: two blocks of rows swapped when the table was made");
                    }
                }

                (double AsPrinted, double Exchanged, double Spread)? Misfits(GenerationMethod first, GenerationMethod second)
                {
                    var (asPrinted, exchanged, spread) = (0.0, 0.0, 0.0);
                    foreach (var domain in Enum.GetValues<Domain>())
                    {
                        Setting one = new(domain, first), other = new(domain, second);
                        var complete = generators.Where(name => value.ContainsKey((name, one)) && value.ContainsKey((name, other))).ToArray();
                        if (!complete.Contains(generator) || complete.Length < 4)
                            return null;
                        string[] others = [.. complete.Where(name => name != generator)];
                        foreach (var (here, there) in ((Setting, Setting)[])[(one, other), (other, one)])
                        {
                            var mean = others.Average(name => value[(name, here)]);
                            asPrinted += Math.Pow(value[(generator, here)] - mean, 2);
                            exchanged += Math.Pow(value[(generator, there)] - mean, 2);
                            spread += others.Average(name => Math.Pow(value[(name, here)] - mean, 2));
                        }
                    }
                    return (asPrinted, exchanged, spread);
                }
            }
        }
    }
}
