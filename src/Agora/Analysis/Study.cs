using System.Collections.Immutable;
using Agora.Experiments;

namespace Agora.Analysis;

/// <summary>What the analyses read, whether it comes from the published tables or from a run.</summary>
public sealed record Study
{
    /// <summary>Where the figures come from, in words.</summary>
    public required string Source { get; init; }
    /// <summary>One per generator and setting, in the order of the source.</summary>
    public required ImmutableArray<StudyCell> Cells { get; init; }
    /// <summary>Intrinsic metrics by name, in the order of the source.</summary>
    public required ImmutableArray<string> Metrics { get; init; }
    public required ImmutableArray<StudyGenerator> Generators { get; init; }
    /// <summary>PGR by meta-prompt, where more than one was tried; empty otherwise.</summary>
    public ImmutableArray<MetaPromptCell> MetaPrompts { get; init; } = [];
    /// <summary>Cheap trainings whose outcome stands in <see cref="StudyCell.Probes"/>; empty where none was run.</summary>
    public ImmutableArray<StudyProbe> Probes { get; init; } = [];

    public StudyGenerator? Generator(string name) => Generators.FirstOrDefault(generator => generator.Name == name);
}

/// <summary>One data set: what it did for the student, and what it is like.</summary>
public sealed record StudyCell
{
    public required string Generator { get; init; }
    public required Setting Setting { get; init; }
    /// <summary>In percent; null where it is missing.</summary>
    public required double? Pgr { get; init; }
    /// <summary>Intrinsic metrics by name; one that is missing has no entry.</summary>
    public required ImmutableSortedDictionary<string, double> Metrics { get; init; }
    /// <summary>What probes gave, by name; one that is missing has no entry.</summary>
    public ImmutableSortedDictionary<string, double> Probes { get; init; } = ImmutableSortedDictionary<string, double>.Empty;
}

/// <summary>A training that costs little, in the hope that it tells what a full one would give.</summary>
/// <param name="Name">Of the value in <see cref="StudyCell.Probes"/>.</param>
/// <param name="How">What differs from the full training, in words.</param>
/// <param name="CostShare">Its training tokens times the student's size, relative to the full training with one seed.</param>
/// <param name="SecondsShare">Its measured time for training and answering, relative to the full training with one seed.</param>
public sealed record StudyProbe(string Name, string How, double CostShare, double SecondsShare);

/// <summary>What is known of a generator apart from its data.</summary>
public sealed record StudyGenerator
{
    public required string Name { get; init; }
    /// <summary>Generators with the same weights, asked in different ways, are held out together; its own name where it shares them with none.</summary>
    public string Family { get => field ?? Name; init; }
    /// <summary>Mean of the domain's benchmark scores, in percent.</summary>
    public required ImmutableSortedDictionary<Domain, double> ProblemSolving { get; init; }
    /// <summary>Mean over all benchmark scores, in percent; null where none was measured.</summary>
    public required double? ProblemSolvingAverage { get; init; }
    /// <summary>US dollars for a million tokens; null where unknown.</summary>
    public double? InputPrice { get; init; }
    /// <summary>US dollars for a million tokens; null where unknown.</summary>
    public double? OutputPrice { get; init; }
}

/// <param name="Variant">Of the meta-prompt, as files write it.</param>
/// <param name="Pgr">In percent; null where it is missing.</param>
public sealed record MetaPromptCell(string Generator, Setting Setting, string Variant, double? Pgr);
