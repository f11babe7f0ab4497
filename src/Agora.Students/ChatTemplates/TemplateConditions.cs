using System.Diagnostics.CodeAnalysis;

namespace Agora.Students.ChatTemplates;

/// <summary>The tests that may follow "is".</summary>
internal static class TemplateConditions
{
    private static readonly Dictionary<string, Func<object?, TemplateCall, bool>> Tests = new(StringComparer.Ordinal)
    {
        ["defined"] = (value, _) => value is not Undefined,
        ["undefined"] = (value, _) => value is Undefined,
        ["none"] = (value, _) => value is null,
        ["boolean"] = (value, _) => value is bool,
        ["true"] = (value, _) => value is true,
        ["false"] = (value, _) => value is false,
        ["integer"] = (value, _) => value is long or System.Numerics.BigInteger,
        ["float"] = (value, _) => value is double,
        ["number"] = (value, _) => TemplateOperators.IsNumber(value),
        ["string"] = (value, _) => value is string,
        ["mapping"] = (value, _) => value is TemplateDict,
        ["iterable"] = (value, _) => value is string or TemplateList or TemplateDict or TemplateGenerator or Undefined,
        ["sequence"] = (value, _) => value is string or TemplateList { IsView: false } or TemplateDict or Undefined,
        ["callable"] = (value, _) => value is TemplateFunction or TemplateLoop or Undefined,
        ["escaped"] = (value, _) => value is TemplateMarkup,
        ["odd"] = (value, call) => LeavesRest(value, 2L, 1L, call),
        ["even"] = (value, call) => LeavesRest(value, 2L, 0L, call),
        ["divisibleby"] = (value, call) => LeavesRest(value, call.Bind("num").Value(0), 0L, call),
        ["lower"] = (value, call) => PythonText.Of(value, call.Line) is var text && TemplateMethods.IsLower(text),
        ["upper"] = (value, call) => PythonText.Of(value, call.Line) is var text && TemplateMethods.IsUpper(text),
        ["sameas"] = (value, call) => AreSame(value, call.Bind("other").Value(0)),
        ["in"] = (value, call) => TemplateOperators.Contains(call.Bind("seq").Value(0), value, call.Line),
        ["filter"] = (value, _) => value is string name && TemplateFilters.TryGet(name, out var _),
        ["test"] = (value, _) => value is string name && Tests!.ContainsKey(name),
        ["eq"] = (value, call) => TemplateOperators.AreEqual(value, call.Bind("other").Value(0)),
        ["ne"] = (value, call) => !TemplateOperators.AreEqual(value, call.Bind("other").Value(0)),
        ["lt"] = (value, call) => Compare(value, call) < 0,
        ["le"] = (value, call) => Compare(value, call) <= 0,
        ["gt"] = (value, call) => Compare(value, call) > 0,
        ["ge"] = (value, call) => Compare(value, call) >= 0,
    };

    static TemplateConditions()
    {
        // Jinja's other names for the comparisons; the symbols are for select("==", …).
        foreach (var (alias, name) in (ReadOnlySpan<(string, string)>)[
            ("equalto", "eq"), ("==", "eq"), ("!=", "ne"), ("lessthan", "lt"), ("<", "lt"), ("<=", "le"), ("greaterthan", "gt"), (">", "gt"), (">=", "ge")])
            Tests[alias] = Tests[name];
    }

    public static bool TryGet(string name, [NotNullWhen(true)] out Func<object?, TemplateCall, bool>? test) => Tests.TryGetValue(name, out test);

    private static int Compare(object? value, TemplateCall call) => TemplateOperators.Compare(value, call.Bind("other").Value(0), call.Line);

    private static bool LeavesRest(object? value, object? divisor, long rest, TemplateCall call) =>
        // Of a text % is a format, whose result is no number.
        value is string ? TemplateOperators.Apply("%", value, divisor, call.Line) is not string
            : TemplateOperators.IsNumber(value) && TemplateOperators.IsNumber(divisor)
            ? TemplateOperators.AreEqual(TemplateOperators.Apply("%", value, divisor, call.Line), rest)
            : throw call.Fault($"needs numbers, got {TemplateValues.Kind(TemplateOperators.IsNumber(value) ? divisor : value)}");

    private static bool AreSame(object? left, object? right) => (left, right) switch
    {
        (null, null) => true,
        (bool a, bool b) => a == b,
        (long a, long b) => a == b,
        (string a, string b) => a == b,
        _ => ReferenceEquals(left, right),
    };
}
