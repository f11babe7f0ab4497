using System.Globalization;
using System.Text;

namespace Agora.Students.ChatTemplates;

/// <summary>Python's strftime, for the directives that dates in prompts are made of, with English names.</summary>
internal static class TimeFormat
{
    public static string Write(string format, DateTimeOffset time, int line)
    {
        var text = new StringBuilder();
        for (var at = 0; at < format.Length; at++)
        {
            if (format[at] != '%' || at + 1 == format.Length)
            {
                text.Append(format[at]);
                continue;
            }
            var unpadded = format[at + 1] == '-' && at + 2 < format.Length;
            at += unpadded ? 2 : 1;
            var part = Directive(format[at], time, line);
            text.Append(unpadded ? part.TrimStart('0').PadLeft(1, '0') : part);
        }
        return text.ToString();
    }

    private static string Directive(char directive, DateTimeOffset time, int line)
    {
        string Text(string pattern) => time.ToString(pattern, CultureInfo.InvariantCulture);
        return directive switch
        {
            'Y' => Text("yyyy"),
            'y' => Text("yy"),
            'm' => Text("MM"),
            'B' => Text("MMMM"),
            'b' or 'h' => Text("MMM"),
            'd' => Text("dd"),
            'e' => Text("%d").PadLeft(2),
            'A' => Text("dddd"),
            'a' => Text("ddd"),
            'H' => Text("HH"),
            'I' => Text("hh"),
            'M' => Text("mm"),
            'S' => Text("ss"),
            'f' => Text("ffffff"),
            'p' => Text("tt"),
            'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            'z' => Text("zzz").Replace(":", "", StringComparison.Ordinal),
            'F' => Text("yyyy-MM-dd"),
            'T' => Text("HH:mm:ss"),
            'D' => Text("MM/dd/yy"),
            'R' => Text("HH:mm"),
            'n' => "\n",
            't' => "\t",
            '%' => "%",
            _ => throw new TemplateFault($"the time format %{directive} is not supported", line),
        };
    }
}
