using System.Collections.Immutable;
using Agora.Benchmarks;
using Agora.Experiments;

namespace Agora.Recovery;

/// <summary>A generator's own score on a benchmark: its problem-solving ability.</summary>
public sealed record SolverScore
{
    public required string Generator { get; init; }
    public required Domain Domain { get; init; }
    public required string Benchmark { get; init; }
    public required ScoreValue Score { get; init; }
    public required int Graded { get; init; }
    public required ImmutableArray<UnscoredCount> Unscored { get; init; }

    /// <summary>Mean grade with a percentile interval over items, from the same resamples as the students' scores.</summary>
    public static SolverScore Of(
        string generator, Domain domain, string benchmark, ImmutableArray<GradedAnswer> grades, ConfidenceSpec confidence, RandomStreams random)
    {
        var computation = new BenchmarkComputation(generator, domain, benchmark,
            [new AnchorGrades { Student = generator, Anchor = Anchor.Base, Domain = domain, Benchmark = benchmark, Grades = grades }], [], confidence, random);
        computation.Run([]);
        var score = computation.Scores.First(score => score.Model == new ScoredModel.OfAnchor(Anchor.Base));
        return new SolverScore
        {
            Generator = generator,
            Domain = domain,
            Benchmark = benchmark,
            Score = score.Score,
            Graded = score.Graded,
            Unscored = score.Unscored,
        };
    }
}
