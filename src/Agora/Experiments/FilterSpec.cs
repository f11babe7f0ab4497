using System.Collections.Immutable;
using System.ComponentModel.DataAnnotations;

namespace Agora.Experiments;

/// <summary>Which instances are turned away besides those that break a rule of their domain. Each filter is used where its section stands; a rejected instance is replaced by a new one.</summary>
public sealed record FilterSpec
{
    public LengthFilterSpec? Length { get; init; }
    public ScriptFilterSpec? Scripts { get; init; }
    public LanguageFilterSpec? Languages { get; init; }
    public DecontaminationSpec? Decontamination { get; init; }
    public ExactDuplicateSpec? ExactDuplicates { get; init; }
    public NearDuplicateSpec? NearDuplicates { get; init; }
    public EmbeddingDuplicateSpec? EmbeddingDuplicates { get; init; }
    public NoveltySpec? Novelty { get; init; }
}

/// <summary>How long instructions and responses may be, in characters.</summary>
public sealed record LengthFilterSpec
{
    [Range(1, 10_000_000)]
    public int MinInstruction { get; init; } = 1;
    [Range(1, 10_000_000)]
    public int MaxInstruction { get; init; } = 10_000_000;
    [Range(1, 10_000_000)]
    public int MinResponse { get; init; } = 1;
    [Range(1, 10_000_000)]
    public int MaxResponse { get; init; } = 10_000_000;
}

/// <summary>In which scripts instances may be written: catches a generator that falls into another language's letters.</summary>
public sealed record ScriptFilterSpec
{
    [MinLength(1)]
    public ImmutableArray<WritingScript> Allowed { get; init; } = [WritingScript.Latin];
    /// <summary>Share of the letters of instruction and of response that must belong to them.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double Share { get; init; } = 0.9;
}

public enum WritingScript { Latin, Greek, Cyrillic, Hebrew, Arabic, Devanagari, Thai, Hangul, Kana, Han }

/// <summary>In which languages instances may be written. A part that is too short to tell, or is code or formulas, passes.</summary>
public sealed record LanguageFilterSpec
{
    [MinLength(1)]
    public ImmutableArray<WrittenLanguage> Allowed { get; init; } = [WrittenLanguage.English];
}

/// <summary>Languages that are told apart.</summary>
public enum WrittenLanguage { Arabic, Bengali, Bokmal, Chinese, Czech, Danish, Dutch, English, Finnish, French, German, Greek, Hebrew, Hindi, Hungarian, Indonesian, Italian, Japanese, Korean, Persian, Polish, Portuguese, Romanian, Russian, Spanish, Swedish, Thai, Turkish, Ukrainian, Vietnamese }

/// <summary>Turns away what stands in a test set of this experiment, seeds included.</summary>
public sealed record DecontaminationSpec
{
    /// <summary>Words in a row that an instance or a seed may not share with a test item; a shorter item counts as a whole.</summary>
    [Range(2, 100)]
    public int Ngram { get; init; } = 13;
}

/// <summary>What of an instance is compared with others.</summary>
public enum InstancePart { Instruction, Response, Pair }

/// <summary>Turns away a text that was kept before, but for white space.</summary>
public sealed record ExactDuplicateSpec
{
    public InstancePart Of { get; init; } = InstancePart.Instruction;
}

/// <summary>Turns away a text whose runs of words overlap with those of a kept one, found by MinHash.</summary>
public sealed record NearDuplicateSpec
{
    public InstancePart Of { get; init; } = InstancePart.Instruction;
    /// <summary>Jaccard similarity from which two texts are near duplicates.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double Threshold { get; init; } = 0.8;
    /// <summary>Words in a row that are compared as one.</summary>
    [Range(1, 20)]
    public int Shingle { get; init; } = 3;
}

/// <summary>Turns away a text that means what a kept one means, as an embedding model sees it.</summary>
public sealed record EmbeddingDuplicateSpec
{
    /// <summary>Name of the model that turns texts into vectors: embedded, or an endpoint that makes embeddings.</summary>
    public required string Model { get; init; }
    public InstancePart Of { get; init; } = InstancePart.Instruction;
    /// <summary>Cosine similarity from which two texts are duplicates.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double Threshold { get; init; } = 0.95;
}

/// <summary>Turns away an instruction that is too similar by ROUGE-L to a seed or to any that was kept (Wang et al. 2023, Self-Instruct, section 2.2).</summary>
public sealed record NoveltySpec
{
    /// <summary>F-measure from which two instructions are too similar.</summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    public double Threshold { get; init; } = 0.7;
}

/// <summary>
/// How answers of the JSON variant are read. <see cref="Strict"/>: the answer is the object. <see cref="Lenient"/>: text around it, comments, trailing commas and keys in other cases are forgiven.
/// <see cref="Schema"/>: strictly, and the endpoint is told the object's JSON schema, by which it binds what the model writes (structured output).
/// </summary>
public enum JsonReading { Strict, Lenient, Schema }
