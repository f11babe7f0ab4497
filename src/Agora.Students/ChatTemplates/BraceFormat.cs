using System.Globalization;
using System.Text;

namespace Agora.Students.ChatTemplates;

/// <summary>str.format: {}, {0}, {name}, {0.member}, {0[key]}, {!r} and {:specification}.</summary>
internal static class BraceFormat
{
    public static string Apply(string format, TemplateCall call)
    {
        var next = 0;
        return Apply(format, call, ref next, inner: false);
    }

    private static string Apply(string format, TemplateCall call, ref int next, bool inner)
    {
        var result = new StringBuilder();
        for (var at = 0; at < format.Length; at++)
        {
            var character = format[at];
            if (character is '{' or '}' && at + 1 < format.Length && format[at + 1] == character && !inner)
            {
                result.Append(character);
                at++;
            }
            else if (character == '{')
            {
                if (inner && format.IndexOf('{', at + 1) >= 0 && format.IndexOf('{', at + 1) < format.IndexOf('}', at))
                    throw call.Fault("nests fields more than two deep");
                var end = End(format, at, call);
                result.Append(Field(format[(at + 1)..end], ref next, call, inner));
                TemplateBudget.CheckLength(result.Length, call.Line);
                at = end;
            }
            else if (character == '}')
                throw call.Fault("has a } without {");
            else
                result.Append(character);
        }
        return result.ToString();
    }

    private static int End(string format, int start, TemplateCall call)
    {
        var open = 0;
        for (var at = start; at < format.Length; at++)
            if ((open += format[at] switch { '{' => 1, '}' => -1, _ => 0 }) == 0)
                return at;
        throw call.Fault("has a { that is not closed");
    }

    private static string Field(string field, ref int next, TemplateCall call, bool inner)
    {
        var colon = field.IndexOf(':', StringComparison.Ordinal);
        var specification = colon < 0 ? "" : field[(colon + 1)..];
        var name = colon < 0 ? field : field[..colon];
        var mark = name.IndexOf('!', StringComparison.Ordinal);
        var conversion = mark < 0 ? "" : name[(mark + 1)..];
        var value = Value(mark < 0 ? name : name[..mark], ref next, call);
        value = conversion switch
        {
            "" => value,
            "s" => PythonText.Of(value, call.Line),
            "r" => PythonText.Repr(value, call.Line),
            _ => throw call.Fault($"does not support the conversion !{conversion}"),
        };
        if (specification.Contains('{', StringComparison.Ordinal))
            specification = inner ? throw call.Fault("nests fields more than two deep") : Apply(specification, call, ref next, inner: true);
        return FormatSpecification.Apply(specification, value, call);
    }

    private static object? Value(string path, ref int next, TemplateCall call)
    {
        var end = path.AsSpan().IndexOfAny('.', '[') is var at and >= 0 ? at : path.Length;
        var first = path[..end];
        if (first.Length == 0)
            first = (next++).ToString(CultureInfo.InvariantCulture);
        object? value;
        if (int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            value = index < call.Positional.Count ? call.Positional[index] : throw call.Fault($"has no value for the field {index}");
        else if (!call.Named.TryGetValue(first, out value))
            throw call.Fault($"has no value for the field {first}");
        while (end < path.Length)
        {
            var isItem = path[end] == '[';
            var start = end + 1;
            end = isItem ? path.IndexOf(']', start) : path.AsSpan(start).IndexOfAny('.', '[') is var stop and >= 0 ? start + stop : path.Length;
            if (end < start)
                throw call.Fault("has a [ that is not closed");
            var key = path[start..end];
            value = isItem ? TemplateInterpreter.Index(value, long.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out var place) ? place : key, call.Line)
                : TemplateInterpreter.Member(value, key, call.Line);
            end += isItem ? 1 : 0;
        }
        return value;
    }
}
