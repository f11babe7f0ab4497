using System.Numerics;
using System.Text;

namespace Agora.Students.ChatTemplates;

/// <summary>Python's operators on the values of a template.</summary>
internal static class TemplateOperators
{
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        TemplateMarkup markup => markup.Text.Length > 0,
        TemplateList list => list.Count > 0,
        TemplateDict dict => dict.Count > 0,
        _ => true,
    };

    public static bool AreEqual(object? left, object? right) => (left, right) switch
    {
        (null, null) => true,
        (string a, string b) => string.Equals(a, b, StringComparison.Ordinal),
        (Undefined, Undefined) => true,
        (TemplateMarkup, _) or (_, TemplateMarkup) => AreEqual(TemplateMarkup.Plain(left), TemplateMarkup.Plain(right)),
        (TemplateList a, TemplateList b) => a.Kind == b.Kind && a.Kind != SequenceKind.Values && a.Count == b.Count && a.Zip(b).All(pair => AreEqual(pair.First, pair.Second)),
        (TemplateDict a, TemplateDict b) => a.Count == b.Count && a.All(entry => b.TryGet(entry.Key, out var other) && AreEqual(entry.Value, other)),
        _ when IsNumber(left) && IsNumber(right) => CompareNumbers(left!, right!) == 0,
        _ => ReferenceEquals(left, right),
    };

    public static int Compare(object? left, object? right, int line) => (left, right) switch
    {
        (string a, string b) => ComparePoints(a, b),
        (TemplateMarkup, _) or (_, TemplateMarkup) => Compare(TemplateMarkup.Plain(left), TemplateMarkup.Plain(right), line),
        (TemplateList a, TemplateList b) when a.Kind == b.Kind && a.Kind is SequenceKind.List or SequenceKind.Tuple => CompareLists(a, b, line),
        _ when IsNumber(left) && IsNumber(right) => CompareNumbers(left!, right!),
        _ => throw new TemplateFault($"cannot tell which is greater: {TemplateValues.Kind(left)} or {TemplateValues.Kind(right)}", line),
    };

    public static bool Contains(object? container, object? item, int line) => container switch
    {
        string text when TemplateMarkup.Plain(item) is string part => text.Contains(part, StringComparison.Ordinal),
        TemplateList list => list.Any(element => AreEqual(element, item)),
        TemplateGenerator generator => generator.Any(element => AreEqual(element, item)),
        TemplateDict dict => dict.TryGet(item, out _),
        Undefined => false,
        _ => throw new TemplateFault($"cannot look for {TemplateValues.Kind(item)} in {TemplateValues.Kind(container)}", line),
    };

    public static object? Apply(string symbol, object? left, object? right, int line)
    {
        try
        {
            return (left, right) switch
            {
                (string a, string b) when symbol == "+" => a + b,
                (TemplateList a, TemplateList b) when symbol == "+" && a.Kind == b.Kind && a.Kind is SequenceKind.List or SequenceKind.Tuple => new TemplateList([.. a, .. b], a.Kind),
                (string text, _) when symbol == "%" => PrintfFormat.Apply(text, right, line),
                (string text, long or bool) when symbol == "*" => Repeat(text, Integer(right!), line),
                (long or bool, string text) when symbol == "*" => Repeat(text, Integer(left!), line),
                (TemplateList { Kind: SequenceKind.List or SequenceKind.Tuple } list, long or bool) when symbol == "*" => Repeat(list, Integer(right!), line),
                (long or bool, TemplateList { Kind: SequenceKind.List or SequenceKind.Tuple } list) when symbol == "*" => Repeat(list, Integer(left!), line),
                (long or bool, long or bool) => OnIntegers(symbol, Integer(left!), Integer(right!), line),
                (long or bool or BigInteger, long or bool or BigInteger) => TemplateIntegers.Apply(symbol, Large(left!), Large(right!), line),
                _ when IsNumber(left) && IsNumber(right) => OnFloats(symbol, Float(left!), Float(right!), line),
                _ => throw new TemplateFault($"cannot apply {symbol} to {TemplateValues.Kind(left)} and {TemplateValues.Kind(right)}", line),
            };
        }
        catch (OverflowException)
        {
            return TemplateIntegers.Apply(symbol, Large(left!), Large(right!), line);
        }
    }

    public static object Negate(object? value, int line) => value switch
    {
        long or bool or BigInteger => TemplateValues.Shorten(-Large(value)),
        double number => -number,
        _ => throw new TemplateFault($"cannot negate {TemplateValues.Kind(value)}", line),
    };

    public static bool IsNumber(object? value) => value is long or double or bool or BigInteger;

    public static double Float(object number) => number switch
    {
        double value => value,
        BigInteger value => (double)value,
        _ => Integer(number),
    };

    public static long Integer(object number) => number is bool flag ? (flag ? 1 : 0) : (long)number;

    // The casts keep integers integers: the type that all arms have in common is double.
    private static object OnIntegers(string symbol, long a, long b, int line) => symbol switch
    {
        "+" => (object)checked(a + b),
        "-" => checked(a - b),
        "*" => checked(a * b),
        "/" => b == 0 ? throw Zero(line) : (double)a / b,
        // Python rounds towards minus infinity, and the remainder has the divisor's sign.
        "//" => b == 0 ? throw Zero(line) : checked(a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0)),
        "%" => b == 0 ? throw Zero(line) : b == -1 ? 0 : (a % b + b) % b,
        "**" when b >= 0 => TemplateIntegers.Apply(symbol, a, b, line),
        "**" => Power(a, b, line),
        _ => throw new TemplateFault($"cannot apply {symbol} to integers", line),
    };

    private static double OnFloats(string symbol, double a, double b, int line) => symbol switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => b == 0 ? throw Zero(line) : a / b,
        "//" => b == 0 ? throw Zero(line) : Divided(a, b).Quotient,
        "%" => b == 0 ? throw Zero(line) : Divided(a, b).Remainder,
        "**" => Power(a, b, line),
        _ => throw new TemplateFault($"cannot apply {symbol} to numbers", line),
    };

    /// <summary>Python's divmod of floats: the rest is exact and has the divisor's sign, that of a zero included.</summary>
    private static (double Quotient, double Remainder) Divided(double a, double b)
    {
        var rest = a % b;
        var quotient = (a - rest) / b;
        if (rest == 0)
            rest = Math.CopySign(0, b);
        else if (b < 0 != rest < 0)
            (rest, quotient) = (rest + b, quotient - 1);
        if (quotient == 0)
            return (Math.CopySign(0, a / b), rest);
        var whole = Math.Floor(quotient);
        return (quotient - whole > 0.5 ? whole + 1 : whole, rest);
    }

    private static double Power(double a, double b, int line)
    {
        if (a == 0 && b < 0)
            throw Zero(line);
        var power = Math.Pow(a, b);
        if (double.IsNaN(power) && !double.IsNaN(a) && !double.IsNaN(b))
            throw new TemplateFault("a power that is a complex number is not supported", line);
        return double.IsInfinity(power) && double.IsFinite(a) && double.IsFinite(b) ? throw new TemplateFault("a power too large for a float", line) : power;
    }

    private static TemplateFault Zero(int line) => new("a division by zero", line);

    private static string Repeat(string text, long times, int line)
    {
        TemplateBudget.CheckLength(text.Length * (double)Math.Max(0, times), line);
        return new StringBuilder().Insert(0, text, (int)Math.Max(0, text.Length == 0 ? 0 : times)).ToString();
    }

    private static TemplateList Repeat(TemplateList list, long times, int line)
    {
        TemplateBudget.CheckLength(list.Count * (double)Math.Max(0, times), line);
        return new TemplateList([.. Enumerable.Range(0, list.Count == 0 ? 0 : (int)Math.Max(0, times)).SelectMany(_ => list)], list.Kind);
    }

    private static int CompareNumbers(object left, object right) => (left, right) switch
    {
        (double, _) or (_, double) => Float(left).CompareTo(Float(right)),
        (BigInteger, _) or (_, BigInteger) => Large(left).CompareTo(Large(right)),
        _ => Integer(left).CompareTo(Integer(right)),
    };

    public static BigInteger Large(object number) => number is BigInteger large ? large : Integer(number);

    private static int CompareLists(TemplateList a, TemplateList b, int line)
    {
        for (var i = 0; i < Math.Min(a.Count, b.Count); i++)
            if (!AreEqual(a[i], b[i]))
                return Compare(a[i], b[i], line);
        return a.Count.CompareTo(b.Count);
    }

    /// <summary>By code points: UTF-16 order would put characters beyond U+FFFF before U+E000.</summary>
    private static int ComparePoints(string a, string b)
    {
        var at = a.AsSpan().CommonPrefixLength(b);
        if (at == a.Length || at == b.Length)
            return a.Length.CompareTo(b.Length);
        var (x, y) = (a[at], b[at]);
        return char.IsSurrogate(x) == char.IsSurrogate(y) ? x.CompareTo(y) : char.IsSurrogate(x) ? 1 : -1;
    }
}
