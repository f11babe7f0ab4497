using System.Text.Json;
using Agora.Experiments;
using Agora.Students.ChatTemplates;
using Agora.Students.Tokenization;

namespace Agora.Tests.ChatTemplates;

public sealed class ChatTemplateTests
{
    // Expected texts are what Jinja 3.1 writes with trim_blocks and lstrip_blocks on.
    [Theory]
    [InlineData("a {{ 1 + 2 }} b", "a 3 b")]
    [InlineData("{{ undefined_name }}|{{ none }}|{{ true }}|{{ 3.0 }}|{{ 1e16 }}|{{ 1e-5 }}|{{ 0.1 }}", "|None|True|3.0|1e+16|1e-05|0.1")]
    [InlineData("{{ [1, 'a', none, 2.5] }} {{ {'k': \"it's\"} }} {{ (1,) }}", "[1, 'a', None, 2.5] {'k': \"it's\"} (1,)")]
    [InlineData("{{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 10 }} {{ 7 / 2 }} {{ 6 / 2 }}", "-4 2 1024 3.5 3.0")]
    [InlineData("{{ 1 < 2 < 3 }} {{ 'a' in 'cat' }} {{ 2 not in [1, 3] }} {{ 1 == 1.0 }} {{ true + 1 }}", "True True True True 2")]
    [InlineData("{{ 'a' ~ 1 ~ none }} {{ 'ab' * 2 }} {{ [1] + [2] }} {{ '%s has %d' % ('x', 3) }}", "a1None abab [1, 2] x has 3")]
    [InlineData("{{ 'yes' if 1 > 2 }}|{{ 'yes' if 1 > 2 else 'no' }}", "|no")]
    [InlineData("{{ (false or 'x') and 'y' }}", "y")]
    public void Expressions_follow_Python(string template, string expected) => Assert.Equal(expected, Render(template));

    [Theory]
    [InlineData("{% if true %}\nx\n{% endif %}\ny", "x\ny")]
    [InlineData("  {% if true %}x{% endif %}  y", "x  y")]
    [InlineData("a\n  {%- if true %} x {%- endif %}\n y", "a x y")]
    [InlineData("a  {{- ' b ' -}}  c", "a b c")]
    [InlineData("  {%+ if true %}x{% endif %}", "  x")]
    [InlineData("{% if true +%}\nx{% endif %}", "\nx")]
    [InlineData("a {# gone #}\nb", "a b")]
    [InlineData("x\n", "x")]
    [InlineData("x\r\ny\r\n\r\n", "x\ny\n")]
    [InlineData("{% raw %}{{ kept }}{% endraw %}", "{{ kept }}")]
    [InlineData("{{ {'a': {'b': 1}}['a']['b'] }}", "1")]
    public void White_space_around_tags_goes_as_in_Jinja(string template, string expected) => Assert.Equal(expected, Render(template));

    [Theory]
    [InlineData("{% for i in [1,2,3] %}{{ loop.index }}{{ ',' if not loop.last }}{% endfor %}", "1,2,3")]
    [InlineData("{% for i in range(6) if i % 2 %}{{ i }}{% if loop.last %}!{% endif %}{% endfor %}", "135!")]
    [InlineData("{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}{{ v }}{% endfor %}", "a1b2")]
    [InlineData("{% for i in [] %}x{% else %}none{% endfor %}", "none")]
    [InlineData("{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}", "013")]
    [InlineData("{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}", "1")]
    [InlineData("{% set n = namespace(x=1) %}{% for i in [1, 2] %}{% set n.x = n.x + i %}{% endfor %}{{ n.x }}", "4")]
    [InlineData("{% for i in [1, 2] %}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a', 'b') }}{% endfor %}", "2a1b")]
    [InlineData("{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set t %}[{{ a }}]{% endset %}{{ t }}", "12[1]")]
    [InlineData("{% macro m(a, b='z') %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, b=2) }}", "1z12")]
    [InlineData("{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}x{% endcall %}", "<x>")]
    [InlineData("{% with a = 1 %}{{ a }}{% endwith %}{{ a }}", "1")]
    [InlineData("{% filter upper %}x{% endfilter %}", "X")]
    [InlineData("{% generation %}x{% endgeneration %}", "x")]
    public void Statements_follow_Jinja(string template, string expected) => Assert.Equal(expected, Render(template));

    [Theory]
    [InlineData("{{ ' a '|trim }}{{ 'b'|upper }}{{ 'ABC'|lower }}{{ 'ab cd'|title }}{{ 'ab cd'|capitalize }}", "aBabcAb CdAb cd")]
    [InlineData("{{ [3,1,2]|sort }}{{ ['b','A']|sort }}{{ [1,2]|reverse|list }}{{ [1,1,2]|unique|list }}", "[1, 2, 3]['A', 'b'][2, 1][1, 2]")]
    [InlineData("{{ [{'r':'u'},{'r':'s'}]|selectattr('r','equalto','u')|list|length }}", "1")]
    [InlineData("{{ [{'r':'u'},{}]|map(attribute='r', default='-')|join('+') }}", "u+-")]
    [InlineData("{{ ['a','b']|map('upper')|list }} {{ [0,1]|select|list }} {{ [1,2,3]|reject('odd')|list }}", "['A', 'B'] [1] [2]")]
    [InlineData("{{ x|default('d') }}{{ ''|default('e', true) }}{{ none|default('f') }}", "deNone")]
    [InlineData("{{ '3'|int + 1 }} {{ 'x'|int(7) }} {{ '2.5'|float }} {{ 2.567|round(2) }} {{ -3|abs }}", "4 7 2.5 2.57 3")]
    [InlineData("{{ 'a\nb'|indent(2) }} {{ 'a-b'|replace('-', '+') }} {{ [1,2,3]|sum }} {{ [2,1]|max }}", "a\n  b a+b 6 2")]
    [InlineData("{{ {'b':1,'a':2}|dictsort }} {{ {'b':1}|items|list }} {{ 'abc'|first }}{{ 'abc'|last }}", "[('a', 2), ('b', 1)] [('b', 1)] ac")]
    public void Filters_follow_Jinja(string template, string expected) => Assert.Equal(expected, Render(template));

    [Theory]
    [InlineData("{{ ' x '.strip() }}{{ 'xxa'.lstrip('x') }}{{ 'a,b'.split(',') }}{{ 'a b  c'.split() }}{{ 'a b c'.split(' ', 1) }}", "xa['a', 'b']['a', 'b', 'c']['a', 'b c']")]
    [InlineData("{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'c')) }}{{ 'abc'.find('c') }}{{ 'aXa'.replace('a', 'b', 1) }}", "TrueTrue2bXa")]
    [InlineData("{{ '-'.join(['a', 'b']) }} {{ 'A'.lower() }} {{ 'a-b'.partition('-') }} {{ '{} {x}'.format(1, x=2) }}", "a-b a ('a', '-', 'b') 1 2")]
    [InlineData("{{ {'a': 1}.get('b', 2) }} {{ {'a': 1}.keys()|list }} {{ 'a\nb'.splitlines() }}", "2 ['a'] ['a', 'b']")]
    public void Methods_follow_Python(string template, string expected) => Assert.Equal(expected, Render(template));

    [Theory]
    [InlineData("{{ {}[] is defined }}{{ [1][] is defined }}{{ (none / not []) if false else 1 }}", "FalseFalse1")]
    [InlineData("{{ 'abcd'[1:3] }}{{ 'abcd'[-1] }}{{ 'abcd'[::-1] }}{{ [1,2,3][:-1] }}{{ [1,2,3][5:] }}", "bcddcba[1, 2][]")]
    [InlineData("{{ '🙂é'|length }}{{ '🙂é'[0] }}{{ '🙂é'[1:] }}", "2🙂é")]
    public void Slices_and_lengths_count_code_points(string template, string expected) => Assert.Equal(expected, Render(template));

    [Theory]
    [InlineData("""{{ {'b': [1, 2.0, none, true], 'a': 'é"<'}|tojson }}""", """{"b": [1, 2.0, null, true], "a": "é\"<"}""")]
    [InlineData("{{ {'a': [1], 'b': {}}|tojson(indent=2) }}", "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}")]
    public void ToJson_writes_what_Python_dumps(string template, string expected) => Assert.Equal(expected, Render(template));

    [Fact]
    public void Numbers_of_the_callers_json_keep_their_kind() =>
        Assert.Equal("2 3.5 12345678901234567890", Parse("{{ x.a }} {{ x.b }} {{ x.c }}").Render(new Dictionary<string, JsonElement>
        {
            ["x"] = JsonDocument.Parse("""{"a":2,"b":3.5,"c":12345678901234567890}""").RootElement,
        }));

    [Fact]
    public void Today_is_written_as_the_template_asks()
    {
        var template = ChatTemplate.Parse("{{ strftime_now('%d %b %Y, %-d %B, %H:%M') }}", "test", new Dictionary<string, string>(), new Noon());
        Assert.Equal("05 Mar 2024, 5 March, 12:30", template.Render([], addGenerationPrompt: false));
    }

    [Theory]
    [InlineData("x\n{% include 'a' %}", 2, "{% include %}")]
    [InlineData("{{ x|urlize }}", 1, "the filter urlize")]
    [InlineData("\n\n{{ 1 is prime }}", 3, "the test prime")]
    [InlineData("a\n{% autoescape true %}{% endautoescape %}", 2, "{% autoescape %}")]
    [InlineData("{{ 'Straße'.casefold() }}", 1, "casefold")]
    [InlineData("{% block a required %}{% endblock %}", 1, "required")]
    [InlineData("{{ [].append(1) }}", 1, "append")]
    [InlineData("{{ x.y.z }}", 1, "undefined")]
    [InlineData("{{ 1 + 'a' }}", 1, "cannot apply +")]
    [InlineData("{% if x %}", 1, "endif is missing")]
    [InlineData("{{ 'abc", 1, "not closed")]
    [InlineData("{{ (1 }}", 1, "unexpected }")]
    [InlineData("{% endif %}", 1, "{% endif %}")]
    public void What_cannot_be_rendered_is_named_with_its_line(string template, int line, string named)
    {
        var error = Assert.Throws<AgoraException>(() => Render(template));
        Assert.Contains(named, error.What, StringComparison.Ordinal);
        Assert.Contains($"line {line} ", error.Where, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "without coming to its end")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "calls itself")]
    [InlineData("{{ range(10 ** 9) }}", "more than 100000")]
    [InlineData("{{ 'x' * 10 ** 12 }}", "makes a text or list")]
    [InlineData("{% set n = namespace(x='x') %}{% for a in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}", "makes a text or list")]
    [InlineData("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "calls itself")]
    [InlineData("{{ 9 ** 999999999 }}", "more than 14000 bits")]
    // A list that holds another twice takes no memory, and is endless when somebody goes through it.
    [InlineData("{% set n = namespace(x=[1]) %}{% for a in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}", "makes a text or list")]
    [InlineData("{% set n = namespace(x=[1]) %}{% for a in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x|tojson }}", "makes a text or list")]
    [InlineData("{% set n = namespace(x=[1], y=[1]) %}{% for a in range(60) %}{% set n.x = [n.x, n.x] %}{% set n.y = [n.y, n.y] %}{% endfor %}{{ n.x == n.y }}", "makes a text or list")]
    // Each of these overflowed the stack, which ended the process.
    [InlineData("{% set n = namespace(x=[1]) %}{% for a in range(99999) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x }}", "nests more than 100 deep")]
    [InlineData("{% set n = namespace(x={}) %}{% for a in range(99999) %}{% set n.x = {'a': n.x} %}{% endfor %}{{ n.x|tojson }}", "nests more than 100 deep")]
    [InlineData("{% set n = namespace(x=[1]) %}{% for a in range(99999) %}{% set n.x = n.x|map('string') %}{% endfor %}{{ n.x|list }}", "nests more than 100 deep")]
    // Going through a long text or list again and again counts, not only making it.
    [InlineData("{% set t = 'a' * 10 ** 7 %}{% for a in range(99999) %}{% set x = 'b' in t %}{% endfor %}", "without coming to its end")]
    [InlineData("{% set t = 'a' * 10 ** 7 %}{% for a in range(99999) %}{% set x = t.find('b') %}{% endfor %}", "without coming to its end")]
    [InlineData("{% set t = [1] * 10 ** 7 %}{% for a in range(99999) %}{% set x = t.count(2) %}{% endfor %}", "without coming to its end")]
    [InlineData("{% for a in range(99999) %}{% set x = range(99999)|sort %}{% endfor %}", "without coming to its end")]
    public void A_template_that_never_ends_or_grows_without_end_is_stopped(string template, string reason) =>
        Assert.Contains(reason, Assert.Throws<AgoraException>(() => Render(template)).What, StringComparison.Ordinal);

    [Fact]
    public void Nesting_deeper_than_the_stack_bears_is_an_error() =>
        Assert.Contains("deep", Assert.Throws<AgoraException>(() => Render("{{ " + new string('(', 10_000) + "1" + new string(')', 10_000) + " }}")).What, StringComparison.Ordinal);

    [Fact]
    public void A_refusal_carries_the_templates_own_words() =>
        Assert.Equal("the chat template refuses the conversation: no system role", Assert.Throws<AgoraException>(() => Render("{{ raise_exception('no system role') }}")).What);

    [Fact]
    public void The_template_of_trained_tokenizers_is_the_Llama_3_format()
    {
        using var folder = new TemporaryFolder();
        BytePairTrainer.Train(["text"], 300, TrainedTokenizer.ChatTokens).Save(folder.Path, 512);
        var rendered = ChatTemplate.Load(folder.Path).Render([new("system", "Be brief."), new("user", " Hi \n")], addGenerationPrompt: true);
        Assert.Equal(
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", rendered);
        // Every special token written out is one token again.
        Assert.Equal(9, Tokenizer.Load(folder.Path).Encode(rendered, addSpecialTokens: false).Count(Tokenizer.Load(folder.Path).IsSpecial));
    }

    [Fact]
    public void A_base_model_without_a_template_has_none()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("tokenizer_config.json"), "{}");
        Assert.Null(ChatTemplate.TryLoad(folder.Path));
        Assert.Contains("no chat template", Assert.Throws<AgoraException>(() => ChatTemplate.Load(folder.Path)).What, StringComparison.Ordinal);
    }

    // Files of before added_tokens_decoder have their special tokens in the map; newer ones only what the config does not say.
    [Theory]
    [InlineData("""{"chat_template":"{{ bos_token }}{{ eos_token }}!"}""", "<m></m>!")]
    [InlineData("""{"bos_token":"<c>","eos_token":"</c>","chat_template":"{{ bos_token }}{{ eos_token }}!"}""", "<m></m>!")]
    [InlineData("""{"added_tokens_decoder":{},"bos_token":"<c>","eos_token":null,"chat_template":"{{ bos_token }}{{ eos_token }}!"}""", "<c>!")]
    [InlineData("""{"added_tokens_decoder":{},"bos_token":"<c>","chat_template":"{{ bos_token }}{{ eos_token }}!"}""", "<c></m>!")]
    public void Special_tokens_may_be_named_in_their_map(string config, string expected)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("tokenizer_config.json"), config);
        File.WriteAllText(folder.File("special_tokens_map.json"), """{"bos_token":"<m>","eos_token":{"content":"</m>","lstrip":false},"additional_special_tokens":["<x>"]}""");
        Assert.Equal(expected, ChatTemplate.Load(folder.Path).Render([], addGenerationPrompt: false));
    }

    [Fact]
    public void A_broken_map_of_special_tokens_is_named()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("tokenizer_config.json"), """{"chat_template":"{{ bos_token }}"}""");
        File.WriteAllText(folder.File("special_tokens_map.json"), "[");
        var error = Assert.Throws<AgoraException>(() => ChatTemplate.Load(folder.Path));
        Assert.Equal(folder.File("special_tokens_map.json"), error.Where);
    }

    [Fact]
    public void Tokens_may_be_objects_and_templates_may_be_named()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("tokenizer_config.json"), """{"bos_token":{"content":"<s>"},"chat_template":[{"name":"rag","template":"-"},{"name":"default","template":"{{ bos_token }}{{ pad_token }}!"}]}""");
        Assert.Equal("<s>!", ChatTemplate.Load(folder.Path).Render([], addGenerationPrompt: false));
    }

    private static ChatTemplate Parse(string template) => ChatTemplate.Parse(template, "test", new Dictionary<string, string>());

    private static string Render(string template) => Parse(template).Render([], addGenerationPrompt: false);

    private sealed class Noon : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2024, 3, 5, 12, 30, 0, TimeSpan.Zero);
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;
    }
}
