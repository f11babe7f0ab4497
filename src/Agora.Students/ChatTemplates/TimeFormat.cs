using System.Globalization;
using System.Text;

namespace Agora.Students.ChatTemplates;

/// <summary>Python's strftime as the C library on Linux has it, with English names and a time that knows no zone, as datetime.now() gives it.</summary>
internal static class TimeFormat
{
    private const string Flags = "-_0^";

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
            at++;
            var flag = Flags.Contains(format[at], StringComparison.Ordinal) && at + 1 < format.Length ? format[at++] : ' ';
            var part = Directive(format[at], time, line);
            var isNumber = part.Length > 0 && part.AsSpan().TrimStart(' ').IndexOfAnyExceptInRange('0', '9') < 0;
            text.Append(flag switch
            {
                '-' when isNumber => part.TrimStart('0', ' ').PadLeft(1, '0'),
                '_' when isNumber => part.TrimStart('0', ' ').PadLeft(1, '0').PadLeft(part.Length),
                '0' when isNumber => part.Replace(' ', '0'),
                '^' => part.ToUpperInvariant(),
                _ => part,
            });
        }
        return text.ToString();
    }

    private static string Directive(char directive, DateTimeOffset time, int line)
    {
        string Text(string pattern) => time.ToString(pattern, CultureInfo.InvariantCulture);
        string Two(int number) => number.ToString("00", CultureInfo.InvariantCulture);
        return directive switch
        {
            'Y' => Text("yyyy"),
            'y' => Text("yy"),
            'C' => Two(time.Year / 100),
            'm' => Text("MM"),
            'B' => Text("MMMM"),
            'b' or 'h' => Text("MMM"),
            'd' => Text("dd"),
            'e' => Text("%d").PadLeft(2),
            'A' => Text("dddd"),
            'a' => Text("ddd"),
            'H' => Text("HH"),
            'I' => Text("hh"),
            'k' => Text("%H").PadLeft(2),
            'l' => Text("%h").PadLeft(2),
            'M' => Text("mm"),
            'S' => Text("ss"),
            'f' => Text("ffffff"),
            'p' => Text("tt"),
            'P' => Text("tt").ToLowerInvariant(),
            'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
            'u' => (time.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            'w' => ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
            // Weeks that begin on Sunday, on Monday, and those of ISO 8601.
            'U' => Two((time.DayOfYear + 6 - (int)time.DayOfWeek) / 7),
            'W' => Two((time.DayOfYear + 6 - ((int)time.DayOfWeek + 6) % 7) / 7),
            'V' => Two(ISOWeek.GetWeekOfYear(time.DateTime)),
            'G' => ISOWeek.GetYear(time.DateTime).ToString("0000", CultureInfo.InvariantCulture),
            'z' or 'Z' => "",
            'F' => Text("yyyy-MM-dd"),
            'T' or 'X' => Text("HH:mm:ss"),
            'D' or 'x' => Text("MM/dd/yy"),
            'R' => Text("HH:mm"),
            'r' => Text("hh:mm:ss tt"),
            'c' => $"{Text("ddd MMM")} {Text("%d").PadLeft(2)} {Text("HH:mm:ss yyyy")}",
            'n' => "\n",
            't' => "\t",
            '%' => "%",
            _ => throw new TemplateFault($"the time format %{directive} is not supported", line),
        };
    }
}
