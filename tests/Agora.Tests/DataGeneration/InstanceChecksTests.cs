using Agora.DataGeneration;
using Agora.Experiments;

namespace Agora.Tests.DataGeneration;

public sealed class InstanceChecksTests
{
    [Theory]
    [InlineData("1 + 1 = 2\n[RESULT] 2 [/RESULT]", null)]
    [InlineData("[RESULT] 2 [/RESULT]\n", null)]
    [InlineData("It is 2.", RejectReason.ResultMissing)]
    [InlineData("It is [RESULT] 2", RejectReason.ResultMissing)]
    [InlineData("It is 2 [/RESULT]", RejectReason.ResultMissing)]
    [InlineData("[/RESULT] 2 [RESULT] [/RESULT]", RejectReason.ResultRepeated)]
    [InlineData("[RESULT] 1 [/RESULT] or [RESULT] 2 [/RESULT]", RejectReason.ResultRepeated)]
    [InlineData("[RESULT] 2 [/RESULT] apples", RejectReason.ResultNotAtEnd)]
    [InlineData("[RESULT]  [/RESULT]", RejectReason.ResultEmpty)]
    public void Math_ends_with_exactly_one_result(string response, RejectReason? reason) => Assert.Equal(reason, Check(Domain.Math, response));

    [Theory]
    [InlineData("```python\nx = 1\n```", null)]
    [InlineData("```\nx = 1\n```\n\n```\ny = 2\n```", null)]
    [InlineData("x = 1", RejectReason.FenceNotAtStart)]
    [InlineData("Here it is:\n```\nx = 1\n```", RejectReason.FenceNotAtStart)]
    [InlineData("```\nx = 1\n```\nThat sets x.", RejectReason.FenceNotAtEnd)]
    [InlineData("```\nx = 1\n```\n```", RejectReason.FencesUnbalanced)]
    [InlineData("```\nx = 1\n```\nThen:\n```\ny = 2\n```", RejectReason.ProseOutsideFence)]
    [InlineData("```python\n\n```", RejectReason.CodeEmpty)]
    public void Code_is_nothing_but_fenced_code(string response, RejectReason? reason) => Assert.Equal(reason, Check(Domain.Code, response));

    [Theory]
    [InlineData("Anything at all.", null)]
    [InlineData("An <b>element</b> and a <input type=\"text\">.", null)]
    [InlineData("First <input1>.", RejectReason.PlaceholderLeft)]
    [InlineData("A <first_word>.", RejectReason.PlaceholderLeft)]
    [InlineData("a\nINPUT: another", RejectReason.TriggerLeft)]
    [InlineData(" \n", RejectReason.ResponseEmpty)]
    public void No_response_keeps_pieces_of_its_prompt(string response, RejectReason? reason) => Assert.Equal(reason, Check(Domain.InstructionFollowing, response));

    [Fact]
    public void An_instance_needs_an_instruction() =>
        Assert.Equal(RejectReason.InstructionEmpty, Checks(Domain.InstructionFollowing).Check(new(" ", "a"), Format)?.Reason);

    // Counted in characters here.
    [Theory]
    [InlineData(13, null)]
    [InlineData(14, RejectReason.TooManyTokens)]
    public void Instruction_and_response_in_the_chat_format_fit_the_token_limit(int length, RejectReason? reason)
    {
        var frame = Llama3Chat.Render("sys", new("", "")).Length;
        var checks = new InstanceChecks(Domain.InstructionFollowing, frame + 14, text => text.Length, "sys");
        Assert.Equal(reason, checks.Check(new("q", new string('a', length)), Format)?.Reason);
    }

    [Theory]
    [InlineData(500, 0)]
    [InlineData(501, 1)]
    public void Tokens_are_counted_only_where_the_bound_does_not_show_that_they_fit(int most, int counted)
    {
        var counts = 0;
        var checks = new InstanceChecks(Domain.InstructionFollowing, 500, _ => ++counts, "sys", _ => most);
        Assert.Null(checks.Check(new("q", "a"), Format));
        Assert.Equal(counted, counts);
    }

    [Fact]
    public void The_chat_format_is_that_of_Llama_3() =>
        Assert.Equal("<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\ns<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nq<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\na<|eot_id|>",
            Llama3Chat.Render("s", new("q", "a")));

    [Fact]
    public void Names_of_reasons_are_snake_case()
    {
        Assert.Equal("fence_not_at_start", RejectReason.FenceNotAtStart.Name());
        Assert.Equal("\"fence_not_at_start\"", System.Text.Json.JsonSerializer.Serialize(RejectReason.FenceNotAtStart));
    }

    private static readonly CompletionFormat Format = new PairCompletion("INPUT:", "OUTPUT:");

    private static InstanceChecks Checks(Domain domain) => new(domain, maxTokens: 10_000, text => text.Length, "You are a helpful AI assistant.");

    private static RejectReason? Check(Domain domain, string response) => Checks(domain).Check(new("q", response), Format)?.Reason;
}
