using System.Collections.Immutable;
using System.Globalization;

namespace Agora.Nano.Functions;

/// <summary>What a function takes.</summary>
internal enum FunctionInput { List, Number, Text }

/// <summary>One line of a small Python function: how it is asked for, how it is written and what it does.</summary>
/// <param name="Key">Identity within structures, e.g. <c>add3</c>.</param>
/// <param name="Phrases">The ways in which an instruction asks for it, each a sentence without its full stop.</param>
/// <param name="Expression">Python, with {0} where the value so far stands.</param>
/// <param name="Apply">The reference semantics, on long, string or an array of long; null where Python would raise.</param>
/// <param name="Mistake">A similar line that does something else, as a careless writer might write it.</param>
internal sealed record FunctionStep(string Key, ImmutableArray<string> Phrases, string Expression, Func<object, object?> Apply, Mistake Mistake);

/// <param name="Expression">Python, with {0} where the value so far stands.</param>
/// <param name="Apply">What it does; null where Python would raise.</param>
internal sealed record Mistake(string Expression, Func<object, object?> Apply);

/// <summary>The operations that functions are composed of.</summary>
internal static class FunctionSteps
{
    private const string Letters = "abcdehlorst";

    public static FunctionStep Draw(RandomStream random, FunctionInput input) => input switch
    {
        FunctionInput.List => OnList(random),
        FunctionInput.Number => OnNumber(random),
        _ => OnText(random),
    };

    /// <summary>What the function gives back: the last line.</summary>
    public static FunctionStep DrawReturn(RandomStream random, FunctionInput input) => input switch
    {
        FunctionInput.List => random.Next(6) switch
        {
            0 => new("sum", ["Return the sum", "Give back the sum"], "sum({0})", value => ((long[])value).Sum(), new("max({0})", value => Largest(value))),
            1 => new("max", ["Return the largest", "Give back the largest"], "max({0})", value => Largest(value), new("min({0})", value => Smallest(value))),
            2 => new("min", ["Return the smallest", "Give back the smallest"], "min({0})", value => Smallest(value), new("max({0})", value => Largest(value))),
            3 => new("len", ["Return the count", "Give back the count"], "len({0})", value => (long)((long[])value).Length, new("sum({0})", value => ((long[])value).Sum())),
            _ => new("list", ["Return the list", "Give back the list"], "{0}", value => value, new("{0}[1:]", value => ListFrom(value, 1))),
        },
        FunctionInput.Number => new("number", ["Return it", "Give it back"], "{0}", value => value, new("{0} + 1", value => (long)value + 1)),
        _ => random.Next(3) switch
        {
            0 => new("length", ["Return the length", "Give back the length"], "len({0})", value => (long)((string)value).Length, new("len({0}) - 1", value => ((string)value).Length - 1L)),
            _ => new("text", ["Return it", "Give it back"], "{0}", value => value, new("{0}[1:]", value => TextFrom(value, 1))),
        },
    };

    private static FunctionStep OnList(RandomStream random)
    {
        var k = random.Between(2, 9);
        return random.Next(11) switch
        {
            0 => Filter("even", "Keep the even numbers", "x % 2 == 0", x => x % 2 == 0, "x % 2 == 1", x => x % 2 != 0),
            1 => Filter("odd", "Keep the odd numbers", "x % 2 == 1", x => x % 2 != 0, "x % 2 == 0", x => x % 2 == 0),
            2 => Filter($"above{k}", $"Keep numbers above {k}", $"x > {k}", x => x > k, $"x < {k}", x => x < k),
            3 => Filter($"below{k}", $"Keep numbers below {k}", $"x < {k}", x => x < k, $"x > {k}", x => x > k),
            4 => Each($"add{k}", $"Add {k} to each", $"x + {k}", x => x + k, $"x - {k}", x => x - k),
            5 => Each($"subtract{k}", $"Subtract {k} from each", $"x - {k}", x => x - k, $"x + {k}", x => x + k),
            6 => Each($"multiply{k}", $"Multiply each by {k}", $"x * {k}", x => x * k, $"x + {k}", x => x + k),
            7 => Each("square", "Square each", "x * x", x => x * x, "x + x", x => x + x),
            8 => new("sort", ["Sort the list", "Put them in order"], "sorted({0})", value => Sorted(value), new("{0}[::-1]", value => Reversed(value))),
            9 => new("reverse", ["Reverse the list", "Turn the list around"], "{0}[::-1]", value => Reversed(value), new("sorted({0})", value => Sorted(value))),
            _ => new("dropfirst", ["Drop the first", "Leave out the first"], "{0}[1:]", value => ListFrom(value, 1), new("{0}[2:]", value => ListFrom(value, 2))),
        };
    }

    private static FunctionStep OnNumber(RandomStream random)
    {
        var k = random.Between(2, 9);
        return random.Next(6) switch
        {
            0 => new($"add{k}", [$"Add {k}", $"Make it {k} more"], $"{{0}} + {k}", value => (long)value + k, new($"{{0}} - {k}", value => (long)value - k)),
            1 => new($"subtract{k}", [$"Subtract {k}", $"Make it {k} less"], $"{{0}} - {k}", value => (long)value - k, new($"{{0}} + {k}", value => (long)value + k)),
            2 => new($"multiply{k}", [$"Multiply by {k}", $"Take it {k} times"], $"{{0}} * {k}", value => (long)value * k, new($"{{0}} + {k}", value => (long)value + k)),
            3 => new("square", ["Square it", "Multiply it by itself"], "{0} ** 2", value => (long)value * (long)value, new("{0} * 2", value => (long)value * 2)),
            4 => new("half", ["Halve it", "Take half of it"], "{0} // 2", value => FloorDivided((long)value, 2), new("{0} * 2", value => (long)value * 2)),
            _ => new($"remainder{k}", [$"Take the remainder by {k}", $"Take it modulo {k}"], $"{{0}} % {k}", value => (long)value - (k * FloorDivided((long)value, k)), new($"{{0}} // {k}", value => FloorDivided((long)value, k))),
        };
    }

    private static FunctionStep OnText(RandomStream random)
    {
        var k = random.Between(1, 5);
        var letter = Letters[random.Next(Letters.Length)];
        return random.Next(9) switch
        {
            0 => new("upper", ["Make it upper case", "Use capital letters"], "{0}.upper()", value => Upper(value), new("{0}.lower()", value => Lower(value))),
            1 => new("lower", ["Make it lower case", "Use small letters"], "{0}.lower()", value => Lower(value), new("{0}.upper()", value => Upper(value))),
            2 => new("reverse", ["Reverse it", "Turn it around"], "{0}[::-1]", value => new string([.. ((string)value).Reverse()]), new("{0}[1:]", value => TextFrom(value, 1))),
            3 => new($"append{letter}", [$"Put {letter} at the end", $"Append {letter}"], $"{{0}} + \"{letter}\"", value => (string)value + letter, new($"\"{letter}\" + {{0}}", value => letter + (string)value)),
            4 => new($"prepend{letter}", [$"Put {letter} at the start", $"Prepend {letter}"], $"\"{letter}\" + {{0}}", value => letter + (string)value, new($"{{0}} + \"{letter}\"", value => (string)value + letter)),
            5 => new("twice", ["Repeat it twice", "Double the text"], "{0} * 2", value => (string)value + (string)value, new("{0} * 3", value => (string)value + (string)value + (string)value)),
            6 => new($"first{k}", [$"Keep the first {k}", $"Cut it after {k}"], $"{{0}}[:{k}]", value => TextUpTo(value, k), new($"{{0}}[{k}:]", value => TextFrom(value, k))),
            7 => new($"drop{k}", [$"Drop the first {k}", $"Leave out the first {k}"], $"{{0}}[{k}:]", value => TextFrom(value, k), new($"{{0}}[:{k}]", value => TextUpTo(value, k))),
            _ => new($"remove{letter}", [$"Remove every {letter}", $"Take out every {letter}"], $"{{0}}.replace(\"{letter}\", \"\")",
                value => Replaced(value, letter, ""), new($"{{0}}.replace(\"{letter}\", \"-\")", value => Replaced(value, letter, "-"))),
        };
    }

    private static FunctionStep Filter(string key, string phrase, string condition, Func<long, bool> keep, string wrong, Func<long, bool> keepWrong) => new(
        key, [phrase, phrase.Replace("Keep", "Take only", StringComparison.Ordinal)], $"[x for x in {{0}} if {condition}]",
        value => ((long[])value).Where(keep).ToArray(),
        new($"[x for x in {{0}} if {wrong}]", value => ((long[])value).Where(keepWrong).ToArray()));

    private static FunctionStep Each(string key, string phrase, string expression, Func<long, long> map, string wrong, Func<long, long> mapWrong) => new(
        key, [phrase, phrase.Replace("each", "every one", StringComparison.Ordinal)], $"[{expression} for x in {{0}}]",
        value => ((long[])value).Select(map).ToArray(),
        new($"[{wrong} for x in {{0}}]", value => ((long[])value).Select(mapWrong).ToArray()));

    private static long? Largest(object value) => value is long[] { Length: > 0 } xs ? xs.Max() : null;

    private static long? Smallest(object value) => value is long[] { Length: > 0 } xs ? xs.Min() : null;

    private static long[] Sorted(object value) => ((long[])value).Order().ToArray();

    private static long[] Reversed(object value) => ((long[])value).Reverse().ToArray();

    private static long[] ListFrom(object value, int start) => ((long[])value).Skip(start).ToArray();

    private static string Upper(object value) => ((string)value).ToUpperInvariant();

    private static string Lower(object value) => ((string)value).ToLowerInvariant();

    private static string TextFrom(object value, int start) => ((string)value)[Math.Min(start, ((string)value).Length)..];

    private static string TextUpTo(object value, int end) => ((string)value)[..Math.Min(end, ((string)value).Length)];

    private static string Replaced(object value, char letter, string by) =>
        ((string)value).Replace(letter.ToString(CultureInfo.InvariantCulture), by, StringComparison.Ordinal);

    /// <summary>Python rounds a quotient down, C# towards zero.</summary>
    private static long FloorDivided(long dividend, long divisor) => (dividend - (((dividend % divisor) + divisor) % divisor)) / divisor;
}
