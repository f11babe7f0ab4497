using System.Collections.Immutable;
using Agora.Experiments;
using static Agora.Recovery.PerformanceGapRecovered;

namespace Agora.Recovery;

/// <summary>A PGR and its value in every resample; draw r of every cell saw the same items.</summary>
internal sealed record ResampledRecovery
{
    public required RecoveryScope Scope { get; init; }
    public required PerformanceGapRecovered Pgr { get; init; }
    /// <summary>In percent; not a number where the resample has none, which never leaves this stage.</summary>
    public required double[] Draws { get; init; }
    public required ImmutableArray<Setting> Settings { get; init; }
    public required int Items { get; init; }
    public required int ExcludedItems { get; init; }
    public required int TrainingSeeds { get; init; }

    /// <summary>A copy of the draws that have a value.</summary>
    public double[] DefinedDraws() => Array.FindAll(Draws, draw => !double.IsNaN(draw));

    /// <summary>Undefined as soon as one part is: a mean over what is left would be a mean of something else.</summary>
    public static ResampledRecovery Mean(RecoveryScope scope, IReadOnlyList<ResampledRecovery> parts)
    {
        var draws = new double[parts[0].Draws.Length];
        foreach (var part in parts)
            for (var draw = 0; draw < draws.Length; draw++)
                draws[draw] += part.Draws[draw];
        for (var draw = 0; draw < draws.Length; draw++)
            draws[draw] /= parts.Count;

        var undefined = parts.Where(part => part.Pgr is Undefined).ToList();
        return new ResampledRecovery
        {
            Scope = scope,
            Pgr = undefined.Count > 0
                ? new Undefined(string.Join("; ", undefined.Select(Located)))
                : new Percent(parts.Average(part => ((Percent)part.Pgr).Value)),
            Draws = draws,
            Settings = [.. parts.SelectMany(part => part.Settings).Distinct()],
            Items = parts.Sum(part => part.Items),
            ExcludedItems = parts.Sum(part => part.ExcludedItems),
            TrainingSeeds = parts.Min(part => part.TrainingSeeds),
        };
    }

    // A part that is itself a mean has said where already.
    private static string Located(ResampledRecovery part) => part is { Scope: RecoveryScope.OneBenchmark, Pgr: Undefined(var here) }
        ? $"{part.Scope}: {here}"
        : ((Undefined)part.Pgr).Reason;
}
