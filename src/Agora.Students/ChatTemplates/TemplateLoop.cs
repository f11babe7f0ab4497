namespace Agora.Students.ChatTemplates;

/// <summary>The variable "loop" inside a {% for %}. It asks for the items one by one, and for the next ones only when the template wants to know of them.</summary>
/// <param name="depth">Of recursion, not of nesting; from 0.</param>
/// <param name="recurse">loop(items) of a recursive loop.</param>
internal sealed class TemplateLoop(IEnumerable<object?> items, int depth, Func<object?, int, string>? recurse) : IDisposable
{
    private readonly IEnumerator<object?> source = items.GetEnumerator();
    private readonly int? known = (items as IReadOnlyCollection<object?>)?.Count;
    private readonly Queue<object?> ahead = [];
    private object?[]? lastSeen;
    private object? previous, current;

    public int Index0 { get; private set; } = -1;

    public int Depth { get; } = depth;

    public Func<object?, int, string>? Recurse { get; } = recurse;

    public bool MoveNext(out object? item)
    {
        if (!LooksAhead(1))
        {
            item = null;
            return false;
        }
        previous = current;
        item = current = ahead.Dequeue();
        Index0++;
        return true;
    }

    public object? Member(string name) => name switch
    {
        "index" => (long)Index0 + 1,
        "index0" => (long)Index0,
        "revindex" => (long)Length() - Index0,
        "revindex0" => (long)Length() - Index0 - 1,
        "first" => Index0 == 0,
        "last" => !LooksAhead(1),
        "length" => (long)Length(),
        "depth" => Depth + 1L,
        "depth0" => (long)Depth,
        "previtem" => Index0 > 0 ? previous : new Undefined("there is no previous item"),
        "nextitem" => LooksAhead(1) ? ahead.Peek() : new Undefined("there is no next item"),
        "cycle" => new TemplateFunction("loop.cycle", call => call.Positional.Count > 0 ? call.Positional[Index0 % call.Positional.Count] : throw call.Fault("has nothing to cycle through")),
        "changed" => new TemplateFunction("loop.changed", call => Changed([.. call.Positional])),
        _ => null,
    };

    public void Dispose() => source.Dispose();

    private bool LooksAhead(int count)
    {
        while (ahead.Count < count && source.MoveNext())
            ahead.Enqueue(source.Current);
        return ahead.Count >= count;
    }

    private int Length()
    {
        if (known is { } count)
            return count;
        LooksAhead(int.MaxValue);
        return Index0 + 1 + ahead.Count;
    }

    private bool Changed(object?[] values)
    {
        var same = lastSeen is not null && lastSeen.Length == values.Length && lastSeen.Zip(values).All(pair => TemplateOperators.AreEqual(pair.First, pair.Second));
        lastSeen = values;
        return !same;
    }
}
