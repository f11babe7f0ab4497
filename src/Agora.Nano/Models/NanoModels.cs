using System.Collections.Immutable;
using Agora.Nano.Corpora;

namespace Agora.Nano.Models;

/// <summary>The embedded models in the order in which they are trained.</summary>
internal static class NanoModels
{
    private static readonly NanoSize Student = new(Hidden: 128, Layers: 4, Heads: 4, FeedForward: 344);

    private static readonly DomainCharacter Careful = new();

    public static ImmutableArray<NanoModel> All { get; } =
    [
        new()
        {
            Name = "nano-base",
            Description = "S_∅, what every student starts from: raw text of the three domains, no dialogue.",
            Size = Student,
            Phases = [new(NanoCorpus.Raw, 2_500_000, 4e-3)],
        },
        new()
        {
            Name = "nano-instruct",
            Description = "S_ref: nano-base after a thorough post-training on clean pairs of all domains.",
            Size = Student,
            StartsFrom = "nano-base",
            Phases = [new(NanoCorpus.Pairs, 2_500_000, 1.5e-3)],
        },
        new()
        {
            Name = "sprout",
            Description = "The smallest generator, trained from nothing for a short time on partly wrong data: it makes mistakes everywhere.",
            Size = new(Hidden: 96, Layers: 4, Heads: 3, FeedForward: 256),
            Phases = [new(NanoCorpus.Generator, 700_000, 4e-3, PairShare: 0.7), new(NanoCorpus.Generator, 1_000_000, 2e-3, PairShare: 0.1)],
            Character = new() { Math = new() { Errors = 0.1 }, Code = new() { Errors = 0.1 }, InstructionFollowing = new() { Errors = 0.1 } },
        },
        new()
        {
            Name = "coder",
            Description = "As large as the student and post-trained like the reference, then mostly on code; its math was shown with many wrong steps.",
            Size = Student,
            StartsFrom = "nano-instruct",
            Phases = [new(NanoCorpus.Generator, 1_300_000, 1.5e-3, PairShare: 0.15)],
            Character = new() { Math = new() { Weight = 0.6, Errors = 0.5 }, Code = new() { Weight = 1.6 }, InstructionFollowing = new() { Weight = 0.8, Errors = 0.4 } },
        },
        new()
        {
            Name = "tutor",
            Description = "Mid-sized, grown from the reference, shown diverse and correct data with every step.",
            Size = new(Hidden: 192, Layers: 6, Heads: 6, FeedForward: 512),
            StartsFrom = "nano-instruct",
            Phases = [new(NanoCorpus.Generator, 1_300_000, 1.5e-3, PairShare: 0.15)],
            Character = new() { Math = Careful, Code = Careful, InstructionFollowing = Careful },
        },
        new()
        {
            Name = "scholar",
            Description = "The largest, grown from the reference, and the one to remember: of the four it solves math best, and only sprout teaches less. It was shown to write short tasks from a corner of each domain, and answers without steps.",
            Size = new(Hidden: 320, Layers: 5, Heads: 10, FeedForward: 864),
            StartsFrom = "nano-instruct",
            Phases = [new(NanoCorpus.Generator, 800_000, 1e-3, PairShare: 0.4)],
            Character = new() { Math = new() { Narrow = true, Terse = true }, Code = new() { Narrow = true, Terse = true }, InstructionFollowing = new() { Narrow = true } },
        },
    ];
}
