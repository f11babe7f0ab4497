using System.Globalization;

namespace Agora.Tests.ChatTemplates;

/// <summary>Templates put together at random from the constructs that chat templates use, over the names of variables.json.</summary>
internal sealed class RandomTemplates(int seed)
{
    private static readonly string[] Names =
        ["zero", "one", "seven", "negative", "half", "whole", "yes", "no", "missing", "empty", "word", "spaced", "lines", "quotes", "number_text", "list", "words", "nested", "no_items", "mixed", "people", "dict", "deep", "messages", "none"];     // none last: it is a literal, of which Jinja makes constants by other rules
    private static readonly string[] Literals = ["1", "-2", "2.5", "'a'", "\"b c\"", "''", "true", "none", "[1, 'x']", "[]", "{'k': 1}", "(1, 2)", "'é🙂'", "range(3)"];
    private static readonly string[] Operators = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"];
    private static readonly string[] Filters =
        ["trim", "upper", "lower", "capitalize", "title", "string", "length", "first", "last", "list", "reverse", "sort", "unique", "min", "max", "sum", "join", "join(',')", "int", "float", "abs", "round", "tojson",
         "default('d')", "default('d', true)", "items", "dictsort", "map('upper')", "map('string')", "map(attribute='name')", "select", "reject", "select('string')", "selectattr('role')",
         "selectattr('role', 'equalto', 'user')", "rejectattr('content', 'string')", "replace('a', 'b')", "indent", "indent(2, true)", "wordcount", "batch(2)", "slice(2)", "escape", "safe", "e", "truncate(9)", "center(9)", "groupby('age')"];
    private static readonly string[] Tests =
        ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "iterable", "sequence", "true", "odd", "even", "callable", "in list", "divisibleby(3)", "eq(1)", "sameas(none)", "lower", "upper"];
    private static readonly string[] Members =
        [".strip()", ".split()", ".split(',')", ".split('a', 1)", ".upper()", ".title()", ".startswith('a')", ".endswith('c')", ".replace('a', 'X')", ".splitlines()", ".items()", ".keys()", ".values()", ".get('a')", ".get('role', 'r')",
         ".role", ".content", ".name", "['role']", "['a']", "[0]", "[-1]", "[1:]", "[:-1]", "[::-1]", ".find('a')", ".count('a')", ".rstrip('\\n')", ".lstrip()", ".isdigit()", ".join(words)", ".index(1)", ".format(1)", ".partition('b')"];

    private readonly Random random = new(seed);

    public string Next() => string.Concat(Enumerable.Range(0, random.Next(1, 4)).Select(_ => Statement(2)));

    private T Pick<T>(params ReadOnlySpan<T> items) => items[random.Next(items.Length)];

    private string Statement(int depth) => random.Next(depth > 0 ? 9 : 2) switch
    {
        0 => Pick("text", " ", "\n", "  \n  ", "{# note #}", "x {", "\t") + "",
        1 or 2 => $"{{{{{Pick("", "-")} {Value(2)} {Pick("", "-")}}}}}",
        3 => $"{Open()} if {Value(2)} {Close()}{Statement(depth - 1)}{Open()} else {Close()}{Statement(depth - 1)}{Open()} endif {Close()}",
        4 or 5 => $"{Open()} for {Item()} in {Value(1)} {Pick("", "if " + Value(1) + " ")}{Close()}{Statement(depth - 1)}{{{{ {Pick("item", "loop.index", "loop.last", "loop.first", "loop.length")} }}}}{Pick("", "{% if loop.index > 2 %}{% break %}{% endif %}")}{Open()} endfor {Close()}",
        6 => $"{Open()} set x = {Value(2)} {Close()}{{{{ x }}}}",
        7 => $"{Open()} set x {Close()}{Statement(depth - 1)}{Open()} endset {Close()}{{{{ x{Pick("", "|trim", "|length")} }}}}",
        _ => $"{Open()} macro m(a, b={Value(0)}) {Close()}{Statement(depth - 1)}{{{{ a ~ b }}}}{Open()} endmacro {Close()}{{{{ m({Value(1)}) }}}}",
    };

    private string Open() => Pick("{%", "{%-", "  {%", "\n{%", "{%+");

    private string Close() => Pick("%}", "-%}", "%}\n", "+%}", "%}  ");

    private string Item() => Pick("item", "item", "item, other");

    private string Value(int depth) => random.Next(depth > 0 ? 12 : 4) switch
    {
        0 or 1 or 2 => Pick(Names),
        3 => Pick(Literals),
        4 => $"{Value(depth - 1)} {Pick(Operators)} {Value(depth - 1)}",
        5 => $"({Value(depth - 1)}) {Pick(Operators)} ({Value(depth - 1)})",
        6 => $"{Value(depth - 1)} | {Pick(Filters)}",
        7 => $"({Value(depth - 1)}) | {Pick(Filters)} | {Pick(Filters)}",
        8 => $"{Value(depth - 1)} is {Pick("", "not ")}{Pick(Tests)}",
        9 or 10 => $"{Pick(Names.AsSpan()[..^1])}{Pick(Members)}",
        _ => Pick("not " + Value(depth - 1), $"{Value(depth - 1)} if {Value(depth - 1)} else {Value(depth - 1)}", string.Create(CultureInfo.InvariantCulture, $"[{Value(0)}, {Value(0)}]")),
    };
}
