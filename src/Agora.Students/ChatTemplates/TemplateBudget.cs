namespace Agora.Students.ChatTemplates;

/// <summary>What one rendering may use up, so that a template that never ends, or grows without end, becomes an error.</summary>
/// <remarks>Counted, not timed: the same template and conversation always end the same way.</remarks>
internal sealed class TemplateBudget
{
    // A conversation of 10,000 turns takes about a million steps.
    private const long MostSteps = 5_000_000;
    private const int LongestText = 16 << 20;
    private const int ValuesPerStep = 8;     // gone through, or made, in the time of a step
    private double steps;

    public void Step(int line) => Spend(1, line);

    /// <summary>Counts a value that has been made, with all that it holds, and refuses one that nests too deep to be gone through.</summary>
    public T Made<T>(T value, int line)
    {
        switch (value)
        {
            case string text:
                CheckLength(text.Length, line);
                break;
            case TemplateMarkup markup:
                CheckLength(markup.Text.Length, line);
                break;
            case TemplateList list:
                CheckLength(list.Count, line);
                break;
            case TemplateDict dict:
                CheckLength(dict.Count, line);
                break;
        }
        if (Extent.Of((object?)value).Depth > Extent.Deepest)
            throw new TemplateFault($"the template makes a list or mapping that nests more than {Extent.Deepest} deep", line);
        Read(value, line);
        return value;
    }

    /// <summary>Counts going through a text or through the items of a list, but not through what they hold.</summary>
    public void Read(object? value, int line) => Spend(value switch
    {
        string => Extent.Of(value).Size,
        TemplateList list => 1.0 + list.Count,
        TemplateDict dict => 1.0 + dict.Count,
        _ => 1,
    } / ValuesPerStep, line);

    /// <summary>Counts going through a value and all that it holds, as for comparing it or writing it out.</summary>
    public void ReadAll(object? value, int line)
    {
        var size = Extent.Of(value).Size;
        CheckLength(size, line);
        Spend(size / ValuesPerStep, line);
    }

    /// <summary>For what is known to be too long before it is made.</summary>
    public static void CheckLength(double length, int line)
    {
        if (length > LongestText)
            throw new TemplateFault($"the template makes a text or list of more than {LongestText} items", line);
    }

    private void Spend(double count, int line)
    {
        steps += count;
        if (steps > MostSteps)
            throw new TemplateFault($"the template has run for {MostSteps} steps without coming to its end", line);
    }
}
