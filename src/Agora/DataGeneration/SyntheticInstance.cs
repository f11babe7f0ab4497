using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Agora.SeedData;

namespace Agora.DataGeneration;

/// <summary>One instruction-response pair written by a generator, with where it came from: the unit of synthetic training data.</summary>
public sealed record SyntheticInstance
{
    /// <summary>Place in the plan, from 0; the same after a resume.</summary>
    public required int Index { get; init; }
    public required string Instruction { get; init; }
    public required string Response { get; init; }
    /// <summary>The generator's name, the published key.</summary>
    public required string Config { get; init; }
    public required Provenance Provenance { get; init; }
}

/// <summary>Everything that led to an instance.</summary>
public sealed record Provenance
{
    public required string Generator { get; init; }
    public required string Setting { get; init; }
    /// <summary>SHA-256 of system message and prompt as sent; of the first request where a method asks several times.</summary>
    public required string PromptHash { get; init; }
    /// <summary>What was shown, in prompt order: seed ids, or <c>generated:12</c>.</summary>
    public ImmutableArray<string> Demonstrations { get; init; } = [];
    /// <summary>Response generation and quality enhancement: the seed at hand.</summary>
    public SeedId? Seed { get; init; }
    public string? Theme { get; init; }
    public string? OpeningWords { get; init; }
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Persona { get; init; }
    /// <summary>Evol-instruct: how the seed's instruction was to be changed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Evolution { get; init; }
    public int Round { get; init; }
    /// <summary>Tries until this one was valid; one completion each, unless the method asks several times.</summary>
    public int Tries { get; init; }
    public long InputTokens { get; init; }
    public long OutputTokens { get; init; }
    /// <summary>Of all tries; null where no price is known.</summary>
    public decimal? CostDollars { get; init; }
}
