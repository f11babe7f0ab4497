namespace Agora.Nano.Corpora;

/// <summary>What makes one embedded generator another teacher than the next: what it was shown while it learned to write data.</summary>
internal sealed record GeneratorCharacter
{
    public required DomainCharacter Math { get; init; }
    public required DomainCharacter Code { get; init; }
    public required DomainCharacter InstructionFollowing { get; init; }

    public DomainCharacter Of(Domain domain) => domain switch
    {
        Domain.Math => Math,
        Domain.Code => Code,
        _ => InstructionFollowing,
    };
}

internal sealed record DomainCharacter
{
    /// <summary>How many of its documents are of this domain, relative to the other domains.</summary>
    public double Weight { get; init; } = 1;
    /// <summary>Share of the pairs that it was shown to write whose response is wrong, from 0 to 1.</summary>
    public double Errors { get; init; }
    /// <summary>It was shown to write data from a corner of the domain only, whatever the demonstrations.</summary>
    public bool Narrow { get; init; }
    /// <summary>It was shown to write responses without the steps.</summary>
    public bool Terse { get; init; }
}
