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

    /// <summary>items[start:stop:step] as in Python.</summary>
    public static IEnumerable<T> Slice<T>(IReadOnlyList<T> items, long? start, long? stop, long step)
    {
        var count = items.Count;
        long Place(long? place, long absent, long lowest, long highest) =>
            place is not { } given ? absent : Math.Clamp(given < 0 ? given + count : given, lowest, highest);
        if (step > 0)
            for (var at = Place(start, 0, 0, count); at < Place(stop, count, 0, count); at += Math.Min(step, count))
                yield return items[(int)at];
        else
            for (var at = Place(start, count - 1, -1, count - 1); at > Place(stop, -1, -1, count - 1); at += Math.Max(step, -count))
                yield return items[(int)at];
    }
}
