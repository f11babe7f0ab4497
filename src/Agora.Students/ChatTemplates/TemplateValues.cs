using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Text.Json;

namespace Agora.Students.ChatTemplates;

/// <summary>
/// The values of a template: null (Python's None), bool, long, BigInteger (only for what a long cannot hold), double, string, <see cref="TemplateList"/>,
/// <see cref="TemplateDict"/>, <see cref="TemplateNamespace"/>, <see cref="TemplateFunction"/>, <see cref="TemplateLoop"/> and <see cref="Undefined"/>.
/// </summary>
internal static class TemplateValues
{
    public static object Shorten(BigInteger value) => value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value;

    /// <summary>Order of keys is kept; 2 becomes an integer and 2.0 a float, as in Python.</summary>
    public static object? FromJson(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => new TemplateDict(json.EnumerateObject().Select(member => KeyValuePair.Create((object?)member.Name, FromJson(member.Value)))),
        JsonValueKind.Array => new TemplateList([.. json.EnumerateArray().Select(FromJson)]),
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number when json.TryGetInt64(out var integer) => integer,
        JsonValueKind.Number when BigInteger.TryParse(json.GetRawText(), out var large) => large,
        JsonValueKind.Number => json.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    /// <summary>The name of the value's type, for messages.</summary>
    public static string Kind(object? value) => value switch
    {
        null => "none",
        bool => "a boolean",
        long or BigInteger => "an integer",
        double => "a float",
        string => "a string",
        TemplateList { IsTuple: true } => "a tuple",
        TemplateList => "a list",
        TemplateDict => "a mapping",
        TemplateNamespace => "a namespace",
        TemplateFunction function => $"the function {function.Name}",
        TemplateLoop => "loop",
        Undefined undefined => undefined.ToString(),
        _ => value.GetType().Name,
    };
}

/// <summary>What a name without a value gives: prints as nothing, is false and empty; anything else done with it is a fault.</summary>
internal sealed record Undefined(string Name)
{
    public bool Equals(Undefined? other) => other is not null;     // Jinja: all undefined values are equal
    public override int GetHashCode() => 0;
    public override string ToString() => $"{Name}, which is undefined,";
}

internal sealed class TemplateList(IReadOnlyList<object?> items, bool isTuple = false) : IReadOnlyList<object?>
{
    public bool IsTuple { get; } = isTuple;
    public int Count => items.Count;
    public object? this[int index] => items[index];
    public IEnumerator<object?> GetEnumerator() => items.GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>A mapping in the order in which its keys were given.</summary>
internal sealed class TemplateDict : IEnumerable<KeyValuePair<object?, object?>>
{
    private readonly List<KeyValuePair<object?, object?>> entries = [];
    private readonly Dictionary<(bool IsNone, object Key), int> places = [];

    public TemplateDict(IEnumerable<KeyValuePair<object?, object?>> items)
    {
        foreach (var item in items)
        {
            var key = KeyOf(item.Key);
            if (places.TryGetValue(key, out var place))
                entries[place] = KeyValuePair.Create(entries[place].Key, item.Value);
            else
            {
                places[key] = entries.Count;
                entries.Add(item);
            }
        }
    }

    public int Count => entries.Count;

    public IEnumerable<object?> Keys => entries.Select(entry => entry.Key);

    public bool TryGet(object? key, [MaybeNullWhen(true)] out object? value)
    {
        var found = places.TryGetValue(KeyOf(key), out var place);
        value = found ? entries[place].Value : null;
        return found;
    }

    public IEnumerator<KeyValuePair<object?, object?>> GetEnumerator() => entries.GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    // In Python 1, 1.0 and True are one key.
    private static (bool, object) KeyOf(object? key) => key switch
    {
        null => (true, ""),
        true => (false, 1L),
        false => (false, 0L),
        double number when number == Math.Floor(number) && Math.Abs(number) < 9e15 => (false, (long)number),
        _ => (false, key),
    };
}

/// <summary>The one kind of value that a template may change: namespace(a=1), then {% set ns.a = 2 %}.</summary>
internal sealed class TemplateNamespace
{
    public Dictionary<string, object?> Members { get; } = new(StringComparer.Ordinal);
}

internal sealed record TemplateFunction(string Name, Func<TemplateCall, object?> Body);

/// <summary>The variable "loop" inside a {% for %}.</summary>
internal sealed class TemplateLoop(IReadOnlyList<object?> items)
{
    private object?[]? lastSeen;

    public int Index0 { get; set; }

    public object? Member(string name, Func<object?, object?, bool> areEqual) => name switch
    {
        "index" => (long)Index0 + 1,
        "index0" => (long)Index0,
        "revindex" => (long)items.Count - Index0,
        "revindex0" => (long)items.Count - Index0 - 1,
        "first" => Index0 == 0,
        "last" => Index0 == items.Count - 1,
        "length" => (long)items.Count,
        "depth" => 1L,          // of recursion, not of nesting
        "depth0" => 0L,
        "previtem" => Index0 > 0 ? items[Index0 - 1] : new Undefined("there is no previous item"),
        "nextitem" => Index0 + 1 < items.Count ? items[Index0 + 1] : new Undefined("there is no next item"),
        "cycle" => new TemplateFunction("loop.cycle", call => call.Positional.Count > 0 ? call.Positional[Index0 % call.Positional.Count] : throw call.Fault("has nothing to cycle through")),
        "changed" => new TemplateFunction("loop.changed", call => Changed([.. call.Positional], areEqual)),
        _ => new Undefined($"loop.{name}"),
    };

    private bool Changed(object?[] values, Func<object?, object?, bool> areEqual)
    {
        var same = lastSeen is not null && lastSeen.Length == values.Length && lastSeen.Zip(values).All(pair => areEqual(pair.First, pair.Second));
        lastSeen = values;
        return !same;
    }
}
