using System.Numerics;
using System.Text.Json;

namespace Agora.Students.ChatTemplates;

/// <summary>
/// The values of a template: null (Python's None), bool, long, BigInteger (only for what a long cannot hold), double, string, <see cref="TemplateList"/>,
/// <see cref="TemplateDict"/>, <see cref="TemplateGenerator"/>, <see cref="TemplateNamespace"/>, <see cref="TemplateFunction"/>, <see cref="TemplateLoop"/> and <see cref="Undefined"/>.
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
        string or TemplateMarkup => "a string",
        TemplateList list => list.Kind switch
        {
            SequenceKind.List => "a list",
            SequenceKind.Tuple => "a tuple",
            SequenceKind.Range => "a range",
            _ => $"a mapping's {list.Kind.ToString().ToLowerInvariant()}",
        },
        TemplateGenerator generator => $"what the filter {generator.Filter} has yet to make (write |list after it)",
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

/// <summary>The one kind of value that a template may change: namespace(a=1), then {% set ns.a = 2 %}.</summary>
internal sealed class TemplateNamespace
{
    public Dictionary<string, object?> Members { get; } = new(StringComparer.Ordinal);
}

/// <param name="Parameters">Of a macro, whose names a template may ask for; null for other functions.</param>
internal sealed record TemplateFunction(string Name, Func<TemplateCall, object?> Body, MacroSignature? Parameters = null);
