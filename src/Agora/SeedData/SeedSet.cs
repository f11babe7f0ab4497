using System.Collections.Immutable;

namespace Agora.SeedData;

/// <summary>Identity of a seed row: its place in its set, <c>math.jsonl:17</c>.</summary>
public readonly record struct SeedId(string Value)
{
    public override string ToString() => Value;
}

/// <summary>A row that a method starts from.</summary>
/// <param name="Response">Null where the method needs the instruction alone.</param>
public sealed record SeedInstance(SeedId Id, string Instruction, string? Response);

/// <summary>Rows in file order.</summary>
public sealed record SeedSet(ImmutableArray<SeedInstance> Instances);
