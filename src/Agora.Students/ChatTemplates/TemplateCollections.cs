using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Agora.Students.ChatTemplates;

/// <summary>What Python has as separate types; they are written, compared and added differently.</summary>
internal enum SequenceKind { List, Tuple, Range, Keys, Values, Items }

/// <param name="fields">Names of the items, for the pairs of groupby.</param>
internal sealed class TemplateList(IReadOnlyList<object?> items, SequenceKind kind = SequenceKind.List, IReadOnlyList<string>? fields = null) : IReadOnlyList<object?>
{
    private readonly IReadOnlyList<object?> items = items;
    private (long Start, long Stop, long Step)? bounds;

    public SequenceKind Kind { get; } = kind;
    public bool IsTuple => Kind == SequenceKind.Tuple;
    /// <summary>A view of a mapping has a length, but no places.</summary>
    public bool IsView => Kind is SequenceKind.Keys or SequenceKind.Values or SequenceKind.Items;
    public IReadOnlyList<string> Fields { get; } = fields ?? [];
    /// <summary>Of a range, which its numbers do not tell.</summary>
    public string? Written => bounds is not { } range ? null : range.Step == 1 ? $"range({range.Start}, {range.Stop})" : $"range({range.Start}, {range.Stop}, {range.Step})";
    public Extent Extent { get; } = Extent.Of(items);
    public int Count => items.Count;
    public object? this[int index] => items[index];
    public IEnumerator<object?> GetEnumerator() => items.GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <param name="count">Of the numbers from start up to stop, which is not among them.</param>
    public static TemplateList Range(long start, long stop, long step, int count) =>
        new([.. Enumerable.Range(0, count).Select(index => (object?)(start + index * step))], SequenceKind.Range) { bounds = (start, stop, step) };

    /// <summary>list[start:stop:step] as in Python: of a range another range, else a sequence of the same kind.</summary>
    public TemplateList Slice(long? start, long? stop, long step)
    {
        var (from, to) = TemplateIteration.Bounds(Count, start, stop, step);
        var part = new TemplateList([.. TemplateIteration.Slice(this, start, stop, step)], Kind);
        if (bounds is { } range)
            part.bounds = (range.Start + from * range.Step, range.Start + to * range.Step, range.Step * step);
        return part;
    }

    public static TemplateList Tuple(params IReadOnlyList<object?> items) => new(items, SequenceKind.Tuple);
}

/// <summary>A mapping in the order in which its keys were given.</summary>
internal sealed class TemplateDict : IEnumerable<KeyValuePair<object?, object?>>
{
    private readonly List<KeyValuePair<object?, object?>> entries = [];
    private readonly Dictionary<TemplateKey, int> places = [];

    public TemplateDict(IEnumerable<KeyValuePair<object?, object?>> items)
    {
        foreach (var item in items)
        {
            var key = new TemplateKey(item.Key);
            if (places.TryGetValue(key, out var place))
                entries[place] = KeyValuePair.Create(entries[place].Key, item.Value);
            else
            {
                places[key] = entries.Count;
                entries.Add(item);
            }
        }
        Extent = Extent.Of(entries.SelectMany(entry => new[] { entry.Key, entry.Value }));
    }

    public Extent Extent { get; }

    public int Count => entries.Count;

    public IEnumerable<object?> Keys => entries.Select(entry => entry.Key);

    public bool TryGet(object? key, [MaybeNullWhen(true)] out object? value)
    {
        var found = places.TryGetValue(new TemplateKey(key), out var place);
        value = found ? entries[place].Value : null;
        return found;
    }

    public IEnumerator<KeyValuePair<object?, object?>> GetEnumerator() => entries.GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>A value as the key of a mapping or the member of a set: in Python 1, 1.0 and True are one key, and tuples are equal by their items.</summary>
internal readonly struct TemplateKey(object? value) : IEquatable<TemplateKey>
{
    private readonly object? value = TemplateMarkup.Plain(value);

    /// <summary>Lists, mappings and what a filter has yet to make cannot be keys, as in Python.</summary>
    public static bool Allows(object? value) => value switch
    {
        TemplateList { IsTuple: true } tuple => tuple.All(Allows),
        TemplateList or TemplateDict or TemplateGenerator => false,
        _ => true,
    };

    public bool Equals(TemplateKey other) => TemplateOperators.AreEqual(value, other.value);

    public override bool Equals(object? obj) => obj is TemplateKey other && Equals(other);

    public override int GetHashCode() => value switch
    {
        null => 0,
        string text => text.GetHashCode(StringComparison.Ordinal),
        _ when TemplateOperators.IsNumber(value) => TemplateOperators.Float(value).GetHashCode(),
        TemplateList { IsTuple: true } tuple => tuple.Aggregate(7, (hash, item) => HashCode.Combine(hash, new TemplateKey(item).GetHashCode())),
        Undefined => 1,
        _ => value.GetHashCode(),
    };
}

/// <summary>How much there is to go through in a value and all that it holds, and how deep it nests.</summary>
/// <remarks>A list that holds another one twice is soon larger than any memory when written out, though it takes none itself; one inside of one inside of one overflows the stack.</remarks>
/// <param name="Size">Values in it, itself included, with characters counted in <see cref="CharactersPerValue"/>s; a part that is there twice counts twice.</param>
internal readonly record struct Extent(double Size, int Depth)
{
    public const int Deepest = 100;
    private const int CharactersPerValue = 8;

    public static Extent Of(object? value) => value switch
    {
        string text => new(1 + text.Length / CharactersPerValue, 0),
        TemplateMarkup markup => Of(markup.Text),
        TemplateList list => list.Extent,
        TemplateDict dict => dict.Extent,
        TemplateGenerator generator => new(1, generator.Depth),
        _ => new(1, 0),
    };

    public static Extent Of(IEnumerable<object?> parts)
    {
        var (size, depth) = (1.0, 0);
        foreach (var part in parts)
        {
            var extent = Of(part);
            size += extent.Size;
            depth = Math.Max(depth, extent.Depth);
        }
        return new(size, depth + 1);
    }
}
