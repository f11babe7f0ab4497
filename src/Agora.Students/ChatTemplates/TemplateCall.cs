namespace Agora.Students.ChatTemplates;

/// <summary>The arguments of a call of a function, method, filter or test.</summary>
internal sealed class TemplateCall(string name, IReadOnlyList<object?> positional, IReadOnlyDictionary<string, object?> named, int line, TemplateInterpreter interpreter)
{
    public string Name { get; } = name;
    public IReadOnlyList<object?> Positional { get; } = positional;
    public IReadOnlyDictionary<string, object?> Named { get; } = named;
    public int Line { get; } = line;
    public TemplateInterpreter Interpreter { get; } = interpreter;

    public TemplateFault Fault(string what) => new($"{Name} {what}", Line);

    /// <summary>The same call without its first arguments.</summary>
    public TemplateCall Skip(string newName, int count) => new(newName, [.. Positional.Skip(count)], Named, Line, Interpreter);

    /// <summary>The arguments by their parameters.</summary>
    /// <exception cref="TemplateFault">More arguments than parameters, or a name that is none of them.</exception>
    public BoundArguments Bind(params ReadOnlySpan<string> parameters)
    {
        if (Positional.Count > parameters.Length)
            throw Fault($"takes at most {parameters.Length} arguments, got {Positional.Count}");
        var values = new object?[parameters.Length];
        var given = new bool[parameters.Length];
        for (var i = 0; i < Positional.Count; i++)
            (values[i], given[i]) = (Positional[i], true);
        foreach (var (parameter, value) in Named)
        {
            var place = parameters.IndexOf(parameter);
            if (place < 0)
                throw Fault($"does not support the argument {parameter}");
            if (given[place])
                throw Fault($"got the argument {parameter} twice");
            (values[place], given[place]) = (value, true);
        }
        return new BoundArguments(this, parameters.ToArray(), values, given);
    }
}

/// <summary>Arguments in the order of the parameters.</summary>
internal sealed class BoundArguments(TemplateCall call, string[] parameters, object?[] values, bool[] given)
{
    public bool Has(int index) => given[index];

    public object? Value(int index) => given[index] ? values[index] : throw call.Fault($"needs the argument {parameters[index]}");

    public object? Value(int index, object? absent) => given[index] ? values[index] : absent;

    public string Text(int index) => Value(index) as string ?? throw call.Fault($"needs a string for {parameters[index]}, got {TemplateValues.Kind(values[index])}");

    public string Text(int index, string absent) => given[index] ? Text(index) : absent;

    /// <summary>None counts as absent, as most of Python's methods have it.</summary>
    public string? TextOrNone(int index) => given[index] && values[index] is not null ? Text(index) : null;

    public int Whole(int index, int absent) => !given[index] ? absent : values[index] switch
    {
        long number => (int)Math.Clamp(number, int.MinValue, int.MaxValue),
        bool flag => flag ? 1 : 0,
        var other => throw call.Fault($"needs an integer for {parameters[index]}, got {TemplateValues.Kind(other)}"),
    };

    public bool Flag(int index, bool absent = false) => given[index] ? TemplateOperators.IsTrue(values[index]) : absent;
}
