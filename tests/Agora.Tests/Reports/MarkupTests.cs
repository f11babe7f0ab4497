using Agora.Reports;
using CsCheck;

namespace Agora.Tests.Reports;

public sealed class MarkupTests
{
    [Fact]
    public void Text_in_a_hole_is_escaped_and_markup_is_not()
    {
        var bold = Markup.Of($"<b>{"<i>"}</b>");
        Assert.Equal("""<p title="&quot;">&amp; <b>&lt;i&gt;</b> 2.5</p>""", Markup.Of($"""<p title="{"\""}">{"&"} {bold} {2.5}</p>""").Text);
    }

    [Fact]
    public void Whole_numbers_keep_all_their_digits() =>
        Assert.Equal("9007199254740993 -9223372036854775808", Markup.Of($"{9007199254740993} {long.MinValue}").Text);

    // Whatever a model writes, a browser shows it and does nothing else with it.
    [Fact]
    public void No_text_can_leave_its_element_or_attribute() =>
        Gen.String.Sample(text => !Forbidden.Any(Markup.Of($"{text}").Text.Contains));

    private const string Forbidden = "<>\"'\u202e\0\u001b";
}
