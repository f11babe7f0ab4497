using System.Text;

namespace Agora.Students.ChatTemplates;

/// <summary>Runs a template's statements; one interpreter renders once.</summary>
internal sealed partial class TemplateInterpreter
{
    private const int DeepestCalls = 60;
    /// <summary>The name under which a macro finds the body of the call block that called it.</summary>
    public const string Caller = "caller";

    private readonly TimeProvider time;
    private readonly Scope top;
    private Scope scope;
    private StringBuilder output = new();
    private int calls;
    private int loops;

    public TemplateInterpreter(IReadOnlyDictionary<string, object?> variables, TimeProvider time)
    {
        this.time = time;
        scope = new Scope(null);
        foreach (var function in TemplateGlobals.All)
            scope.Variables[function.Name] = function;
        scope = new Scope(scope);
        foreach (var (name, value) in variables)
            scope.Variables[name] = value;
        top = scope;
    }

    public TemplateBudget Budget { get; } = new();

    private enum Flow { Next, Break, Continue }

    /// <summary>Local time, for templates that write today's date.</summary>
    public DateTimeOffset Now => time.GetLocalNow();

    public string Render(IReadOnlyList<Statement> template)
    {
        if (Run(template) != Flow.Next)
            throw new TemplateFault("break or continue outside of a loop", template[^1].Line);
        return output.ToString();
    }

    /// <summary>Counts a value that a filter or method has made.</summary>
    public T Made<T>(T value, int line) => Budget.Made(value, line);

    private Flow Run(IReadOnlyList<Statement> statements)
    {
        foreach (var statement in statements)
            if (Run(statement) is var flow and not Flow.Next)
                return flow;
        return Flow.Next;
    }

    private Flow Run(Statement statement)
    {
        Budget.Step(statement.Line);
        switch (statement)
        {
            case DataStatement data:
                Write(data.Text, data.Line);
                return Flow.Next;
            case OutputStatement print:
                Write(Written(Evaluate(print.Value), print.Line), print.Line);
                return Flow.Next;
            case IfStatement choice:
                foreach (var (condition, body) in choice.Branches)
                    if (TemplateOperators.IsTrue(Evaluate(condition)))
                        return Run(body);
                return Run(choice.Else);
            case ForStatement loop:
                return Run(loop);
            case SetStatement set:
                Assign(set.Target, Evaluate(set.Value));
                return Flow.Next;
            case SetBlockStatement set:
                Assign(set.Target, Evaluate(set.Filters(new Literal(Capture(set.Body), set.Line))));
                return Flow.Next;
            case FilterBlockStatement filter:
                Write(Written(Evaluate(filter.Filters(new Literal(Capture(filter.Body), filter.Line))), filter.Line), filter.Line);
                return Flow.Next;
            case WithStatement with:
                return InScope(new Scope(scope), () =>
                {
                    foreach (var (target, value) in with.Assignments)
                        Assign(target, Evaluate(value));
                    return Run(with.Body);
                });
            case MacroStatement macro:
                scope.Variables[macro.Name] = Macro(macro.Name, macro.Signature, macro.Body, scope);
                return Flow.Next;
            case CallBlockStatement call:
                var caller = Macro(Caller, call.Signature, call.Body, scope);
                Write(Written(Call(call.Call, caller), call.Line), call.Line);
                return Flow.Next;
            case TransparentStatement block:
                return Run(block.Body);
            case BlockStatement block:
                // It sees the names of the template, and those of the loops around it only where it says so.
                return InScope(new Scope(block.IsScoped ? scope : top), () => Run(block.Body));
            case BreakStatement:
                return loops > 0 ? Flow.Break : throw new TemplateFault("break outside of a loop", statement.Line);
            case ContinueStatement:
                return loops > 0 ? Flow.Continue : throw new TemplateFault("continue outside of a loop", statement.Line);
            default:
                throw new InvalidOperationException($"no rule for {statement.GetType().Name}");
        }
    }

    private Flow Run(ForStatement loop) => Run(loop, Evaluate(loop.Items), depth: 0, scope);

    private Flow Run(ForStatement loop, object? over, int depth, Scope outer)
    {
        using var state = new TemplateLoop(Items(loop, over), depth, !loop.IsRecursive ? null : (items, line) =>
        {
            if (++calls > DeepestCalls)
                throw new TemplateFault($"the loop calls itself more than {DeepestCalls} deep", line);
            try
            {
                return InScope(outer, () => Made(Capture(() => Run(loop, items, depth + 1, outer)), line));
            }
            finally
            {
                calls--;
            }
        });
        var any = false;
        loops++;
        try
        {
            while (state.MoveNext(out var item))
            {
                any = true;
                Budget.Step(loop.Line);
                // Names set in the body are the iteration's own: that is why templates need namespace().
                var flow = InScope(new Scope(scope), () =>
                {
                    Assign(loop.Target, item);
                    scope.Variables["loop"] = state;
                    return Run(loop.Body);
                });
                if (flow == Flow.Break)
                    return Flow.Next;
            }
        }
        finally
        {
            loops--;
        }
        return any ? Flow.Next : Run(loop.Else);
    }

    private IEnumerable<object?> Items(ForStatement loop, object? over)
    {
        IEnumerable<object?> items = over as TemplateGenerator ?? (IEnumerable<object?>)TemplateIteration.Items(over, loop.Line);
        return loop.Filter is not { } filter ? items : items.Where(item => InScope(new Scope(scope), () =>
        {
            Budget.Step(loop.Line);
            Assign(loop.Target, item);
            return TemplateOperators.IsTrue(Evaluate(filter));
        }));
    }

    private string Written(object? value, int line)
    {
        Budget.ReadAll(value, line);
        return PythonText.Of(value, line);
    }

    private void Write(string text, int line)
    {
        TemplateBudget.CheckLength(output.Length + (double)text.Length, line);
        output.Append(text);
    }

    /// <summary>What a body writes; it is a scope of its own, as in Jinja.</summary>
    private string Capture(IReadOnlyList<Statement> body) => Capture(() => InScope(new Scope(scope), () => Run(body)));

    private string Capture(Func<Flow> body)
    {
        var outer = output;
        output = new StringBuilder();
        try
        {
            body();
            return output.ToString();
        }
        finally
        {
            output = outer;
        }
    }

    private T InScope<T>(Scope inner, Func<T> run)
    {
        var outer = scope;
        scope = inner;
        try
        {
            return run();
        }
        finally
        {
            scope = outer;
        }
    }

    private void Assign(AssignTarget target, object? value)
    {
        switch (target)
        {
            case NameTarget name:
                scope.Variables[name.Name] = value;
                break;
            case MemberTarget member:
                if (!scope.Find(member.Name, out var found) || found is not TemplateNamespace space)
                    throw new TemplateFault($"cannot set {member.Name}.{member.Member}: {member.Name} is not a namespace", member.Line);
                space.Members[member.Member] = value;
                break;
            case TupleTarget tuple:
                var items = TemplateIteration.Items(value, tuple.Line);
                if (items.Count != tuple.Items.Count)
                    throw new TemplateFault($"cannot assign {items.Count} values to {tuple.Items.Count} names", tuple.Line);
                for (var i = 0; i < items.Count; i++)
                    Assign(tuple.Items[i], items[i]);
                break;
        }
    }

    private TemplateFunction Macro(string name, MacroSignature signature, IReadOnlyList<Statement> body, Scope defined) => new(name, call =>
    {
        if (++calls > DeepestCalls)
            throw new TemplateFault($"the macro {name} calls itself more than {DeepestCalls} deep", call.Line);
        var outerLoops = loops;
        loops = 0;
        try
        {
            return InScope(new Scope(defined), () =>
            {
                BindParameters(name, signature, call);
                return Made(Capture(body), call.Line);
            });
        }
        finally
        {
            loops = outerLoops;
            calls--;
        }
    }, signature);

    private void BindParameters(string name, MacroSignature signature, TemplateCall call)
    {
        var extra = call.Named.ToDictionary(entry => entry.Key, entry => entry.Value);
        if (signature.Takes("caller") && !signature.Parameters.Contains("caller"))
            scope.Variables["caller"] = extra.Remove("caller", out var caller) ? caller : new Undefined("there is no caller");
        for (var i = 0; i < signature.Parameters.Count; i++)
        {
            var parameter = signature.Parameters[i];
            if (extra.Remove(parameter, out var value))
            {
                if (i < call.Positional.Count)
                    throw call.Fault($"got the argument {parameter} twice");
            }
            else if (i < call.Positional.Count)
                value = call.Positional[i];
            else
                value = signature.Defaults[i] is { } absent ? Evaluate(absent) : new Undefined($"{name}'s parameter {parameter}");
            scope.Variables[parameter] = value;
        }
        // Only a macro that speaks of them takes more than its parameters.
        if (signature.Takes("varargs"))
            scope.Variables["varargs"] = TemplateList.Tuple([.. call.Positional.Skip(signature.Parameters.Count)]);
        else if (call.Positional.Count > signature.Parameters.Count)
            throw call.Fault($"takes at most {signature.Parameters.Count} arguments, got {call.Positional.Count}");
        if (signature.Takes("kwargs"))
            scope.Variables["kwargs"] = new TemplateDict(extra.Select(entry => KeyValuePair.Create((object?)entry.Key, entry.Value)));
        else if (extra.Count > 0)
            throw call.Fault($"has no parameter {extra.Keys.First()}");
    }

    /// <summary>Names and their values, inside of the scope around it.</summary>
    private sealed class Scope(Scope? parent)
    {
        public Dictionary<string, object?> Variables { get; } = new(StringComparer.Ordinal);

        public bool Find(string name, out object? value)
        {
            for (var scope = this; scope is not null; scope = scope.Parent)
                if (scope.Variables.TryGetValue(name, out value))
                    return true;
            value = null;
            return false;
        }

        private Scope? Parent { get; } = parent;
    }
}
