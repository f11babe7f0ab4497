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
        ["upper"] = (value, call) => PythonCase.Upper(Text(value, call)),
        ["lower"] = (value, call) => PythonCase.Lower(Text(value, call)),
        ["capitalize"] = (value, call) => PythonCase.Capitalize(Text(value, call)),
        ["title"] = (value, call) => Word().Replace(Text(value, call), match => PythonText.Points(match.Value) is var points ? PythonCase.Upper(points[0]) + PythonCase.Lower(string.Concat(points.Skip(1))) : ""),
        ["string"] = (value, call) => Text(value, call),
        ["safe"] = (value, call) => new TemplateMarkup(Text(value, call)),
        ["escape"] = (value, call) => TemplateMarkup.Escaped(value, call.Line),
        ["e"] = (value, call) => TemplateMarkup.Escaped(value, call.Line),
        ["forceescape"] = (value, call) => new TemplateMarkup(TemplateMarkup.Escape(Text(value, call))),
        ["striptags"] = (value, call) => TextLayout.StripTags(Text(value, call)),
        ["center"] = (value, call) => TemplateMethods.Center(Text(value, call), call, call.Bind("width"), " "),
        ["truncate"] = (value, call) => value is string text ? TextLayout.Truncate(text, call) : throw call.Fault($"does not support {TemplateValues.Kind(value)}"),
        ["wordwrap"] = (value, call) => TextLayout.Wrap(Text(value, call), call),
        ["filesizeformat"] = (value, call) => TextLayout.FileSize(value is string written && PythonText.TryFloat(written, out var size) ? size : Number(value, call), call.Bind("binary").Flag(0), call.Line),
        ["urlencode"] = (value, call) => TextLayout.UrlEncode(value, call),
        ["xmlattr"] = XmlAttributes,
        ["replace"] = (value, call) => call.Bind("old", "new", "count") is var bound
            ? TemplateMethods.Replace(Text(value, call), Text(bound.Value(0), call), Text(bound.Value(1), call), bound.Value(2, null) is null ? -1 : bound.Whole(2, -1), call.Line) : null,
        ["indent"] = Indent,
        ["wordcount"] = (value, call) => (long)Words().Count(Text(value, call)),
        ["format"] = Format,
        ["tojson"] = ToJson,
        // numbers
        ["int"] = ToInteger,
        ["float"] = ToFloat,
        ["abs"] = (value, call) => value is long or bool or BigInteger ? TemplateValues.Shorten(BigInteger.Abs(TemplateOperators.Large(value))) : Math.Abs(Number(value, call)),
        ["round"] = (value, call) => Round(value, call),
        // any value
        ["default"] = Default,
        ["d"] = Default,
        ["attr"] = (value, call) => call.Bind("name").Text(0) is var name ? TemplateInterpreter.MemberOnly(value, name, call.Line) ?? new Undefined($"{name} of {TemplateValues.Kind(value)}") : null,
        // collections
        ["length"] = (value, call) => Length(value, call),
        ["count"] = (value, call) => Length(value, call),
        ["first"] = (value, call) => Items(value, call) is [var first, ..] ? first : new Undefined("the first item of nothing"),
        ["last"] = (value, call) => Items(value, call) is [.., var last] ? last : new Undefined("the last item of nothing"),
        ["list"] = (value, call) => new TemplateList(Items(value, call)),
        ["items"] = (value, call) => new TemplateGenerator("items", value, Entries(value, call)),
        ["join"] = Join,
        ["reverse"] = Reverse,
        ["sort"] = Sort,
        ["dictsort"] = SortDict,
        ["unique"] = (value, call) => new TemplateGenerator("unique", value, Unique(value, call)),
        ["min"] = (value, call) => Extreme(value, call, sign: 1),
        ["max"] = (value, call) => Extreme(value, call, sign: -1),
        ["sum"] = Sum,
        ["map"] = (value, call) => new TemplateGenerator("map", value, Map(value, call)),
        ["select"] = (value, call) => Select(value, call, byAttribute: false, wanted: true),
        ["reject"] = (value, call) => Select(value, call, byAttribute: false, wanted: false),
        ["selectattr"] = (value, call) => Select(value, call, byAttribute: true, wanted: true),
        ["rejectattr"] = (value, call) => Select(value, call, byAttribute: true, wanted: false),
        ["groupby"] = GroupBy,
        ["batch"] = (value, call) => new TemplateGenerator("batch", value, Batches(value, call)),
        ["slice"] = (value, call) => new TemplateGenerator("slice", value, Slices(value, call)),
    };

    public static bool TryGet(string name, [NotNullWhen(true)] out Func<object?, TemplateCall, object?>? filter) => Filters.TryGetValue(name, out filter);

    /// <summary>Whether the filter writes out, compares or copies all that a value holds.</summary>
    public static bool WritesOut(string name) => name is not ("first" or "last" or "length" or "count" or "default" or "d" or "attr" or "items" or "list"
        or "map" or "select" or "reject" or "selectattr" or "rejectattr" or "batch" or "slice" or "unique" or "reverse");

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
        TemplateNamespace space => space.Members.Count,
        Undefined => 0L,
        _ => throw call.Fault($"cannot measure {TemplateValues.Kind(value)}"),
    };

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
            double number when double.IsFinite(number) => TemplateValues.Shorten(new BigInteger(number)),
            string text when PythonText.TryInteger(text, bound.Whole(1, 10), out var whole) => TemplateValues.Shorten(whole),
            string text when PythonText.TryFloat(text, out var number) && double.IsFinite(number) => TemplateValues.Shorten(new BigInteger(number)),
            _ => bound.Value(0, 0L),
        };
    }

    private static object? ToFloat(object? value, TemplateCall call)
    {
        var bound = call.Bind("default");
        if (TemplateOperators.IsNumber(value))
            return TemplateOperators.Float(value!);
        return value is string text && PythonText.TryFloat(text, out var number) ? number : bound.Value(0, 0.0);
    }

    private static object Round(object? value, TemplateCall call)
    {
        var bound = call.Bind("precision", "method");
        var precision = Math.Clamp(bound.Whole(0, 0), -400, 400);
        var number = Number(value, call);
        var factor = Math.Pow(10, precision);
        return bound.Text(1, "common") switch
        {
            "common" when value is not double && precision >= 0 => TemplateValues.Shorten(TemplateOperators.Large(value!)),
            "common" when value is not double => TemplateValues.Shorten(new BigInteger(DecimalDigits.Round(number, precision))),
            "common" => double.IsFinite(number) ? DecimalDigits.Round(number, precision) : number,
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
    private static object? SortKey(object? value, bool caseSensitive) => TemplateMarkup.Plain(value) is string text && !caseSensitive ? PythonCase.Lower(text) : value;

    private static Comparer<object?> Order(TemplateCall call) => Comparer<object?>.Create((left, right) =>
    {
        call.Interpreter.Budget.Step(call.Line);
        return TemplateOperators.Compare(left, right, call.Line);
    });

    private static string Join(object? value, TemplateCall call)
    {
        var bound = call.Bind("d", "attribute");
        return string.Join(Text(bound.Value(0, ""), call), Items(value, call).Select(item => Text(At(item, bound.Value(1, null), call), call)));
    }

    private static TemplateList Sort(object? value, TemplateCall call)
    {
        var bound = call.Bind("reverse", "case_sensitive", "attribute");
        // Always a tuple, as in Jinja: so equal values are in order even where they cannot be compared.
        IEnumerable<object?> paths = bound.Value(2, null) is string several ? several.Split(',') : [bound.Value(2, null)];
        object Key(object? item) => TemplateList.Tuple([.. paths.Select(path => SortKey(At(item, path, call), bound.Flag(1)))]);
        return new TemplateList([.. Ordered(Items(value, call), Key, bound.Flag(0), call)]);
    }

    /// <summary>Stable in both directions, as Python's sort is.</summary>
    private static List<T> Ordered<T>(IEnumerable<T> items, Func<T, object?> key, bool reverse, TemplateCall call)
    {
        try
        {
            return [.. reverse ? items.OrderByDescending(key, Order(call)) : items.OrderBy(key, Order(call))];
        }
        catch (InvalidOperationException exception) when (exception.InnerException is TemplateFault fault)
        {
            throw new TemplateFault(fault.Message, fault.Line);     // .NET wraps what a comparison throws
        }
    }

    private static TemplateList SortDict(object? value, TemplateCall call)
    {
        var bound = call.Bind("case_sensitive", "by", "reverse");
        var dict = value as TemplateDict ?? throw call.Fault($"needs a mapping, got {TemplateValues.Kind(value)}");
        var place = bound.Text(1, "key") switch { "key" => 0, "value" => 1, var other => throw call.Fault($"cannot sort by {other}") };
        return new TemplateList([.. Ordered(TemplateMethods.Items(dict, SequenceKind.Items), item => SortKey(((TemplateList)item!)[place], bound.Flag(0)), bound.Flag(2), call)]);
    }

    private static IEnumerable<object?> Unique(object? value, TemplateCall call)
    {
        var bound = call.Bind("case_sensitive", "attribute");
        var seen = new HashSet<TemplateKey>();
        foreach (var item in Lazily(value, call))
        {
            var key = SortKey(At(item, bound.Value(1, null), call), bound.Flag(0));
            if (!TemplateKey.Allows(key))
                throw call.Fault($"cannot tell which of the items is the same as another: {TemplateValues.Kind(key)} is among them");
            if (seen.Add(new TemplateKey(key)))
                yield return item;
        }
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
        return Items(value, call).Aggregate(bound.Value(1, 0L), (sum, item) => call.Interpreter.Made(TemplateOperators.Apply("+", sum, At(item, bound.Value(0, null), call), call.Line), call.Line));
    }

    /// <summary>The items as they are asked for; none of what is false, like Jinja's own loops over what may be none.</summary>
    private static IEnumerable<object?> Lazily(object? value, TemplateCall call)
    {
        IEnumerable<object?> items = value as TemplateGenerator ?? (IEnumerable<object?>)Items(value, call);
        foreach (var item in items)
        {
            call.Interpreter.Budget.Step(call.Line);
            yield return item;
        }
    }

    private static IEnumerable<object?> Entries(object? value, TemplateCall call) => value switch
    {
        TemplateDict dict => TemplateMethods.Items(dict, SequenceKind.Items),
        Undefined => [],
        // Shows when somebody asks for the items.
        _ => new[] { value }.Select<object?, object?>(_ => throw call.Fault($"needs a mapping, got {TemplateValues.Kind(value)}")),
    };

    private static IEnumerable<object?> Map(object? value, TemplateCall call)
    {
        if (!TemplateOperators.IsTrue(value))
            yield break;
        var filter = call.Positional is [string name, ..] ? name : null;
        var rest = filter is null ? call : call.Skip($"the filter {filter}", 1);
        var bound = filter is null ? call.Bind("attribute", "default") : null;
        foreach (var item in Lazily(value, call))
            yield return bound is null ? call.Interpreter.Filter(filter!, item, rest)
                : At(item, bound.Value(0), call) is var found && found is Undefined && bound.Value(1, null) is { } absent ? absent : found;
    }

    private static TemplateGenerator Select(object? value, TemplateCall call, bool byAttribute, bool wanted)
    {
        return new TemplateGenerator(call.Name, value, TemplateOperators.IsTrue(value) ? Those() : []);

        IEnumerable<object?> Those()
        {
            var attribute = byAttribute ? call.Positional is [var first, ..] ? first : throw call.Fault("needs an attribute's name") : null;
            var rest = call.Skip(call.Name, byAttribute ? 1 : 0);
            var test = rest.Positional is [var second, ..] ? second as string ?? throw call.Fault("needs a test's name") : null;
            var arguments = test is null ? rest : rest.Skip($"the test {test}", 1);
            foreach (var item in Lazily(value, call))
            {
                var seen = byAttribute ? At(item, attribute, call) : item;
                if ((test is null ? TemplateOperators.IsTrue(seen) : TemplateInterpreter.Test(test, seen, arguments)) == wanted)
                    yield return item;
            }
        }
    }

    private static object Reverse(object? value, TemplateCall call) => value switch
    {
        string text => string.Concat(PythonText.Points(text).AsEnumerable().Reverse()),
        // reversed() of what has places, a list of what has none.
        TemplateList or TemplateDict or Undefined => new TemplateGenerator("reverse", value, [.. Items(value, call).Reverse()]),
        _ => new TemplateList([.. Items(value, call).Reverse()]),
    };

    private static string Format(object? value, TemplateCall call)
    {
        if (call.Positional.Count > 0 && call.Named.Count > 0)
            throw call.Fault("takes values or named values, not both");
        return PrintfFormat.Apply(Text(value, call), call.Named.Count > 0
            ? new TemplateDict(call.Named.Select(entry => KeyValuePair.Create((object?)entry.Key, entry.Value)))
            : TemplateList.Tuple(call.Positional), call.Line);
    }

    private static string XmlAttributes(object? value, TemplateCall call)
    {
        var dict = value as TemplateDict ?? throw call.Fault($"needs a mapping, got {TemplateValues.Kind(value)}");
        var written = string.Join(' ', dict.Where(entry => entry.Value is not (null or Undefined)).Select(entry =>
            Text(entry.Key, call) is var key && key.All(character => !char.IsWhiteSpace(character) && character is not ('/' or '>' or '=')) ? $"{TemplateMarkup.Escape(key)}=\"{TemplateMarkup.Escape(Text(entry.Value, call))}\"" : throw call.Fault($"cannot write the attribute {key}")));
        return written.Length > 0 && call.Bind("autospace").Flag(0, absent: true) ? " " + written : written;
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
        return new TemplateList([.. groups.Select(group => new TemplateList([group.Key, new TemplateList(group.Items)], SequenceKind.Tuple, ["grouper", "list"]))]);
    }

    private static IEnumerable<object?> Batches(object? value, TemplateCall call)
    {
        var bound = call.Bind("linecount", "fill_with");
        var size = Math.Max(1, bound.Whole(0, 1));
        foreach (var row in Lazily(value, call).Chunk(size))
        {
            var full = row.ToList();
            if (bound.Value(1, null) is { } fill)
            {
                TemplateBudget.CheckLength(size, call.Line);
                full.AddRange(Enumerable.Repeat(fill, size - full.Count));
            }
            yield return new TemplateList(full);
        }
    }

    private static IEnumerable<object?> Slices(object? value, TemplateCall call)
    {
        var bound = call.Bind("slices", "fill_with");
        var slices = bound.Whole(0, 1) is > 0 and var count ? count : throw call.Fault("needs at least one slice");
        var items = Items(value, call);
        var (size, larger) = (items.Count / slices, items.Count % slices);
        for (int slice = 0, start = 0; slice < slices; slice++)
        {
            call.Interpreter.Budget.Step(call.Line);
            var end = start + size + (slice < larger ? 1 : 0);
            var row = items.Skip(start).Take(end - start).ToList();
            if (slice >= larger && bound.Value(1, null) is { } fill)
                row.Add(fill);
            start = end;
            yield return new TemplateList(row);
        }
    }

    // For Jinja's title a word ends at white space and at - ( { [ <.
    [GeneratedRegex(@"[^-\s({\[<]+")]
    private static partial Regex Word();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Words();
}
