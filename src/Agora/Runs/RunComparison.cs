using System.Collections.Immutable;
using Agora.Benchmarks;
using Agora.Experiments;
using Agora.Recovery;

namespace Agora.Runs;

/// <summary>Two runs, benchmark by benchmark on the same items: who answered better, as a paired test.</summary>
public sealed record RunComparison
{
    private const string GradePrefix = "grade ";

    /// <summary>Answers that both runs have graded and that are not the same result, e.g. <c>nano_math by nano on tutor math/response_generation seed 42</c>.</summary>
    public required ImmutableArray<ComparedAnswers> Pairs { get; init; }
    /// <summary>Graded answers that both runs share: nothing to compare.</summary>
    public required int Same { get; init; }
    /// <summary>Graded answers that only one of the runs has.</summary>
    public required ImmutableArray<string> Alone { get; init; }
    /// <summary>What else differs than what is compared, such as the version of Agora.</summary>
    public required ImmutableArray<string> Remarks { get; init; }

    /// <summary>Pairs graded answers by the names of their steps; p-values are corrected over all pairs by Holm's procedure.</summary>
    /// <exception cref="AgoraException">The runs have no graded answers of the same name, or a pair has no item in common.</exception>
    public static RunComparison Of(RunFolder first, RunFolder second, StepStore store, ConfidenceSpec confidence, RandomStreams random)
    {
        var (one, other) = (Graded(first, store), Graded(second, store));
        var pairs = ImmutableArray.CreateBuilder<ComparedAnswers>();
        var same = 0;
        foreach (var (name, result) in one)
        {
            if (!other.TryGetValue(name, out var rival))
                continue;
            if (result.Key == rival.Key)
                same++;
            else
                pairs.Add(new ComparedAnswers(name, StudentComparison.Of(Grades(result), Grades(rival), confidence, random)));
        }
        if (pairs.Count + same == 0)
            throw new AgoraException("the runs have no graded answers by the same model to the same benchmark", $"{first.Id}, {second.Id}", "compare runs whose students, generators and settings have the same names") { ExitCode = 2 };
        var corrected = pairs.Count == 0 ? [] : StudentComparison.Corrected([.. pairs.Select(pair => pair.Comparison)]);
        return new RunComparison
        {
            Pairs = [.. pairs.Zip(corrected, (pair, comparison) => pair with { Comparison = comparison })],
            Same = same,
            Remarks = first.Environment().Agora is var made && second.Environment().Agora is var also && made != also ? [$"{first.Id} was made by Agora {made} and {second.Id} by {also}: a difference between them may be one of versions"] : [],
            Alone = [.. one.Keys.Except(other.Keys).Select(name => $"{name} (first run)"), .. other.Keys.Except(one.Keys).Select(name => $"{name} (second run)")],
        };
    }

    private static Dictionary<string, StepResult> Graded(RunFolder run, StepStore store) =>
        (from step in run.Steps()
         where step.Name.StartsWith(GradePrefix, StringComparison.Ordinal)
         let found = store.Find(new StepKey(step.Key), thoroughly: false) as StepFinding.Whole
         where found is not null
         select (step.Name[GradePrefix.Length..], found.Result)).ToDictionary();

    private static ImmutableArray<GradedAnswer> Grades(StepResult result) => StepFiles.ReadLines<GradedAnswer>(result, StepFiles.Grades);
}

/// <param name="Name">Benchmark and who answered.</param>
public sealed record ComparedAnswers(string Name, StudentComparison Comparison);
