using System.Globalization;

namespace Agora.Tests.ChatTemplates;

/// <summary>Templates put together at random from the constructs that public chat templates use, over the names of variables.json.</summary>
internal sealed class RandomTemplates(int seed)
{
    private static readonly string[] Names =
        ["zero", "one", "seven", "negative", "half", "whole", "yes", "no", "missing", "empty", "word", "spaced", "lines", "quotes", "number_text", "umlaut", "html", "long_text", "list", "words", "nested", "no_items", "mixed", "people", "dict", "no_entries", "deep", "messages",
         "messages[2]", "messages[2].tool_calls[0].function.arguments", "tools", "tools[0].function.parameters.properties", "none"];     // none last: it is a literal, of which Jinja makes constants by other rules
    private static readonly string[] Literals = ["1", "-2", "2.5", "'a'", "\"b c\"", "''", "true", "none", "[1, 'x']", "[]", "{'k': 1}", "{'b': [2], 'a': {'c': none}}", "(1, 2)", "'é🙂'", "range(3)", "range(5, 0, -2)", "'x\\n'", "1.0", "'%s'"];
    private static readonly string[] Operators = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or", "**"];
    private static readonly string[] Filters =
        ["trim", "upper", "lower", "capitalize", "title", "string", "length", "first", "last", "list", "reverse", "sort", "unique", "min", "max", "sum", "join", "join(',')", "int", "float", "abs", "round", "tojson",
         "default('d')", "default('d', true)", "items", "dictsort", "map('upper')", "map('string')", "map(attribute='name')", "select", "reject", "select('string')", "selectattr('role')",
         "selectattr('role', 'equalto', 'user')", "rejectattr('content', 'string')", "replace('a', 'b')", "indent", "indent(2, true)", "wordcount", "batch(2)", "slice(2)", "escape", "safe", "e", "truncate(9)", "center(9)", "groupby('age')",
         "tojson(indent=2)", "tojson(indent=4, sort_keys=true)", "tojson(ensure_ascii=true)", "tojson(separators=(',', ':'))", "tojson(indent=0)", "sort(reverse=true)", "sort(attribute='name')", "sort(case_sensitive=true)", "dictsort(by='value')", "dictsort(reverse=true)",
         "map(attribute='tag', default='-')", "map('length')", "map('first')", "map('tojson')", "map('trim')", "map('replace', 'a', 'o')", "select('in', words)", "select('gt', 1)", "reject('none')", "rejectattr('role', 'in', ['user', 'tool'])", "selectattr('tag', 'defined')",
         "selectattr('age', 'lt', 30)", "rejectattr('tag')", "sum(attribute='age')", "sum(start=10)", "join('-', attribute='role')", "unique(attribute='age')", "unique(case_sensitive=true)", "min(attribute='age')", "groupby('tag', default='none')", "trim('a')", "int(7)", "int(base=16)", "float(0.5)",
         "round(1)", "round(1, 'floor')", "round(method='ceil')", "batch(3, 'x')", "slice(3, 'x')", "truncate(7, true, '')", "truncate(5, leeway=0)", "center(4)", "replace('a', 'b', 1)", "replace('\\n', '\\n  ')", "indent(width=1, blank=true)", "indent('> ')", "wordwrap(5)", "striptags", "urlencode", "xmlattr",
         "filesizeformat", "forceescape", "attr('role')", "count", "d(0)", "format(1)", "format(1, 'x')", "map(attribute='function.name')", "first | default('none')", "list | length", "tojson | safe"];
    private static readonly string[] Tests =
        ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "iterable", "sequence", "true", "false", "odd", "even", "callable", "in list", "divisibleby(3)", "divisibleby 2", "eq(1)", "eq 'a'", "ne 1", "lt 2", "ge(1)", "gt('a')", "equalto('a')", "sameas(none)",
         "sameas false", "lower", "upper", "escaped", "filter", "test", "in ['a', 1]"];
    private static readonly string[] Members =
        [".strip()", ".split()", ".split(',')", ".split('a', 1)", ".upper()", ".title()", ".startswith('a')", ".endswith('c')", ".replace('a', 'X')", ".splitlines()", ".items()", ".keys()", ".values()", ".get('a')", ".get('role', 'r')",
         ".role", ".content", ".name", "['role']", "['a']", "[0]", "[-1]", "[1:]", "[:-1]", "[::-1]", ".find('a')", ".count('a')", ".rstrip('\\n')", ".lstrip()", ".isdigit()", ".join(words)", ".index(1)", ".format(1)", ".partition('b')",
         "[-2:]", "[:2]", "[1:3]", "[5:1:-2]", "[-1:0:-1]", "[::2]", "[:-3:-1]", "[::-2]", "[-100:100]", "[0][0]", ".0", "[0].role", "[-1]['content']", "[-1].content[0].text", ".strip('a').strip()", ".lower().split('o')", ".split('\\n')[-1].strip()", ".rsplit(' ', 1)", ".rsplit(None, 1)", ".split(None, 1)",
         ".rpartition(' ')", ".capitalize()", ".swapcase()", ".zfill(9)", ".ljust(8, '.')", ".rjust(8)", ".center(8, '*')", ".removeprefix('A')", ".removesuffix('a')", ".startswith(('A', 'i'))", ".endswith(('a', ' '))", ".isupper()", ".islower()", ".isalpha()", ".isalnum()", ".isspace()", ".istitle()",
         ".isnumeric()", ".isdecimal()", ".isascii()", ".isprintable()", ".isidentifier()", ".expandtabs(4)", ".casefold()", ".rfind('o')", ".rindex('a')", ".find('o', 2)", ".count('o', 0, 9)", ".replace(' ', '', 1)", ".splitlines(true)", ".items()|list", ".copy()", ".values()|list", ".keys()|list|sort",
         ".tool_calls[0].function.name", ".function.arguments", ".properties", ".get('content').strip()", ".copy().a"];

    private readonly Random random = new(seed);
    private int macros;

    public int Seed { get; } = seed;

    public string Next() => string.Concat(Enumerable.Range(0, random.Next(1, 4)).Select(_ => Statement(2)));

    private T Pick<T>(params ReadOnlySpan<T> items) => items[random.Next(items.Length)];

    private string Statement(int depth) => random.Next(depth > 0 ? 22 : 2) switch
    {
        0 => Pick("text", " ", "\n", "  \n  ", "{# note #}", "x {", "\t", "{#- note -#}", "\r\n", "\n{# note #}\n", "}", "{% raw %} {{ x }} {% endraw %}", "  {%- raw -%} a {%- endraw +%}\n"),
        1 or 2 => $"{{{{{Pick("", "-")} {Value(2)} {Pick("", "-")}}}}}",
        3 => $"{Open()} if {Value(2)} {Close()}{Statement(depth - 1)}{Open()} else {Close()}{Statement(depth - 1)}{Open()} endif {Close()}",
        4 or 5 => $"{Open()} for {Item()} in {Value(1)} {Pick("", "if " + Value(1) + " ")}{Close()}{Statement(depth - 1)}{{{{ {Loop()} }}}}{Pick("", "{% if loop.index > 2 %}{% break %}{% endif %}", "{% if loop.first %}{% continue %}{% endif %}x")}{Open()} endfor {Close()}",
        6 => $"{Open()} set x = {Value(2)} {Close()}{{{{ x }}}}",
        7 => $"{Open()} set x {Close()}{Statement(depth - 1)}{Open()} endset {Close()}{{{{ x{Pick("", "|trim", "|length")} }}}}",
        8 => $"{Open()} macro m(a, b={Value(0)}) {Close()}{Statement(depth - 1)}{{{{ a ~ b }}}}{Open()} endmacro {Close()}{{{{ m({Value(1)}) }}}}",
        9 => $"{Open()} if {Value(1)} {Close()}{Statement(depth - 1)}{Open()} elif {Value(1)} {Close()}{Statement(depth - 1)}{Pick("", "{% elif true %}e")}{Open()} endif {Close()}",
        10 => $"{Open()} set ns = namespace(n={Value(0)}, found=false) {Close()}{Open()} for {Item()} in {Value(1)} {Close()}{Pick($"{Open()} if {Value(1)} {Close()}{{% set ns.found = true %}}{{% endif %}}", $"{Open()} set ns.n = {Pick("ns.n ~ loop.index", "[ns.n, item]", "item", "loop.index0")} {Close()}")}{Open()} endfor {Close()}{{{{ ns.n }}}}{{{{ ns.found }}}}",
        11 => $"{Open()} generation {Close()}{Statement(depth - 1)}{Open()} endgeneration {Close()}",
        12 => $"{Open()} filter {Pick("upper", "trim", "indent(2)", "replace('a', 'b')", "title | trim", "length")} {Close()}{Statement(depth - 1)}{Open()} endfilter {Close()}",
        13 => $"{Open()} set x | {Pick("upper", "trim", "trim | length", "replace('e', 'i')")} {Close()}{Statement(depth - 1)}{Open()} endset {Close()}{{{{ x }}}}",
        14 => $"{Open()} for item in {Pick("nested", "words", "[1, [2, [3]]]", "messages", Value(0))} recursive {Close()}{{{{ loop.depth }}}}{{{{ loop(item) if item is sequence and item is not string and item is not mapping else {Pick("item", "loop.index", "loop.depth0", Value(1))} }}}}{Open()} endfor {Close()}",
        15 => $"{Open()} with y = {Value(1)}{Pick("", ", z = " + Value(0))} {Close()}{Statement(depth - 1)}{{{{ y }}}}{Open()} endwith {Close()}",
        16 => Macro(depth),
        17 => $"{Open()} for {Item()} in {Value(1)} {Close()}{Statement(depth - 1)}{Open()} else {Close()}{Statement(depth - 1)}{Open()} endfor {Close()}",
        18 => $"{Open()} set a, b = {Pick(Value(0) + ", " + Value(1), "words[:2]", "dict.items() | first", Value(0))} {Close()}{{{{ b }}}}{{{{ a }}}}",
        19 => Pick("{{ strftime_now('%Y-%m-%d') }}", "{{- strftime_now('%d %b %Y') -}}", "{{ raise_exception('No ' ~ word) }}", "{{ '{}-{:>4}|{x!r}'.format(1, 'a', x=half) }}", "{{ '%5.2f|%-4s|%03d' % (half, 'a', seven) }}", "{{ cycler('a', 'b').next() }}", "{{ dict(a=1, **{'b': 2}) }}"),
        20 => $"{Open()} for key, value in ({Value(0)}).items() {Close()}{{{{ key }}}}={{{{ value{Pick("", " | tojson", ".type", " is mapping")} }}}}{Pick("", "{{ ', ' if not loop.last }}")}{Open()} endfor {Close()}",
        _ => $"{Open()} for m in messages {Close()}{Open()} if {Pick("m.role == 'user'", "m['role'] in ['user', 'tool']", "loop.first and m.role == 'system'", "m.content is string", "m.tool_calls is defined and m.tool_calls")} {Close()}{{{{ {Pick("m.content", "m['content'] | trim", "'<|' + m.role + '|>' ~ m.content", "m | tojson", "loop.previtem.role if loop.previtem is defined", "m.content.split('\\n')[0]")} }}}}{Pick("", Open() + " elif loop.last " + Close() + "end", Open() + " else " + Close() + Statement(depth - 1))}{Open()} endif {Close()}{Open()} endfor {Close()}",
    };

    private string Macro(int depth)
    {
        var name = $"f{macros++ % 3}";
        var body = Pick("{{ a }}", "{{ varargs }}", "{{ kwargs }}", "{{ caller() if caller else '-' }}", "{{ caller(a) }}", "{{ a is defined }}{{ b }}", Statement(depth - 1), Statement(depth - 1));
        var call = Pick($"{{{{ {name}({Value(1)}) }}}}", $"{{{{ {name}() }}}}", $"{{{{ {name}(1, 2, 3) }}}}", $"{{{{ {name}(b={Value(0)}, c=1) }}}}", $"{{{{ {name}(*words) }}}}", $"{{{{ {name}(**{{'a': 1}}) }}}}",
            $"{Open()} call {name}({Value(0)}) {Close()}{Statement(depth - 1)}{Open()} endcall {Close()}", $"{Open()} call(z) {name}(2) {Close()}[{{{{ z }}}}]{Open()} endcall {Close()}", $"{{{{ {name}.name }}}}{{{{ {name}.arguments }}}}");
        return $"{Open()} macro {name}({Pick("", "a", "a, b=1", "a=none, b='x'", "b='y'")}) {Close()}{body}{Open()} endmacro {Close()}{call}";
    }

    private string Loop() => Pick("item", "loop.index", "loop.last", "loop.first", "loop.length", "loop.index0", "loop.revindex", "loop.revindex0", "loop.previtem", "loop.nextitem", "loop.nextitem is defined", "loop.cycle('a', 'b')", "loop.changed(item)", "loop.changed(item.role)", "loop.depth", "loop.previtem.role",
        "loop.nextitem.role if loop.nextitem else '.'", "other", "item.role", "item | tojson", "loop.index0 % 2 == 0", "loop.length - loop.index");

    private string Open() => Pick("{%", "{%-", "  {%", "\n{%", "{%+", "\n  {%-");

    private string Close() => Pick("%}", "-%}", "%}\n", "+%}", "%}  ", "%}\n\n", "-%}\n ");

    private string Item() => Pick("item", "item", "item, other");

    private string Value(int depth) => random.Next(depth > 0 ? 15 : 4) switch
    {
        0 or 1 or 2 => Pick(Names),
        3 => Pick(Literals),
        4 => $"{Value(depth - 1)} {Pick(Operators)} {Value(depth - 1)}",
        5 => $"({Value(depth - 1)}) {Pick(Operators)} ({Value(depth - 1)})",
        6 => $"{Value(depth - 1)} | {Pick(Filters)}",
        7 => $"({Value(depth - 1)}) | {Pick(Filters)} | {Pick(Filters)}",
        8 => $"{Value(depth - 1)} is {Pick("", "not ")}{Pick(Tests)}",
        9 or 10 => $"{Pick(Names.AsSpan()[..^1])}{Pick(Members)}",
        11 => $"{Pick(Names.AsSpan()[..^1])}{Pick(Members)} | {Pick(Filters)}",
        12 => $"({Value(depth - 1)}){Pick(Members)}",
        13 => Pick($"-{Pick(Names)}", $"+{Pick(Names)}", $"{{'a': {Value(0)}, 'b': {Value(0)}}}", $"[{Value(0)}, {Value(0)}, {Value(0)}]", $"({Value(0)}, {Value(0)})", $"{Value(0)} < {Value(0)} <= {Value(0)}", $"{Pick(Names)}[{Value(0)}]", $"{Value(0)} if {Value(0)}"),
        _ => Pick("not " + Value(depth - 1), $"{Value(depth - 1)} if {Value(depth - 1)} else {Value(depth - 1)}", string.Create(CultureInfo.InvariantCulture, $"[{Value(0)}, {Value(0)}]")),
    };
}
