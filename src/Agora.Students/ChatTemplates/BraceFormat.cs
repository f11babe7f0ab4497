using System.Globalization;
using System.Text;

namespace Agora.Students.ChatTemplates;

/// <summary>str.format for plain fields: {}, {0} and {name}; format specifications and member access are not supported.</summary>
internal static class BraceFormat
{
    public static string Apply(string format, TemplateCall call)
    {
        var result = new StringBuilder();
        var next = 0;
        for (var at = 0; at < format.Length; at++)
        {
            var character = format[at];
            if (character is '{' or '}' && at + 1 < format.Length && format[at + 1] == character)
            {
                result.Append(character);
                at++;
            }
            else if (character == '{')
            {
                var end = format.IndexOf('}', at);
                if (end < 0)
                    throw call.Fault("has a { that is not closed");
                result.Append(PythonText.Of(Field(format[(at + 1)..end], ref next, call), call.Line));
                at = end;
            }
            else if (character == '}')
                throw call.Fault("has a } without {");
            else
                result.Append(character);
        }
        return result.ToString();
    }

    private static object? Field(string field, ref int next, TemplateCall call)
    {
        if (field.Length == 0)
            field = (next++).ToString(CultureInfo.InvariantCulture);
        if (int.TryParse(field, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            return index < call.Positional.Count ? call.Positional[index] : throw call.Fault($"has no value for the field {index}");
        return call.Named.TryGetValue(field, out var value) ? value : throw call.Fault($"does not support the field {{{field}}}");
    }
}
