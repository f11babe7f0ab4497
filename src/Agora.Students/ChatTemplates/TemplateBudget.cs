namespace Agora.Students.ChatTemplates;

/// <summary>What one rendering may use up, so that a template that never ends, or grows without end, becomes an error.</summary>
/// <remarks>Counted, not timed: the same template and conversation always end the same way.</remarks>
internal sealed class TemplateBudget
{
    // A conversation of 10,000 turns takes about a million steps.
    private const long MostSteps = 5_000_000;
    private const int LongestText = 16 << 20;
    private const int UnitsPerStep = 64;     // of text or list made in the time of a step
    private long steps;

    public void Step(int line)
    {
        if (++steps > MostSteps)
            throw new TemplateFault($"the template has run for {MostSteps} steps without coming to its end", line);
    }

    /// <summary>Counts a text or list that has been made.</summary>
    public void Made(long length, int line)
    {
        CheckLength(length, line);
        steps += length / UnitsPerStep;
        Step(line);
    }

    /// <summary>For what is known to be too long before it is made.</summary>
    public static void CheckLength(double length, int line)
    {
        if (length > LongestText)
            throw new TemplateFault($"the template makes a text or list of more than {LongestText} items", line);
    }
}
