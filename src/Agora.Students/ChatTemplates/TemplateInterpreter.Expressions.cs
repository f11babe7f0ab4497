namespace Agora.Students.ChatTemplates;

internal sealed partial class TemplateInterpreter
{
    /// <summary>value[key], else value.key where that is a method or member.</summary>
    public static object? Index(object? value, object? key, int line)
    {
        key = TemplateMarkup.Plain(key);
        switch (TemplateMarkup.Plain(value))
        {
            case TemplateDict dict when dict.TryGet(key, out var found):
                return found;
            case TemplateList { IsView: false } list when key is long or bool:
                var at = TemplateOperators.Integer(key);
                at += at < 0 ? list.Count : 0;
                return at >= 0 && at < list.Count ? list[(int)at] : new Undefined($"the item {PythonText.Repr(key, line)} of {TemplateValues.Kind(value)} of {list.Count}");
            case TemplateList { IsView: true } or TemplateGenerator when key is long or bool:
                return Missing(value, PythonText.Repr(key, line));
            case string text when key is long or bool:
                return PythonText.PointAt(text, TemplateOperators.Integer(key)) is { } point ? TemplateMarkup.Like(value, point) : new Undefined($"the item {PythonText.Repr(key, line)} of a string");
            case Undefined undefined:
                throw new TemplateFault($"{undefined} has no items", line);
        }
        return key is string name ? MemberOnly(value, name, line) ?? (HoldsNone(value, name) ? null : Missing(value, name)) : Missing(value, PythonText.Repr(key, line));
    }

    public TemplateCall NewCall(string name, IReadOnlyList<object?> positional, int line) => new(name, positional, new Dictionary<string, object?>(), line, this);

    public object? Filter(string filter, object? value, TemplateCall call) =>
        TemplateFilters.TryGet(filter, out var apply) ? Made(Apply(filter, apply, value, call), call.Line) : throw new TemplateFault($"the filter {filter} is not supported", call.Line);

    public static bool Test(string test, object? value, TemplateCall call) =>
        TemplateConditions.TryGet(test, out var holds) ? holds(test == "escaped" ? value : TemplateMarkup.Plain(value), call) : throw new TemplateFault($"the test {test} is not supported", call.Line);

    private object? Apply(string filter, Func<object?, TemplateCall, object?> apply, object? value, TemplateCall call)
    {
        // A filter goes through the value; one of text, through all that the value holds.
        if (TemplateFilters.WritesOut(filter))
            Budget.ReadAll(value, call.Line);
        else
            Budget.Read(value, call.Line);
        if (value is not TemplateMarkup || filter is "safe" or "escape" or "e")
            return apply(value, call);
        if (filter == "format")
            throw call.Fault("is not supported on what safe or escape made");
        var result = apply(TemplateMarkup.Plain(value), call);
        return TemplateMarkup.Keeps(filter) && result is string text ? new TemplateMarkup(text) : result;
    }

    private static Undefined Missing(object? value, string name) => new($"{name} of {TemplateValues.Kind(value)}");

    /// <summary>value.name: methods and members first, then the item of that name, as in Jinja.</summary>
    public static object? Member(object? value, string name, int line)
    {
        if (value is Undefined undefined)
            throw new TemplateFault($"{undefined} has no member {name}", line);
        if (MemberOnly(value, name, line) is { } member)
            return member;
        return value switch
        {
            TemplateDict dict when dict.TryGet(name, out var found) => found,
            _ => HoldsNone(value, name) ? null : Missing(value, name),
        };
    }

    /// <summary>Whether a member that came out as none is there at all.</summary>
    private static bool HoldsNone(object? value, string name) => value switch
    {
        TemplateNamespace space => space.Members.ContainsKey(name),
        TemplateLoop => name is "previtem" or "nextitem",
        TemplateCycler => name == "current",
        TemplateList list => list.Fields.Contains(name),
        _ => false,
    };

    /// <returns>Null where the value has no method or member of the name.</returns>
    public static object? MemberOnly(object? value, string name, int line) => value switch
    {
        TemplateLoop loop => loop.Member(name),
        TemplateCycler cycler => cycler.Member(name),
        TemplateNamespace space => space.Members.GetValueOrDefault(name),
        TemplateFunction { Parameters: { } signature } macro => signature.Member(macro.Name, name),
        string text => TemplateMethods.OfText(text, name),
        TemplateMarkup markup => markup.Method(name),
        TemplateDict dict => TemplateMethods.OfDict(dict, name, line),
        TemplateList list => list.Fields.ToList().IndexOf(name) is >= 0 and var field ? list[field] : TemplateMethods.OfList(list, name, line),
        _ => null,
    };

    private object? Evaluate(Expression expression)
    {
        Budget.Step(expression.Line);
        switch (expression)
        {
            case Literal literal:
                return literal.Value;
            case Name name:
                return scope.Find(name.Text, out var found) ? found : new Undefined(name.Text);
            case ListExpression list:
                return Made(new TemplateList([.. list.Items.Select(Evaluate)], list.IsTuple ? SequenceKind.Tuple : SequenceKind.List), list.Line);
            case DictExpression dict:
                return Made(new TemplateDict(dict.Items.Select(item => KeyValuePair.Create(Hashable(TemplateMarkup.Plain(Evaluate(item.Key)), item.Key.Line), Evaluate(item.Value))).ToList()), dict.Line);
            case MemberExpression member:
                var of = Evaluate(member.Of);
                Budget.Read(of is TemplateDict ? null : of, member.Line);      // methods go through a text or list
                return Member(of, member.Name, member.Line);
            case IndexExpression index:
                return Index(Evaluate(index.Of), Evaluate(index.Index), index.Line);
            case SliceExpression slice:
                return Slice(slice);
            case CallExpression call:
                return Call(call, caller: null);
            case FilterExpression filter:
                return Filter(filter.Filter, Evaluate(filter.Of), Arguments($"the filter {filter.Filter}", filter.Arguments, filter.Line));
            case TestExpression test:
                return Test(test.Test, Evaluate(test.Of), Arguments($"the test {test.Test}", test.Arguments, test.Line));
            case NotExpression not:
                return !TemplateOperators.IsTrue(Evaluate(not.Of));
            case SignExpression sign:
                var value = Evaluate(sign.Of);
                return sign.Negative ? TemplateOperators.Negate(value, sign.Line)
                    : value is bool flag ? (flag ? 1L : 0L)
                    : TemplateOperators.IsNumber(value) ? value : throw new TemplateFault($"cannot apply + to {TemplateValues.Kind(value)}", sign.Line);
            case BinaryExpression binary:
                return Binary(binary);
            case LogicExpression logic:
                var left = Evaluate(logic.Left);
                return TemplateOperators.IsTrue(left) == logic.IsAnd ? Evaluate(logic.Right) : left;
            case CompareExpression compare:
                return Compare(compare);
            case ConditionalExpression conditional:
                if (TemplateOperators.IsTrue(Evaluate(conditional.Condition)))
                    return Evaluate(conditional.Then);
                return conditional.Else is { } otherwise ? Evaluate(otherwise) : new Undefined("the inline if without else");
            default:
                throw new InvalidOperationException($"no rule for {expression.GetType().Name}");
        }
    }

    private object? Binary(BinaryExpression binary)
    {
        var left = Evaluate(binary.Left);
        var right = Evaluate(binary.Right);
        if (binary.Operator == "+" && (left is TemplateMarkup || right is TemplateMarkup))
            return Made(TemplateMarkup.Join(left, right, binary.Line), binary.Line);
        if (left is TemplateMarkup && binary.Operator == "%")
            throw new TemplateFault("% is not supported on what safe or escape made", binary.Line);
        (left, right) = (TemplateMarkup.Plain(left), TemplateMarkup.Plain(right));
        if (binary.Operator == "~")
            return Made(Written(left, binary.Line) + Written(right, binary.Line), binary.Line);
        if (binary.Operator == "%" && left is string)
            Budget.ReadAll(right, binary.Line);
        // A format may write what is undefined, as nothing.
        if ((left as Undefined ?? right as Undefined) is { } undefined && !(binary.Operator == "%" && left is string))
            throw new TemplateFault($"{undefined} cannot be an operand of {binary.Operator}", binary.Line);
        return Made(TemplateOperators.Apply(binary.Operator, left, right, binary.Line), binary.Line);
    }

    private bool Compare(CompareExpression compare)
    {
        var left = TemplateMarkup.Plain(Evaluate(compare.First));
        foreach (var (symbol, expression) in compare.Rest)
        {
            var right = TemplateMarkup.Plain(Evaluate(expression));
            Budget.ReadAll(symbol is "in" or "not in" ? right : left, compare.Line);
            var holds = symbol switch
            {
                "==" => TemplateOperators.AreEqual(left, right),
                "!=" => !TemplateOperators.AreEqual(left, right),
                "in" => TemplateOperators.Contains(right, left, compare.Line),
                "not in" => !TemplateOperators.Contains(right, left, compare.Line),
                "<" => TemplateOperators.Compare(left, right, compare.Line) < 0,
                "<=" => TemplateOperators.Compare(left, right, compare.Line) <= 0,
                ">" => TemplateOperators.Compare(left, right, compare.Line) > 0,
                _ => TemplateOperators.Compare(left, right, compare.Line) >= 0,
            };
            if (!holds)
                return false;
            left = right;
        }
        return true;
    }

    private object? Slice(SliceExpression slice)
    {
        var value = Evaluate(slice.Of);
        Budget.Read(value is string ? value : null, slice.Line);
        long? Bound(Expression? bound) => (bound is null ? null : Evaluate(bound)) switch
        {
            null => null,
            long number => number,
            bool flag => flag ? 1 : 0,
            var other => throw new TemplateFault($"a slice needs integers, got {TemplateValues.Kind(other)}", slice.Line),
        };
        var (start, stop, step) = (Bound(slice.Start), Bound(slice.Stop), Bound(slice.Step) ?? 1);
        if (step == 0)
            throw new TemplateFault("the step of a slice cannot be 0", slice.Line);
        return TemplateMarkup.Plain(value) switch
        {
            string text => Made(TemplateMarkup.Like(value, string.Concat(TemplateIteration.Slice(PythonText.Points(text), start, stop, step))), slice.Line),
            TemplateList { IsView: false } list => Made(list.Slice(start, stop, step), slice.Line),
            Undefined => throw new TemplateFault($"{value} cannot be sliced", slice.Line),
            _ => throw new TemplateFault($"cannot slice {TemplateValues.Kind(value)}", slice.Line),
        };
    }

    private object? Call(CallExpression call, TemplateFunction? caller)
    {
        var function = Evaluate(call.Function);
        if (function is TemplateLoop { Recurse: { } recurse })
            return recurse(Arguments("loop", call.Arguments, call.Line).Bind("iterable").Value(0), call.Line);
        if (function is not TemplateFunction callable)
            throw new TemplateFault(function is Undefined undefined ? $"{undefined} cannot be called" : $"cannot call {TemplateValues.Kind(function)}", call.Line);
        var arguments = Arguments(callable.Name, call.Arguments, call.Line, keepsMarkup: callable.Parameters is not null);
        if (caller is not null)
            arguments = new TemplateCall(callable.Name, arguments.Positional, new Dictionary<string, object?>(arguments.Named) { ["caller"] = caller }, call.Line, this);
        foreach (var argument in arguments.Positional)
            Budget.ReadAll(argument, call.Line);
        return Made(callable.Body(arguments), call.Line);
    }

    /// <param name="keepsMarkup">For a macro, which hands its arguments on.</param>
    private TemplateCall Arguments(string name, CallArguments arguments, int line, bool keepsMarkup = false)
    {
        object? Argument(Expression argument) => keepsMarkup ? Evaluate(argument) : TemplateMarkup.Plain(Evaluate(argument));
        var positional = arguments.Positional.Select(Argument).ToList();
        if (arguments.ListSplat is { } list)
            positional.AddRange(TemplateIteration.Items(Evaluate(list), line));
        var named = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (key, value) in arguments.Named)
            named[key] = Argument(value);
        if (arguments.DictSplat is { } splat)
            foreach (var (key, value) in Evaluate(splat) as TemplateDict ?? throw new TemplateFault("** needs a mapping", line))
                named[key as string ?? throw new TemplateFault("** needs a mapping with strings as keys", line)] = value;
        return new TemplateCall(name, positional, named, line, this);
    }

    private static object? Hashable(object? key, int line) => TemplateKey.Allows(key)
        ? key
        : throw new TemplateFault($"{TemplateValues.Kind(key)} cannot be the key of a mapping", line);
}
