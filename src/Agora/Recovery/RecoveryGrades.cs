using System.Collections.Immutable;
using Agora.Benchmarks;
using Agora.Experiments;

namespace Agora.Recovery;

/// <summary>Everything that PGR is computed from: who answered what how well.</summary>
public sealed record RecoveryGrades
{
    /// <summary>One entry per trained student and benchmark. Their order is the order of the table's rows.</summary>
    public required ImmutableArray<StudentGrades> Students { get; init; }
    /// <summary>Base model and reference of each student, on every benchmark of the domains in use.</summary>
    public required ImmutableArray<AnchorGrades> Anchors { get; init; }
}

/// <summary>Answers of one trained student on one benchmark.</summary>
public sealed record StudentGrades
{
    /// <summary>Name of the <see cref="StudentSpec"/>.</summary>
    public required string Student { get; init; }
    /// <summary>Who wrote the data: a generator, or the name of a data set that was brought along.</summary>
    public required string Generator { get; init; }
    public required Setting Setting { get; init; }
    public required long TrainingSeed { get; init; }
    public required string Benchmark { get; init; }
    public required ImmutableArray<GradedAnswer> Grades { get; init; }
}

/// <summary>PGR's two fixed points: 0 % and 100 %.</summary>
public enum Anchor { Base, Reference }

/// <summary>Answers of a student's base model or reference on one benchmark.</summary>
public sealed record AnchorGrades
{
    /// <summary>Name of the <see cref="StudentSpec"/>.</summary>
    public required string Student { get; init; }
    public required Anchor Anchor { get; init; }
    public required Domain Domain { get; init; }
    public required string Benchmark { get; init; }
    public required ImmutableArray<GradedAnswer> Grades { get; init; }
}
