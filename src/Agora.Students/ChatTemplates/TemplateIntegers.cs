using System.Numerics;

namespace Agora.Students.ChatTemplates;

/// <summary>Python's operators on integers beyond 64 bits.</summary>
internal static class TemplateIntegers
{
    // Python itself writes out no integer of more than 4300 digits.
    private const long MostBits = 14_000;

    public static object Apply(string symbol, BigInteger a, BigInteger b, int line)
    {
        switch (symbol)
        {
            case "+":
                return TemplateValues.Shorten(Bounded(a + b, line));
            case "-":
                return TemplateValues.Shorten(Bounded(a - b, line));
            case "*":
                return TemplateValues.Shorten(Bounded(a * b, line));
            case "**" when b.Sign >= 0:
                return a.IsZero || a.IsOne || a == BigInteger.MinusOne
                    ? (object)(long)(b.IsZero || a.IsOne ? 1 : a.IsZero ? 0 : b.IsEven ? 1 : -1)
                    : (double)b * a.GetBitLength() > MostBits + a.GetBitLength() ? throw TooLong(line) : TemplateValues.Shorten(Bounded(BigInteger.Pow(a, (int)b), line));
            case "**":
                return Math.Pow((double)a, (double)b);
            case "/" or "//" or "%" when b.IsZero:
                throw new TemplateFault("a division by zero", line);
            case "/":
                return (double)a / (double)b;
            case "//" or "%":
                // Python rounds towards minus infinity, and the remainder has the divisor's sign.
                var quotient = BigInteger.DivRem(a, b, out var rest);
                var differs = !rest.IsZero && rest.Sign != b.Sign;
                return TemplateValues.Shorten(symbol == "//" ? quotient - (differs ? 1 : 0) : rest + (differs ? b : 0));
            default:
                throw new TemplateFault($"cannot apply {symbol} to integers", line);
        }
    }

    private static BigInteger Bounded(BigInteger value, int line) => value.GetBitLength() <= MostBits ? value : throw TooLong(line);

    private static TemplateFault TooLong(int line) => new($"the template makes an integer of more than {MostBits} bits", line);
}
