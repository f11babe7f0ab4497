namespace Agora.Students.ChatTemplates;

/// <param name="Line">From 1.</param>
internal abstract record TemplateNode(int Line);

internal abstract record Statement(int Line) : TemplateNode(Line);

internal sealed record DataStatement(string Text, int Line) : Statement(Line);

internal sealed record OutputStatement(Expression Value, int Line) : Statement(Line);

/// <param name="Branches">Condition and body, in order.</param>
internal sealed record IfStatement(IReadOnlyList<(Expression Condition, IReadOnlyList<Statement> Body)> Branches, IReadOnlyList<Statement> Else, int Line) : Statement(Line);

internal sealed record ForStatement(AssignTarget Target, Expression Items, Expression? Filter, IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Else, bool IsRecursive, int Line) : Statement(Line);

internal sealed record SetStatement(AssignTarget Target, Expression Value, int Line) : Statement(Line);

/// <summary>{% set name | filter %}…{% endset %}: the rendered body is the value.</summary>
internal sealed record SetBlockStatement(AssignTarget Target, IReadOnlyList<Statement> Body, Func<Expression, Expression> Filters, int Line) : Statement(Line);

internal sealed record FilterBlockStatement(IReadOnlyList<Statement> Body, Func<Expression, Expression> Filters, int Line) : Statement(Line);

internal sealed record WithStatement(IReadOnlyList<(AssignTarget Target, Expression Value)> Assignments, IReadOnlyList<Statement> Body, int Line) : Statement(Line);

internal sealed record MacroStatement(string Name, MacroSignature Signature, IReadOnlyList<Statement> Body, int Line) : Statement(Line);

/// <summary>{% call(a, b) macro(…) %}…{% endcall %}: the body becomes the macro's caller().</summary>
internal sealed record CallBlockStatement(CallExpression Call, MacroSignature Signature, IReadOnlyList<Statement> Body, int Line) : Statement(Line);

/// <summary>Its body is rendered as if the tags were not there.</summary>
internal sealed record TransparentStatement(IReadOnlyList<Statement> Body, int Line) : Statement(Line);

/// <summary>{% block name %}: without a template that extends this one it is rendered where it stands.</summary>
internal sealed record BlockStatement(bool IsScoped, IReadOnlyList<Statement> Body, int Line) : Statement(Line);

internal sealed record BreakStatement(int Line) : Statement(Line);

internal sealed record ContinueStatement(int Line) : Statement(Line);

/// <param name="Spoken">The names that the body speaks of: only with varargs, kwargs or caller among them does a macro take these.</param>
internal sealed record MacroSignature(IReadOnlyList<string> Parameters, IReadOnlyList<Expression?> Defaults, IReadOnlySet<string> Spoken)
{
    public bool Takes(string name) => Spoken.Contains(name);

    /// <summary>What a template may ask of a macro.</summary>
    public object? Member(string macro, string name) => name switch
    {
        "name" => macro,
        "arguments" => TemplateList.Tuple([.. Parameters]),
        "catch_varargs" => Takes("varargs"),
        "catch_kwargs" => Takes("kwargs"),
        "caller" => Takes("caller"),
        _ => null,
    };
}

internal abstract record AssignTarget(int Line) : TemplateNode(Line);

internal sealed record NameTarget(string Name, int Line) : AssignTarget(Line);

internal sealed record MemberTarget(string Name, string Member, int Line) : AssignTarget(Line);

internal sealed record TupleTarget(IReadOnlyList<AssignTarget> Items, int Line) : AssignTarget(Line);

internal abstract record Expression(int Line) : TemplateNode(Line);

internal sealed record Literal(object? Value, int Line) : Expression(Line);

internal sealed record Name(string Text, int Line) : Expression(Line);

internal sealed record ListExpression(IReadOnlyList<Expression> Items, bool IsTuple, int Line) : Expression(Line);

internal sealed record DictExpression(IReadOnlyList<(Expression Key, Expression Value)> Items, int Line) : Expression(Line);

internal sealed record MemberExpression(Expression Of, string Name, int Line) : Expression(Line);

internal sealed record IndexExpression(Expression Of, Expression Index, int Line) : Expression(Line);

internal sealed record SliceExpression(Expression Of, Expression? Start, Expression? Stop, Expression? Step, int Line) : Expression(Line);

internal sealed record CallExpression(Expression Function, CallArguments Arguments, int Line) : Expression(Line);

internal sealed record FilterExpression(Expression Of, string Filter, CallArguments Arguments, int Line) : Expression(Line);

internal sealed record TestExpression(Expression Of, string Test, CallArguments Arguments, int Line) : Expression(Line);

internal sealed record NotExpression(Expression Of, int Line) : Expression(Line);

internal sealed record SignExpression(Expression Of, bool Negative, int Line) : Expression(Line);

internal sealed record BinaryExpression(string Operator, Expression Left, Expression Right, int Line) : Expression(Line);

internal sealed record LogicExpression(bool IsAnd, Expression Left, Expression Right, int Line) : Expression(Line);

/// <summary>a &lt; b &lt;= c: every comparison must hold.</summary>
internal sealed record CompareExpression(Expression First, IReadOnlyList<(string Operator, Expression Right)> Rest, int Line) : Expression(Line);

internal sealed record ConditionalExpression(Expression Condition, Expression Then, Expression? Else, int Line) : Expression(Line);

/// <param name="ListSplat">*arguments.</param>
/// <param name="DictSplat">**arguments.</param>
internal sealed record CallArguments(IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named, Expression? ListSplat, Expression? DictSplat)
{
    public static CallArguments None { get; } = new([], [], null, null);
}
