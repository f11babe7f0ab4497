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

    /// <summary>A part of a text, which is markup if the text was.</summary>
    public static object Like(object? whole, string part) => whole is TemplateMarkup ? new TemplateMarkup(part) : part;

    /// <summary>Filters that hand on what they got, markup or not, or the same in other letters or places. The first letter is plain, the last one is not: Jinja goes through a text from its end by places.</summary>
    public static bool Keeps(string filter) => filter is "default" or "d" or "string" or "upper" or "lower" or "capitalize" or "trim" or "center" or "indent" or "last" or "reverse";

    /// <summary>A method of its text. Where the result is text of the same kind it is markup again, and the arguments are escaped, as MarkupSafe has it.</summary>
    public TemplateFunction? Method(string name) => TemplateMethods.OfText(Text, name) is not { } method ? null : new(name, call => name switch
    {
        "format" or "join" => throw call.Fault("is not supported on what safe or escape made"),
        "split" or "rsplit" or "splitlines" => Marked(method.Body(call)),
        "partition" or "rpartition" => Marked(method.Body(Escaped(call))),
        "capitalize" or "title" or "lower" or "upper" or "replace" or "ljust" or "rjust" or "lstrip" or "rstrip" or "center" or "strip" or "expandtabs" or "swapcase" or "zfill"
            or "casefold" or "removeprefix" or "removesuffix" => Marked(method.Body(Escaped(call))),
        _ => method.Body(call),
    });

    private static object? Marked(object? made) => made switch
    {
        string text => new TemplateMarkup(text),
        TemplateList list => new TemplateList([.. list.Select(Marked)], list.Kind),
        _ => made,
    };

    private static TemplateCall Escaped(TemplateCall call)
    {
        static object? Argument(object? value) => value is string text ? Escape(text) : value;
        return new(call.Name, [.. call.Positional.Select(Argument)], call.Named.ToDictionary(entry => entry.Key, entry => Argument(entry.Value)), call.Line, call.Interpreter);
    }
}
