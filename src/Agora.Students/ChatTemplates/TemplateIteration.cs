namespace Agora.Students.ChatTemplates;

/// <summary>Going through the values of a template one after another, and cutting out parts of them.</summary>
internal static class TemplateIteration
{
    /// <summary>A mapping gives its keys, a string its code points, what is undefined nothing.</summary>
    public static IReadOnlyList<object?> Items(object? value, int line) => value switch
    {
        TemplateList list => list,
        TemplateGenerator generator => [.. generator],
        TemplateDict dict => [.. dict.Keys],
        string text => PythonText.Points(text),
        TemplateMarkup markup => PythonText.Points(markup.Text),
        Undefined => [],
        _ => throw new TemplateFault($"cannot go through {TemplateValues.Kind(value)}", line),
    };

    /// <summary>Where items[start:stop:step] begins and ends, as Python has it: the end is not reached, and is -1 where a step backwards takes all.</summary>
    public static (long From, long To) Bounds(int count, long? start, long? stop, long step)
    {
        long Place(long? place, long absent, long lowest, long highest) =>
            place is not { } given ? absent : Math.Clamp(given < 0 ? given + count : given, lowest, highest);
        return step > 0 ? (Place(start, 0, 0, count), Place(stop, count, 0, count)) : (Place(start, count - 1, -1, count - 1), Place(stop, -1, -1, count - 1));
    }

    public static IEnumerable<T> Slice<T>(IReadOnlyList<T> items, long? start, long? stop, long step)
    {
        var (from, to) = Bounds(items.Count, start, stop, step);
        step = Math.Clamp(step, -items.Count - 1L, items.Count + 1L);
        for (var at = from; step > 0 ? at < to : at > to; at += step)
            yield return items[(int)at];
    }
}
