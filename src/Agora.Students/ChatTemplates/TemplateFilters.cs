using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace Agora.Students.ChatTemplates;

/// <summary>Jinja's filters, those that make sense in a chat template.</summary>
internal static partial class TemplateFilters
{
    private static readonly Dictionary<string, Func<object?, TemplateCall, object?>> Filters = new(StringComparer.Ordinal)
    {
        // text
        ["trim"] = (value, call) => TemplateMethods.Strip(Text(value, call), call.Bind("chars").TextOrNone(0), left: true, right: true),
        ["upper"] = (value, call) => Text(value, call).ToUpperInvariant(),
        ["lower"] = (value, call) => Text(value, call).ToLowerInvariant(),
        ["capitalize"] = (value, call) => TemplateMethods.Capitalize(Text(value, call)),
        ["title"] = (value, call) => WordStart().Replace(Text(value, call).ToLowerInvariant(), match => match.Value.ToUpperInvariant()),
        ["string"] = (value, call) => Text(value, call),
        ["safe"] = (value, call) => Text(value, call),
        ["escape"] = (value, call) => Escape(Text(value, call)),
        ["e"] = (value, call) => Escape(Text(value, call)),
        ["replace"] = (value, call) => call.Bind("old", "new", "count") is var bound
            ? TemplateMethods.Replace(Text(value, call), Text(bound.Value(0), call), Text(bound.Value(1), call), bound.Value(2, null) is null ? -1 : bound.Whole(2, -1), call.Line) : null,
        ["indent"] = Indent,
        ["wordcount"] = (value, call) => (long)Words().Count(Text(value, call)),
        ["format"] = (value, call) => PrintfFormat.Apply(Text(value, call), call.Positional, call.Line),
        ["tojson"] = ToJson,
        // numbers
        ["int"] = ToInteger,
        ["float"] = ToFloat,
        ["abs"] = (value, call) => value is long or bool ? (object)Math.Abs(TemplateOperators.Integer(value)) : Math.Abs(Number(value, call)),
        ["round"] = (value, call) => Round(value, call),
        // any value
        ["default"] = Default,
        ["d"] = Default,
        ["attr"] = (value, call) => TemplateInterpreter.Index(value, call.Bind("name").Text(0), call.Line),
        // collections
        ["length"] = (value, call) => Length(value, call),
        ["count"] = (value, call) => Length(value, call),
        ["first"] = (value, call) => Items(value, call) is [var first, ..] ? first : new Undefined("the first item of nothing"),
        ["last"] = (value, call) => Items(value, call) is [.., var last] ? last : new Undefined("the last item of nothing"),
        ["list"] = (value, call) => new TemplateList(Items(value, call)),
        ["items"] = (value, call) => value switch
        {
            TemplateDict dict => TemplateMethods.Items(dict),
            Undefined => new TemplateList([]),
            _ => throw call.Fault($"needs a mapping, got {TemplateValues.Kind(value)}"),
        },
        ["join"] = Join,
        ["reverse"] = (value, call) => value is string text ? string.Concat(PythonText.Points(text).AsEnumerable().Reverse()) : new TemplateList([.. Items(value, call).Reverse()]),
        ["sort"] = Sort,
        ["dictsort"] = SortDict,
        ["unique"] = Unique,
        ["min"] = (value, call) => Extreme(value, call, sign: 1),
        ["max"] = (value, call) => Extreme(value, call, sign: -1),
        ["sum"] = Sum,
        ["map"] = Map,
        ["select"] = (value, call) => Select(value, call, byAttribute: false, wanted: true),
        ["reject"] = (value, call) => Select(value, call, byAttribute: false, wanted: false),
        ["selectattr"] = (value, call) => Select(value, call, byAttribute: true, wanted: true),
        ["rejectattr"] = (value, call) => Select(value, call, byAttribute: true, wanted: false),
        ["groupby"] = GroupBy,
        ["batch"] = Batch,
    };

    public static bool TryGet(string name, [NotNullWhen(true)] out Func<object?, TemplateCall, object?>? filter) => Filters.TryGetValue(name, out filter);

    private static string Text(object? value, TemplateCall call) => PythonText.Of(value, call.Line);

    private static IReadOnlyList<object?> Items(object? value, TemplateCall call) => TemplateIteration.Items(value, call.Line);

    private static double Number(object? value, TemplateCall call) =>
        TemplateOperators.IsNumber(value) ? TemplateOperators.Float(value!) : throw call.Fault($"needs a number, got {TemplateValues.Kind(value)}");

    private static object? Default(object? value, TemplateCall call)
    {
        var bound = call.Bind("default_value", "boolean");
        return value is Undefined || (bound.Flag(1) && !TemplateOperators.IsTrue(value)) ? bound.Value(0, "") : value;
    }

    private static long Length(object? value, TemplateCall call) => value switch
    {
        string text => PythonText.Length(text),
        TemplateList list => list.Count,
        TemplateDict dict => dict.Count,
        Undefined => 0L,
        _ => throw call.Fault($"cannot measure {TemplateValues.Kind(value)}"),
    };

    private static string Escape(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal)
        .Replace("'", "&#39;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal);

    private static object Indent(object? value, TemplateCall call)
    {
        var bound = call.Bind("width", "first", "blank");
        var margin = bound.Value(0, 4L) as string ?? Spaces(bound.Whole(0, 4), call);
        var lines = TemplateMethods.Lines(Text(value, call) + "\n", keepEnds: false);
        var indented = lines.Select((line, index) => index > 0 && (line.Length > 0 || bound.Flag(2)) ? margin + line : line);
        return (bound.Flag(1) ? margin : "") + string.Join('\n', indented);
    }

    private static string Spaces(int count, TemplateCall call)
    {
        TemplateBudget.CheckLength(count, call.Line);
        return new string(' ', Math.Max(0, count));
    }

    private static string ToJson(object? value, TemplateCall call)
    {
        var bound = call.Bind("indent", "ensure_ascii", "separators", "sort_keys");
        var indent = bound.Value(0, null) switch
        {
            null => null,
            string margin => margin,
            _ => Spaces(bound.Whole(0, 0), call),
        };
        var (between, after) = bound.Value(2, null) switch
        {
            null => (indent is null ? ", " : ",", ": "),
            TemplateList { Count: 2 } pair when pair[0] is string item && pair[1] is string key => (item, key),
            _ => throw call.Fault("needs two strings as separators"),
        };
        return PythonText.Json(value, new JsonStyle(indent, between, after, SortsKeys: bound.Flag(3), EscapesNonAscii: bound.Flag(1)), call.Line);
    }

    private static object? ToInteger(object? value, TemplateCall call)
    {
        var bound = call.Bind("default", "base");
        return value switch
        {
            long or BigInteger => value,
            bool flag => flag ? 1L : 0L,
            double number when Math.Abs(number) < 9e18 => (long)number,
            string text when bound.Whole(1, 10) == 10 && long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var whole) => whole,
            string text when bound.Whole(1, 10) == 16 && long.TryParse(text.Replace("0x", "", StringComparison.OrdinalIgnoreCase), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var whole) => whole,
            string text when bound.Whole(1, 10) == 10 && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && Math.Abs(number) < 9e18 => (long)number,
            _ => bound.Value(0, 0L),
        };
    }

    private static object? ToFloat(object? value, TemplateCall call)
    {
        var bound = call.Bind("default");
        if (TemplateOperators.IsNumber(value))
            return TemplateOperators.Float(value!);
        return value is string text && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : bound.Value(0, 0.0);
    }

    private static double Round(object? value, TemplateCall call)
    {
        var bound = call.Bind("precision", "method");
        var precision = Math.Clamp(bound.Whole(0, 0), 0, 15);
        var number = Number(value, call);
        var factor = Math.Pow(10, precision);
        return bound.Text(1, "common") switch
        {
            "common" => Math.Round(number, precision, MidpointRounding.ToEven),
            "ceil" => Math.Ceiling(number * factor) / factor,
            "floor" => Math.Floor(number * factor) / factor,
            var other => throw call.Fault($"does not know the method {other}"),
        };
    }

    /// <summary>The value of "a.b.0" in an item; the item itself where there is no path.</summary>
    private static object? At(object? item, object? path, TemplateCall call) => path switch
    {
        null => item,
        string text => text.Split('.').Aggregate(item, (value, part) =>
            TemplateInterpreter.Index(value, long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : part, call.Line)),
        _ => TemplateInterpreter.Index(item, path, call.Line),
    };

    /// <summary>What sorting looks at: letters of either case are equal unless told otherwise.</summary>
    private static object? SortKey(object? value, bool caseSensitive) => value is string text && !caseSensitive ? text.ToLowerInvariant() : value;

    private static Comparer<object?> Order(TemplateCall call) => Comparer<object?>.Create((left, right) => TemplateOperators.Compare(left, right, call.Line));

    private static string Join(object? value, TemplateCall call)
    {
        var bound = call.Bind("d", "attribute");
        return string.Join(Text(bound.Value(0, ""), call), Items(value, call).Select(item => Text(At(item, bound.Value(1, null), call), call)));
    }

    private static TemplateList Sort(object? value, TemplateCall call)
    {
        var bound = call.Bind("reverse", "case_sensitive", "attribute");
        object? Key(object? item) => SortKey(At(item, bound.Value(2, null), call), bound.Flag(1));
        return new TemplateList([.. Ordered(Items(value, call), Key, bound.Flag(0), call)]);
    }

    /// <summary>Stable in both directions, as Python's sort is.</summary>
    private static IEnumerable<T> Ordered<T>(IEnumerable<T> items, Func<T, object?> key, bool reverse, TemplateCall call) =>
        reverse ? items.OrderByDescending(key, Order(call)) : items.OrderBy(key, Order(call));

    private static TemplateList SortDict(object? value, TemplateCall call)
    {
        var bound = call.Bind("case_sensitive", "by", "reverse");
        var dict = value as TemplateDict ?? throw call.Fault($"needs a mapping, got {TemplateValues.Kind(value)}");
        var place = bound.Text(1, "key") switch { "key" => 0, "value" => 1, var other => throw call.Fault($"cannot sort by {other}") };
        return new TemplateList([.. Ordered(TemplateMethods.Items(dict), item => SortKey(((TemplateList)item!)[place], bound.Flag(0)), bound.Flag(2), call)]);
    }

    private static TemplateList Unique(object? value, TemplateCall call)
    {
        var bound = call.Bind("case_sensitive", "attribute");
        var seen = new List<object?>();
        var kept = new List<object?>();
        foreach (var item in Items(value, call))
        {
            var key = SortKey(At(item, bound.Value(1, null), call), bound.Flag(0));
            // Every comparison counts: a long list of distinct items takes n² of them.
            call.Interpreter.Made(new TemplateList(seen), call.Line);
            if (seen.Any(other => TemplateOperators.AreEqual(other, key)))
                continue;
            seen.Add(key);
            kept.Add(item);
        }
        return new TemplateList(kept);
    }

    private static object? Extreme(object? value, TemplateCall call, int sign)
    {
        var bound = call.Bind("case_sensitive", "attribute");
        object? Key(object? item) => SortKey(At(item, bound.Value(1, null), call), bound.Flag(0));
        var items = Items(value, call);
        return items.Count == 0
            ? new Undefined("the extreme of nothing")
            : items.Aggregate((best, item) => sign * TemplateOperators.Compare(Key(item), Key(best), call.Line) < 0 ? item : best);
    }

    private static object? Sum(object? value, TemplateCall call)
    {
        var bound = call.Bind("attribute", "start");
        return Items(value, call).Aggregate(bound.Value(1, 0L), (sum, item) => TemplateOperators.Apply("+", sum, At(item, bound.Value(0, null), call), call.Line));
    }

    private static TemplateList Map(object? value, TemplateCall call)
    {
        if (call.Positional is [string filter, ..])
            return new TemplateList([.. Items(value, call).Select(item => call.Interpreter.Filter(filter, item, call.Skip($"the filter {filter}", 1)))]);
        var bound = call.Bind("attribute", "default");
        return new TemplateList([.. Items(value, call).Select(item => At(item, bound.Value(0), call) is var found && found is Undefined && bound.Has(1) ? bound.Value(1) : found)]);
    }

    private static TemplateList Select(object? value, TemplateCall call, bool byAttribute, bool wanted)
    {
        var attribute = byAttribute ? call.Positional is [var first, ..] ? first : throw call.Fault("needs an attribute's name") : null;
        var rest = call.Skip(call.Name, byAttribute ? 1 : 0);
        bool Holds(object? item)
        {
            var seen = byAttribute ? At(item, attribute, call) : item;
            if (rest.Positional is not [var test, ..])
                return TemplateOperators.IsTrue(seen);
            var name = test as string ?? throw call.Fault("needs a test's name");
            return TemplateInterpreter.Test(name, seen, rest.Skip($"the test {name}", 1));
        }
        return new TemplateList([.. Items(value, call).Where(item => Holds(item) == wanted)]);
    }

    private static TemplateList GroupBy(object? value, TemplateCall call)
    {
        var bound = call.Bind("attribute", "default", "case_sensitive");
        object? Key(object? item) => At(item, bound.Value(0), call) is var found && found is Undefined && bound.Has(1) ? bound.Value(1) : found;
        var groups = new List<(object? Key, List<object?> Items)>();
        foreach (var item in Ordered(Items(value, call), item => SortKey(Key(item), bound.Flag(2)), reverse: false, call))
            if (groups.Count > 0 && TemplateOperators.AreEqual(SortKey(groups[^1].Key, bound.Flag(2)), SortKey(Key(item), bound.Flag(2))))
                groups[^1].Items.Add(item);
            else
                groups.Add((Key(item), [item]));
        return new TemplateList([.. groups.Select(group => new TemplateList([group.Key, new TemplateList(group.Items)], isTuple: true))]);
    }

    private static TemplateList Batch(object? value, TemplateCall call)
    {
        var bound = call.Bind("linecount", "fill_with");
        var size = Math.Max(1, bound.Whole(0, 1));
        var rows = Items(value, call).Chunk(size).Select(row => row.ToList()).ToList();
        if (rows.Count > 0 && bound.Value(1, null) is { } fill)
        {
            TemplateBudget.CheckLength(size, call.Line);
            while (rows[^1].Count < size)
                rows[^1].Add(fill);
        }
        return new TemplateList([.. rows.Select(row => new TemplateList(row))]);
    }

    // Jinja begins a word at the start and after - ( { [ < and white space.
    [GeneratedRegex(@"(?<=^|[-\s({\[<])[^-\s({\[<]")]
    private static partial Regex WordStart();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Words();
}
