using System.Globalization;

namespace Agora.Students.ChatTemplates;

/// <summary>Reads a Jinja template's statements; expressions are in the other part of the class.</summary>
internal sealed partial class TemplateParser
{
    // Far above what templates nest, far below what the stack bears.
    private const int DeepestNesting = 100;

    private readonly List<TemplateToken> tokens;
    private int at;
    private int depth;
    private HashSet<string> spoken = new(StringComparer.Ordinal);   // names in the macro that is being read
    private readonly HashSet<string> blocks = new(StringComparer.Ordinal);

    private TemplateParser(List<TemplateToken> tokens) => this.tokens = tokens;

    private TemplateToken Current => tokens[at];

    /// <exception cref="TemplateFault">Not a template, or a construct that is not supported.</exception>
    public static IReadOnlyList<Statement> Parse(string template)
    {
        var parser = new TemplateParser(TemplateLexer.Read(template));
        var statements = parser.ParseBody([]);
        return statements;
    }

    /// <summary>Statements up to one of the words, whose tag has then been entered: the word itself is the current token.</summary>
    private List<Statement> ParseBody(ReadOnlySpan<string> until)
    {
        using var nesting = Nest();
        var statements = new List<Statement>();
        while (true)
        {
            var token = Take();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    statements.Add(new DataStatement(token.Value, token.Line));
                    break;
                case TokenKind.VariableBegin:
                    statements.Add(new OutputStatement(ParseTuple(), token.Line));
                    Expect(TokenKind.VariableEnd, "}}");
                    break;
                case TokenKind.BlockBegin:
                    if (Current.Kind == TokenKind.Name && until.Contains(Current.Value))
                        return statements;
                    statements.Add(ParseStatement());
                    break;
                case TokenKind.End:
                    return until.IsEmpty ? statements : throw new TemplateFault($"{string.Join(" or ", until.ToArray())} is missing", token.Line);
                default:
                    throw new TemplateFault($"unexpected {Describe(token)}", token.Line);
            }
        }
    }

    private Statement ParseStatement()
    {
        var tag = Take();
        if (tag.Kind != TokenKind.Name)
            throw new TemplateFault($"a tag must begin with a name, not with {Describe(tag)}", tag.Line);
        return tag.Value switch
        {
            "if" => ParseIf(tag.Line),
            "for" => ParseFor(tag.Line),
            "set" => ParseSet(tag.Line),
            "macro" => ParseMacro(tag.Line),
            "call" => ParseCallBlock(tag.Line),
            "filter" => ParseFilterBlock(tag.Line),
            "with" => ParseWith(tag.Line),
            "block" => ParseBlock(tag.Line),
            "autoescape" => ParseAutoescape(tag.Line),
            // Marks, for training, what the assistant writes; it changes nothing in the text.
            "generation" => new TransparentStatement(BlockBody("endgeneration"), tag.Line),
            "break" => EndTag(new BreakStatement(tag.Line)),
            "continue" => EndTag(new ContinueStatement(tag.Line)),
            _ => throw new TemplateFault($"the tag {{% {tag.Value} %}} is not supported", tag.Line),
        };
    }

    private IfStatement ParseIf(int line)
    {
        var branches = new List<(Expression, IReadOnlyList<Statement>)>();
        while (true)
        {
            var condition = ParseTuple();
            EndTag();
            branches.Add((condition, ParseBody(["elif", "else", "endif"])));
            var word = Take().Value;
            if (word == "elif")
                continue;
            IReadOnlyList<Statement> otherwise = [];
            if (word == "else")
                otherwise = BlockBody("endif");
            else
                EndTag();
            return new IfStatement(branches, otherwise, line);
        }
    }

    private ForStatement ParseFor(int line)
    {
        var target = ParseTarget();
        if (target is NameTarget { Name: "loop" })
            throw new TemplateFault("cannot assign to loop in a loop", line);
        ExpectName("in");
        var items = ParseTuple(withCondition: false);
        Expression? filter = TakeName("if") ? ParseExpression() : null;
        var isRecursive = TakeName("recursive");
        EndTag();
        var body = ParseBody(["else", "endfor"]);
        IReadOnlyList<Statement> otherwise = [];
        if (Take().Value == "else")
            otherwise = BlockBody("endfor");
        else
            EndTag();
        return new ForStatement(target, items, filter, body, otherwise, isRecursive, line);
    }

    private Statement ParseSet(int line)
    {
        var target = ParseTarget();
        if (TakeOperator("="))
            return EndTag(new SetStatement(target, ParseTuple(), line));
        var filters = ParseBlockFilters();
        return new SetBlockStatement(target, BlockBody("endset"), filters, line);
    }

    private FilterBlockStatement ParseFilterBlock(int line)
    {
        // The first filter stands without its bar.
        var first = at;
        var name = Expect(TokenKind.Name, "a filter's name").Value;
        var arguments = Current.Is(TokenKind.Operator, "(") ? ParseArguments() : CallArguments.None;
        var rest = ParseBlockFilters();
        return new FilterBlockStatement(BlockBody("endfilter"), body => rest(new FilterExpression(body, name, arguments, tokens[first].Line)), line);
    }

    private Func<Expression, Expression> ParseBlockFilters()
    {
        var filters = new List<(string Name, CallArguments Arguments, int Line)>();
        while (TakeOperator("|"))
        {
            var filterLine = Current.Line;
            var name = Expect(TokenKind.Name, "a filter's name").Value;
            filters.Add((name, Current.Is(TokenKind.Operator, "(") ? ParseArguments() : CallArguments.None, filterLine));
        }
        return body => filters.Aggregate(body, (value, filter) => new FilterExpression(value, filter.Name, filter.Arguments, filter.Line));
    }

    private WithStatement ParseWith(int line)
    {
        var assignments = new List<(AssignTarget, Expression)>();
        while (Current.Kind != TokenKind.BlockEnd)
        {
            if (assignments.Count > 0)
                ExpectOperator(",");
            var target = ParseTarget();
            ExpectOperator("=");
            assignments.Add((target, ParseExpression()));
        }
        return new WithStatement(assignments, BlockBody("endwith"), line);
    }

    private MacroStatement ParseMacro(int line)
    {
        var name = Expect(TokenKind.Name, "the macro's name").Value;
        var (signature, body) = ParseMacroBody(ParseParameters(), "endmacro");
        return new MacroStatement(name, signature, body, line);
    }

    private CallBlockStatement ParseCallBlock(int line)
    {
        var parameters = Current.Is(TokenKind.Operator, "(") ? ParseParameters() : ([], []);
        var call = ParseExpression() as CallExpression ?? throw new TemplateFault("{% call %} needs a call of a macro", line);
        var (signature, body) = ParseMacroBody(parameters, "endcall");
        return new CallBlockStatement(call, signature, body, line);
    }

    private (MacroSignature, IReadOnlyList<Statement>) ParseMacroBody((List<string> Names, List<Expression?> Defaults) parameters, string end)
    {
        var outer = spoken;
        spoken = new(StringComparer.Ordinal);
        var body = BlockBody(end);
        var signature = new MacroSignature(parameters.Names, parameters.Defaults, spoken);
        // What a macro inside of another speaks of, the outer one does, too.
        outer.UnionWith(spoken);
        spoken = outer;
        return (signature, body);
    }

    private (List<string> Names, List<Expression?> Defaults) ParseParameters()
    {
        var names = new List<string>();
        var defaults = new List<Expression?>();
        ExpectOperator("(");
        while (!TakeOperator(")"))
        {
            if (names.Count > 0)
                ExpectOperator(",");
            names.Add(Expect(TokenKind.Name, "a parameter's name").Value);
            if (TakeOperator("="))
                defaults.Add(ParseExpression());
            else if (defaults.Count > 0 && defaults[^1] is not null)
                throw new TemplateFault($"the parameter {names[^1]} without a default follows one with a default", Current.Line);
            else
                defaults.Add(null);
        }
        return (names, defaults);
    }

    private BlockStatement ParseBlock(int line)
    {
        var name = Expect(TokenKind.Name, "the block's name").Value;
        if (!blocks.Add(name))
            throw new TemplateFault($"the block {name} is there twice", line);
        var isScoped = TakeName("scoped");
        if (Current.Is(TokenKind.Name, "required"))
            throw new TemplateFault($"the block {name} is required, and no template here extends this one", line);
        EndTag();
        var body = ParseBody(["endblock"]);
        Take();
        TakeName(name);
        EndTag();
        return new BlockStatement(isScoped, body, line);
    }

    /// <summary>Off, as it is in chat templates anyway.</summary>
    private TransparentStatement ParseAutoescape(int line) =>
        ParseExpression() is Literal { Value: false } ? new TransparentStatement(BlockBody("endautoescape"), line) : throw new TemplateFault("{% autoescape %} is supported with false only", line);

    private AssignTarget ParseTarget()
    {
        var line = Current.Line;
        var targets = new List<AssignTarget> { ParseOneTarget() };
        var isTuple = false;
        while (TakeOperator(","))
        {
            isTuple = true;
            if (Current.Kind is TokenKind.Name && Current.Value != "in" || Current.Is(TokenKind.Operator, "("))
                targets.Add(ParseOneTarget());
        }
        return isTuple ? new TupleTarget(targets, line) : targets[0];
    }

    private AssignTarget ParseOneTarget()
    {
        using var nesting = Nest();
        if (TakeOperator("("))
        {
            var inner = ParseTarget();
            ExpectOperator(")");
            return inner;
        }
        var name = Expect(TokenKind.Name, "a name to assign to");
        if (name.Value is "true" or "false" or "none" or "True" or "False" or "None")
            throw new TemplateFault($"cannot assign to {name.Value}", name.Line);
        return TakeOperator(".") ? new MemberTarget(name.Value, Expect(TokenKind.Name, "a member's name").Value, name.Line) : new NameTarget(name.Value, name.Line);
    }

    /// <summary>The rest of the opening tag, the body, and the closing tag.</summary>
    private List<Statement> BlockBody(string until)
    {
        EndTag();
        var body = ParseBody([until]);
        Take();
        EndTag();
        return body;
    }

    private Nesting Nest()
    {
        if (++depth > DeepestNesting)
            throw new TemplateFault($"the template nests more than {DeepestNesting} deep", Current.Line);
        return new Nesting(this);
    }

    private TemplateToken Take() => tokens[at < tokens.Count - 1 ? at++ : at];

    private bool TakeOperator(string text) => TakeIf(TokenKind.Operator, text);

    private bool TakeName(string text) => TakeIf(TokenKind.Name, text);

    private bool TakeIf(TokenKind kind, string text)
    {
        if (!Current.Is(kind, text))
            return false;
        at++;
        return true;
    }

    private TemplateToken Expect(TokenKind kind, string what) =>
        Current.Kind == kind ? Take() : throw new TemplateFault($"expected {what}, found {Describe(Current)}", Current.Line);

    private void ExpectOperator(string text)
    {
        if (!TakeOperator(text))
            throw new TemplateFault($"expected {text}, found {Describe(Current)}", Current.Line);
    }

    private void ExpectName(string text)
    {
        if (!TakeName(text))
            throw new TemplateFault($"expected {text}, found {Describe(Current)}", Current.Line);
    }

    private void EndTag() => Expect(TokenKind.BlockEnd, "%}");

    private T EndTag<T>(T statement)
    {
        EndTag();
        return statement;
    }

    private static string Describe(TemplateToken token) => token.Kind switch
    {
        TokenKind.End => "the end of the template",
        TokenKind.VariableEnd => "}}",
        TokenKind.BlockEnd => "%}",
        TokenKind.VariableBegin => "{{",
        TokenKind.BlockBegin => "{%",
        TokenKind.Text => "a string",
        TokenKind.Data => "text",
        _ => token.Value.ToString(CultureInfo.InvariantCulture),
    };

    private readonly struct Nesting(TemplateParser parser) : IDisposable
    {
        public void Dispose() => parser.depth--;
    }
}
