using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Agora.Reports.Leaderboards;

/// <summary>What one generator's data for one setting did for one student: everything that is needed to check the PGR, and to know what it may be compared with.</summary>
public sealed record LeaderboardEntry
{
    /// <summary>SHA-256 of the run's step keys and confidence section; its first 8 digits end the run's id. A key holds everything that decides a step's result.</summary>
    public required string ExperimentHash { get; init; }
    /// <summary>The run's id.</summary>
    public required string Run { get; init; }
    public required string Agora { get; init; }
    public required string Generator { get; init; }
    /// <summary>What the generator is: hash of its files, or endpoint and name; empty for data that were brought along.</summary>
    public required string GeneratorIdentity { get; init; }
    public required string Setting { get; init; }
    public required string MetaPrompt { get; init; }
    public required int Instances { get; init; }
    /// <summary>SHA-256 of the instances' file; empty for data that were brought along.</summary>
    public required string DataHash { get; init; }
    /// <summary>For generation; null where unknown.</summary>
    public required decimal? Dollars { get; init; }
    public required string Student { get; init; }
    /// <summary>What base model and reference are.</summary>
    public required string BaseIdentity { get; init; }
    public required string ReferenceIdentity { get; init; }
    /// <summary>SHA-256 of the recipe.</summary>
    public required string RecipeHash { get; init; }
    public required int TrainingSeeds { get; init; }
    /// <summary>In percent.</summary>
    public required double Pgr { get; init; }
    public required double? Low { get; init; }
    public required double? High { get; init; }
    public required ImmutableArray<LeaderboardScore> Scores { get; init; }
    /// <summary>SHA-256 of all of the above.</summary>
    public string Seal { get; init; } = "";

    /// <summary>Two entries with the same key claim to be the same result.</summary>
    public string Key => $"{ExperimentHash} {Student} {Generator} {Setting}";

    /// <summary>Entries of one board may be ranked against each other: same setting, student, recipe, benchmarks with their files, graders and numbers of items.</summary>
    public string Board => string.Join(' ', (IEnumerable<string>)[Setting, BaseIdentity, ReferenceIdentity, RecipeHash, .. Scores.Select(score => $"{score.Benchmark}/{score.Grader}/{score.Questions}/{score.Items}")]);

    public LeaderboardEntry Sealed() => this with { Seal = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', Fields())))) };

    /// <summary>Why the entry cannot be what a run gave; empty where nothing is wrong.</summary>
    public IEnumerable<string> Faults()
    {
        if (Sealed().Seal != Seal)
            yield return "its seal does not fit its contents: something was changed after it was written";
        if (ExperimentHash.Length != 64 || !Run.EndsWith($"-{ExperimentHash[..8]}", StringComparison.Ordinal))
            yield return "the run's id does not end in the beginning of the experiment's hash";
        if (Scores.IsDefaultOrEmpty)
        {
            yield return "it has no benchmark scores";
            yield break;
        }
        foreach (var score in Scores)
        {
            if (!double.IsFinite(score.Base) || !double.IsFinite(score.Reference) || !double.IsFinite(score.Trained))
                yield return $"a score of {score.Benchmark} is no number";
            else if (score.Reference <= score.Base)
                yield return $"the reference does not beat the base model on {score.Benchmark}, so that there is no PGR";
            if (score.Items < 1 || score.Unscored < 0 || score.Unscored >= score.Items)
                yield return $"{score.Benchmark} has {score.Items} items, of which {score.Unscored} are without a grade";
        }
        if (Scores.Any(score => score.Reference <= score.Base) || Scores.Any(score => !double.IsFinite(score.Base + score.Reference + score.Trained)))
            yield break;
        var recomputed = Scores.Average(score => 100 * (score.Trained - score.Base) / (score.Reference - score.Base));
        // Means over all graded items; PGR leaves an item out for all three where one of them has no grade, so that each of these may move a mean by its share.
        var slack = 1e-6 + Scores.Average(score => 100.0 * 4 * score.Unscored / score.Items / (score.Reference - score.Base));
        if (!double.IsFinite(Pgr) || Math.Abs(recomputed - Pgr) > slack)
            yield return string.Create(CultureInfo.InvariantCulture, $"its PGR is {Pgr:0.####}, and its scores give {recomputed:0.####}");
        if (Low > High || Low is { } low && !double.IsFinite(low) || High is { } high && !double.IsFinite(high))
            yield return "its interval is none";
        if (Instances < 1 || TrainingSeeds < 1)
            yield return "it has no instances or no training seeds";
    }

    private IEnumerable<string> Fields() =>
    [
        "1", ExperimentHash, Run, Agora, Generator, GeneratorIdentity, Setting, MetaPrompt, Number(Instances), DataHash, Dollars is { } dollars ? Number((double)dollars) : "", Student, BaseIdentity, ReferenceIdentity, RecipeHash, Number(TrainingSeeds),
        Number(Pgr), Low is { } low ? Number(low) : "", High is { } high ? Number(high) : "",
        .. Scores.SelectMany(score => (string[])[score.Benchmark, score.Grader, score.Questions, Number(score.Items), Number(score.Unscored), Number(score.Base), Number(score.Reference), Number(score.Trained)]),
    ];

    internal static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
}

/// <summary>Mean grades on one benchmark.</summary>
/// <param name="Grader">Its version, with the hash of the benchmark's file.</param>
/// <param name="Questions">Hash of what was asked.</param>
/// <param name="Unscored">Items that base, reference or a student has no grade for, at most.</param>
/// <param name="Base">0 to 1.</param>
/// <param name="Trained">The student's, mean over its training seeds.</param>
public sealed record LeaderboardScore(string Benchmark, string Grader, string Questions, int Items, int Unscored, double Base, double Reference, double Trained);
