using System.Collections.Concurrent;
using System.Collections.Immutable;

namespace Agora.DataGeneration;

/// <summary>What the tries of one round brought at one place. All texts of a generation are in these records, so that a data set need not fit in memory.</summary>
public sealed record PlaceFill
{
    public required int Round { get; init; }
    public required int Place { get; init; }
    /// <summary>Tries of this round.</summary>
    public required int Tries { get; init; }
    /// <summary>Null where none was valid.</summary>
    public SyntheticInstance? Instance { get; init; }
    /// <summary>What the instance was read from; only where a filter may still turn it away.</summary>
    public string? Completion { get; init; }
    /// <summary>What the instance cost.</summary>
    public BillLine KeptLine { get; init; } = BillLine.Nothing;
    public BillLine RetriedLine { get; init; } = BillLine.Nothing;
    public BillLine JudgedLine { get; init; } = BillLine.Nothing;
    public ImmutableArray<RejectedTry> Rejects { get; init; } = [];

    public PlaceTally Tally => new()
    {
        Round = Round,
        Tries = Tries,
        IsFilled = Instance is not null,
        KeptLine = KeptLine,
        RetriedLine = RetriedLine,
        JudgedLine = JudgedLine,
        Rejects = Rejects.IsEmpty ? [] : [.. Rejects.Select(reject => (reject.Reject.Reason, reject.Line))],
    };
}

/// <summary>A <see cref="PlaceFill"/> without its texts: all that rounds, counts and the bill depend on.</summary>
public sealed record PlaceTally
{
    public required int Round { get; init; }
    public required int Tries { get; init; }
    public required bool IsFilled { get; init; }
    public BillLine KeptLine { get; init; } = BillLine.Nothing;
    public BillLine RetriedLine { get; init; } = BillLine.Nothing;
    public BillLine JudgedLine { get; init; } = BillLine.Nothing;
    public ImmutableArray<(RejectReason Reason, BillLine Line)> Rejects { get; init; } = [];

    public BillLine RejectedLine => Rejects.Select(reject => reject.Line).Aggregate(BillLine.Nothing, BillLine.Add);
}

public sealed record RejectedTry(RejectedCompletion Reject, BillLine Line);

/// <summary>Keeps what the places of one generation were filled with, in whatever order they finish.</summary>
/// <remarks>
/// What a place is filled with in a round follows from the plan and the completions alone. A store that outlives its process may therefore give back what an earlier one kept, in place of
/// asking the journal for every completion again. Safe for use from many threads.
/// </remarks>
public interface IFillStore
{
    /// <returns>Null where the round's tries at the place are still to be made.</returns>
    PlaceTally? Tally(int round, int place);

    /// <exception cref="InvalidOperationException">There is none.</exception>
    PlaceFill Read(int round, int place);

    void Keep(PlaceFill fill);
}

/// <summary>For data sets that are small, or looked at and forgotten.</summary>
internal sealed class FillsInMemory : IFillStore
{
    private readonly ConcurrentDictionary<(int, int), PlaceFill> fills = new();

    public PlaceTally? Tally(int round, int place) => fills.GetValueOrDefault((round, place))?.Tally;

    public PlaceFill Read(int round, int place) => fills[(round, place)];

    public void Keep(PlaceFill fill) => fills[(fill.Round, fill.Place)] = fill;
}

/// <summary>The instances of complete rounds, by round and place; each is read when it is looked at.</summary>
internal sealed class GeneratedInstances(IFillStore fills) : IReadOnlyList<SyntheticInstance>
{
    private readonly List<(int Round, int Place)> places = [];

    public int Count => places.Count;

    public SyntheticInstance this[int index] => Read(places[index]);

    public void Add(int round, int place) => places.Add((round, place));

    public IEnumerator<SyntheticInstance> GetEnumerator() => places.Select(Read).GetEnumerator();

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    private SyntheticInstance Read((int Round, int Place) place) => fills.Read(place.Round, place.Place).Instance
        ?? throw new InvalidOperationException($"the instance of place {place.Place} is not where it was kept");
}
