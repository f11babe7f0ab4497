using System.Globalization;
using System.Text;

namespace Agora.Experiments;

/// <summary>A value of the experiment file before it has a type, with the place where it was written.</summary>
internal abstract class ExperimentNode(ExperimentPosition position)
{
    public ExperimentPosition Position { get; } = position;

    /// <summary>What it is, for messages: the value itself where it is short.</summary>
    public abstract string Describe();
}

/// <param name="plain">Written without quotes, so that it may be a number, a truth value or nothing.</param>
internal sealed class ScalarNode(ExperimentPosition position, string text, bool plain) : ExperimentNode(position)
{
    private const int LongestShown = 60;

    public string Text { get; } = text;

    /// <summary>YAML 1.2 core schema.</summary>
    public bool IsNull => plain && Text is "" or "~" or "null" or "Null" or "NULL";

    public bool IsBoolean => plain && Text is "true" or "True" or "TRUE" or "false" or "False" or "FALSE";

    public bool IsNumber =>
        plain && Text.Length > 0 && (char.IsAsciiDigit(Text[^1]) || Text[^1] == '.') && !char.IsWhiteSpace(Text[0])
        && double.TryParse(Text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out _);

    public ScalarNode At(ExperimentPosition other) => new(other, Text, plain);

    public bool IsText => !IsNull && !IsBoolean && !IsNumber;

    public override string Describe()
    {
        if (IsNull)
            return "nothing";
        if (!IsText)
            return Text;
        var shown = new StringBuilder("\"");
        foreach (var rune in Text.EnumerateRunes())
        {
            if (shown.Length > LongestShown)
            {
                shown.Append('…');
                break;
            }
            // A control character in a message could move the terminal's cursor.
            if (Rune.IsControl(rune))
                shown.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
            else
                shown.Append(rune);
        }
        return shown.Append('"').ToString();
    }
}

internal sealed class ListNode(ExperimentPosition position) : ExperimentNode(position)
{
    public List<ExperimentNode> Items { get; } = [];

    public override string Describe() => "a list";
}

internal sealed class MapNode(ExperimentPosition position) : ExperimentNode(position)
{
    /// <summary>In the order of the file; keys are distinct.</summary>
    public List<(ScalarNode Key, ExperimentNode Value)> Members { get; } = [];

    public ExperimentNode? this[string key] => Members.Find(member => member.Key.Text == key).Value;

    public override string Describe() => "a mapping";
}
