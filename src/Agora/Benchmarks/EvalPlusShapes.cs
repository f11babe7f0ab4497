using System.Collections.Frozen;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace Agora.Benchmarks;

/// <summary>Writes EvalPlus's inputs, which JSON holds, as the Python values that the tasks mean: JSON has no tuples, sets and complex numbers.</summary>
/// <remarks>The tasks whose arguments are not what JSON says, by number: evalplus/evalplus commit 26d6d00b, data/mbpp.py.</remarks>
internal static class EvalPlusShapes
{
    /// <summary>How an argument is built from its JSON.</summary>
    private enum Shape
    {
        AsIs,
        Tuple,
        ListOfTuples,
        TupleOfTuples,
        /// <summary>A tuple whose parts become tuples where they are lists.</summary>
        TupleOfMaybeTuples,
        ListOfSets,
        DictionaryOfTuples,
        Float,
        Complex,
        /// <summary>Every list inside, to any depth.</summary>
        DeepTuple,
    }

    /// <summary>The arguments' shapes in order; the last one holds for all that follow.</summary>
    private static readonly FrozenDictionary<int, Shape[]> OfMbpp = new (int[] Tasks, Shape[] Arguments)[]
    {
        ([2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809], [Shape.Tuple]),
        ([63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780], [Shape.ListOfTuples]),
        ([75, 413, 444, 753], [Shape.ListOfTuples, Shape.AsIs]),
        ([106, 750], [Shape.AsIs, Shape.Tuple]),
        ([115], [Shape.ListOfSets]),
        ([124], [Shape.Float, Shape.Complex]),
        ([250, 307, 405, 446, 617, 720, 763, 808], [Shape.Tuple, Shape.AsIs]),
        ([259, 401, 445], [Shape.TupleOfTuples]),
        ([278], [Shape.TupleOfMaybeTuples]),
        ([722], [Shape.DictionaryOfTuples, Shape.AsIs]),
        ([252], [Shape.Complex]),
        ([580, 615, 791], [Shape.DeepTuple]),
    }.SelectMany(row => row.Tasks.Select(task => KeyValuePair.Create(task, row.Arguments))).ToFrozenDictionary();

    /// <summary>A list of argument lists as one Python expression.</summary>
    /// <param name="mbppTask">Null for other benchmarks, whose inputs are what JSON says.</param>
    /// <exception cref="FormatException">The JSON has another form than the task's arguments.</exception>
    public static string Inputs(JsonElement inputs, int? mbppTask)
    {
        if (inputs.ValueKind != JsonValueKind.Array)
            throw new FormatException("the inputs must be a list");
        var shapes = mbppTask is { } task ? OfMbpp.GetValueOrDefault(task, [Shape.AsIs]) : [Shape.AsIs];
        var python = new StringBuilder("[");
        foreach (var arguments in inputs.EnumerateArray())
        {
            if (arguments.ValueKind != JsonValueKind.Array)
                throw new FormatException("each input must be a list of arguments");
            python.Append('[');
            foreach (var (place, argument) in arguments.EnumerateArray().Index())
                Write(python, argument, shapes[Math.Min(place, shapes.Length - 1)]);
            python.Append("], ");
        }
        return python.Append(']').ToString();
    }

    /// <summary>A Python string literal.</summary>
    public static string Literal(string text)
    {
        var python = new StringBuilder("\"");
        foreach (var letter in text)
        {
            if (letter is '"' or '\\')
                python.Append('\\').Append(letter);
            else if (letter < ' ' || letter == '\u007f')
                python.Append(CultureInfo.InvariantCulture, $"\\x{(int)letter:x2}");
            else
                python.Append(letter);
        }
        return python.Append('"').ToString();
    }

    private static void Write(StringBuilder python, JsonElement value, Shape shape)
    {
        switch (shape)
        {
            case Shape.AsIs:
            case Shape.DeepTuple:
                Plain(python, value, shape);
                break;
            case Shape.Tuple:
                Each(python, value, "(", ")", Shape.AsIs);
                break;
            case Shape.ListOfTuples:
                Each(python, value, "[", "]", Shape.Tuple);
                break;
            case Shape.TupleOfTuples:
                Each(python, value, "(", ")", Shape.Tuple);
                break;
            case Shape.TupleOfMaybeTuples:
                python.Append('(');
                foreach (var part in Parts(value))
                    Write(python, part, part.ValueKind == JsonValueKind.Array ? Shape.Tuple : Shape.AsIs);
                python.Append(')');
                break;
            case Shape.ListOfSets:
                python.Append('[');
                foreach (var part in Parts(value))
                {
                    if (part.ValueKind == JsonValueKind.Array && part.GetArrayLength() > 0)
                        Each(python, part, "{", "}", Shape.AsIs);
                    else
                        python.Append("{}");
                    python.Append(", ");
                }
                python.Append(']');
                break;
            case Shape.DictionaryOfTuples:
                Dictionary(python, value, Shape.Tuple);
                break;
            case Shape.Float:
                python.Append("float(");
                Plain(python, value, Shape.AsIs);
                python.Append(')');
                break;
            case Shape.Complex:
                python.Append("complex(");
                Plain(python, value, Shape.AsIs);
                python.Append(')');
                break;
        }
        python.Append(", ");
    }

    private static void Plain(StringBuilder python, JsonElement value, Shape inner)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Array:
                Each(python, value, inner == Shape.DeepTuple ? "(" : "[", inner == Shape.DeepTuple ? ")" : "]", inner);
                break;
            case JsonValueKind.Object:
                Dictionary(python, value, inner);
                break;
            case JsonValueKind.String:
                python.Append(Literal(value.GetString()!));
                break;
            case JsonValueKind.Number:
                // A decimal literal of many digits is refused by the interpreter; a hexadecimal one is not.
                var digits = value.GetRawText();
                python.Append(digits.Length > 4000 && BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)
                    ? $"{(whole.Sign < 0 ? "-" : "")}0x{BigInteger.Abs(whole):x}"
                    : digits);
                break;
            default:
                python.Append(value.ValueKind switch { JsonValueKind.True => "True", JsonValueKind.False => "False", _ => "None" });
                break;
        }
    }

    private static void Each(StringBuilder python, JsonElement list, string open, string close, Shape inner)
    {
        python.Append(open);
        foreach (var part in Parts(list))
            Write(python, part, inner);
        python.Append(close);
    }

    private static void Dictionary(StringBuilder python, JsonElement value, Shape inner)
    {
        if (value.ValueKind != JsonValueKind.Object)
            throw new FormatException($"an argument must be an object, not {BenchmarkRows.Kind(value)}");
        python.Append('{');
        foreach (var member in value.EnumerateObject())
        {
            python.Append(Literal(member.Name)).Append(": ");
            Write(python, member.Value, inner);
        }
        python.Append('}');
    }

    // A text is a sequence of its letters to Python's tuple().
    private static JsonElement.ArrayEnumerator Parts(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : throw new FormatException($"an argument must be a list, not {BenchmarkRows.Kind(value)}");
}
