namespace Agora.Students.ChatTemplates;

/// <summary>
/// What safe and escape give: text that counts as HTML already. Text that is added to it by + is escaped, with automatic escaping off too (~ is not +); some public templates
/// write "…"|safe + name and get &amp;#34; for a quotation mark in the name.
/// </summary>
internal sealed record TemplateMarkup(string Text)
{
    /// <summary>Anything as plain text; markup keeps its text and forgets what it was.</summary>
    public static object? Plain(object? value) => value is TemplateMarkup markup ? markup.Text : value;

    public static TemplateMarkup Escaped(object? value, int line) => value as TemplateMarkup ?? new TemplateMarkup(Escape(PythonText.Of(value, line)));

    public static string Escape(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal)
        .Replace("'", "&#39;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal);

    /// <summary>left + right where one of them is markup.</summary>
    public static TemplateMarkup Join(object? left, object? right, int line)
    {
        if (left is not (string or TemplateMarkup) || right is not (string or TemplateMarkup))
            throw new TemplateFault($"cannot apply + to {TemplateValues.Kind(left)} and {TemplateValues.Kind(right)}", line);
        return new TemplateMarkup(Escaped(left, line).Text + Escaped(right, line).Text);
    }

    /// <summary>Filters that hand on what they got, markup or not, or the same in other letters.</summary>
    public static bool Keeps(string filter) => filter is "default" or "d" or "string" or "upper" or "lower" or "capitalize" or "trim" or "center";

    /// <summary>A method of its text, whose result is markup again.</summary>
    public TemplateFunction? Method(string name) => TemplateMethods.OfText(Text, name) is not { } method ? null : new(name, call => name switch
    {
        "format" or "join" or "replace" or "partition" or "rpartition" or "split" or "rsplit" or "splitlines" => throw call.Fault("is not supported on what safe or escape made"),
        _ => method.Body(call) is var result && result is string text ? new TemplateMarkup(text) : result,
    });
}
