namespace Agora.Students.ChatTemplates;

/// <summary>The functions that every chat template may call.</summary>
internal static class TemplateGlobals
{
    private const long LongestRange = 100_000;      // Jinja's sandbox has the same limit

    public static IReadOnlyList<TemplateFunction> All { get; } =
    [
        new("range", Range),
        new("namespace", MakeNamespace),
        new("dict", call => new TemplateDict([.. Entries(call), .. call.Named.Select(entry => KeyValuePair.Create((object?)entry.Key, entry.Value))])),
        new("raise_exception", call => throw new TemplateFault(PythonText.Of(call.Bind("message").Value(0), call.Line), call.Line, isRefusal: true)),
        new("strftime_now", call => TimeFormat.Write(call.Bind("format").Text(0), call.Interpreter.Now, call.Line)),
        new("joiner", MakeJoiner),
        new("cycler", MakeCycler),
    ];

    private static TemplateList Range(TemplateCall call)
    {
        var numbers = call.Positional.Select(value => value is long or bool ? TemplateOperators.Integer(value) : throw call.Fault($"needs integers, got {TemplateValues.Kind(value)}")).ToList();
        var (start, stop, step) = numbers switch
        {
            [var only] => (0, only, 1),
            [var first, var last] => (first, last, 1),
            [var first, var last, var by] => (first, last, by),
            _ => throw call.Fault("takes one to three arguments"),
        };
        if (step == 0)
            throw call.Fault("needs a step other than 0");
        var count = Math.Max(0, Math.Ceiling(((double)stop - start) / step));
        if (count > LongestRange)
            throw call.Fault($"makes more than {LongestRange} numbers");
        return TemplateList.Range(start, stop, step, (int)count);
    }

    private static TemplateNamespace MakeNamespace(TemplateCall call)
    {
        var space = new TemplateNamespace();
        foreach (var (key, value) in Entries(call))
            space.Members[key as string ?? throw call.Fault("needs strings as keys")] = value;
        foreach (var (key, value) in call.Named)
            space.Members[key] = value;
        return space;
    }

    private static IEnumerable<KeyValuePair<object?, object?>> Entries(TemplateCall call) => call.Positional switch
    {
        [] => [],
        [TemplateDict dict] => dict,
        [TemplateList list] => list.Select(item => TemplateIteration.Items(item, call.Line) is [var key, var value] ? KeyValuePair.Create(key, value) : throw call.Fault("needs pairs")),
        _ => throw call.Fault("takes a mapping, pairs or named values"),
    };

    private static TemplateFunction MakeJoiner(TemplateCall call)
    {
        var separator = call.Bind("sep").Text(0, ", ");
        var used = false;
        return new TemplateFunction("joiner", _ =>
        {
            var text = used ? separator : "";
            used = true;
            return text;
        });
    }

    private static TemplateCycler MakeCycler(TemplateCall call) => call.Positional.Count > 0 ? new TemplateCycler(call.Positional) : throw call.Fault("has nothing to cycle through");
}

/// <summary>cycler("odd", "even"): its next() gives one after another.</summary>
internal sealed class TemplateCycler(IReadOnlyList<object?> items)
{
    private int at;

    public object? Member(string name) => name switch
    {
        "current" => items[at],
        "next" => new TemplateFunction("cycler.next", _ =>
        {
            var item = items[at];
            at = (at + 1) % items.Count;
            return item;
        }),
        "reset" => new TemplateFunction("cycler.reset", _ =>
        {
            at = 0;
            return null;
        }),
        _ => null,
    };
}
