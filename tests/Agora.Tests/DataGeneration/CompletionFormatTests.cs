using Agora.DataGeneration;
using Agora.Experiments;
using CsCheck;

namespace Agora.Tests.DataGeneration;

public sealed class CompletionFormatTests
{
    private static readonly PairCompletion Pair = new("INPUT:", "OUTPUT:");
    private static readonly PairCompletion Revision = new("Revised Question:", "Revised Answer:");

    public static TheoryData<CompletionFormat> Formats => [Pair, Revision, new ResponseCompletion(), new JsonCompletion(instructionGiven: false), new JsonCompletion(instructionGiven: true), new JsonCompletion(instructionGiven: false, JsonReading.Lenient)];

    // Texts are trimmed by reading, so they have no white space at their ends here; half a surrogate pair is no text.
    private static readonly Gen<string> Text = Gen.OneOf(Gen.String[1, 60], Gen.Char["[]{}\"\\`:\n ENDOUTPIRx"].Array[1, 60].Select(chars => new string(chars)))
        .Select(text => text.Trim()).Where(text => text.Length > 0 && !text.Any(char.IsSurrogate)
            && !text.Contains("[END]", StringComparison.Ordinal) && !text.Contains("INPUT:", StringComparison.Ordinal) && !text.Contains("OUTPUT:", StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Formats))]
    public void Reading_undoes_writing(CompletionFormat format) =>
        Gen.Select(Text, Text).Sample((instruction, response) =>
        {
            var pair = new InstructionResponse(instruction, response);
            return format.Read(format.Write(pair), given: instruction) is CompletionReading.Pair(var read) && read == pair;
        });

    // Most endpoints cut the stop phrase off.
    [Theory]
    [MemberData(nameof(Formats))]
    public void Reading_does_not_need_the_stop_phrase(CompletionFormat format)
    {
        var pair = new InstructionResponse("1+1?", "2");
        Assert.Equal(new CompletionReading.Pair(pair), format.Read(format.Write(pair).Replace("[END]", "", StringComparison.Ordinal), given: "1+1?"));
    }

    [Fact]
    public void What_follows_the_stop_phrase_is_not_read() =>
        Assert.Equal(new CompletionReading.Pair(new("q", "a")), Pair.Read("q\nOUTPUT: a\n[END]\n\nINPUT: another", given: null));

    [Fact]
    public void An_input_trigger_that_the_model_repeats_is_dropped_with_what_stands_before_it() =>
        Assert.Equal(new CompletionReading.Pair(new("q", "a")), Pair.Read("Sure, here it is.\nINPUT: q\nOUTPUT: a", given: null));

    // The paper's code would pair "q1" with "a2".
    [Fact]
    public void Of_two_instances_the_first_instruction_keeps_its_own_response() =>
        Assert.Equal(new CompletionReading.Pair(new("q1", "a1\nINPUT: q2\nOUTPUT: a2")), Pair.Read("q1\nOUTPUT: a1\nINPUT: q2\nOUTPUT: a2", given: null));

    [Fact]
    public void A_completion_without_trigger_is_unreadable() =>
        Assert.Equal(RejectReason.TriggerMissing, Assert.IsType<CompletionReading.Unreadable>(Pair.Read("q and a", given: null)).Reason);

    [Fact]
    public void A_response_keeps_the_instruction_that_was_given() =>
        Assert.Equal(new CompletionReading.Pair(new("given", "a")), new ResponseCompletion().Read("OUTPUT: a [END]", given: "given"));

    [Theory]
    [InlineData("no JSON", RejectReason.JsonInvalid)]
    [InlineData("[1]", RejectReason.JsonInvalid)]
    [InlineData("""{"instruction": "q", "response": "a"} and more""", RejectReason.JsonInvalid)]
    [InlineData("{\"instruction\": \"q\", \"response\": \"line\nbreak\"}", RejectReason.JsonInvalid)]
    [InlineData("""{"instruction": "q", "response": "\ud800"}""", RejectReason.JsonInvalid)]
    [InlineData("""{"instruction": "q"}""", RejectReason.JsonKeyMissing)]
    [InlineData("""{"response": "a"}""", RejectReason.JsonKeyMissing)]
    [InlineData("""{"instruction": "q", "response": 3}""", RejectReason.JsonKeyMissing)]
    public void What_is_not_an_object_with_two_texts_is_unreadable(string completion, RejectReason reason) =>
        Assert.Equal(reason, Assert.IsType<CompletionReading.Unreadable>(new JsonCompletion(instructionGiven: false).Read(completion, given: null)).Reason);

    [Fact]
    public void A_json_object_may_stand_in_a_code_fence() =>
        Assert.Equal(new CompletionReading.Pair(new("q", "a")), new JsonCompletion(instructionGiven: false).Read("```json\n{\"instruction\": \"q\", \"response\": \"a\"}\n```\n[END]", given: null));

    [Theory]
    [InlineData("Sure! Here it is:\n{\"instruction\": \"q {\", \"response\": \"a }\"}\nAnything else?")]
    [InlineData("```json\n{\"instruction\": \"q {\", \"response\": \"a }\",}\n```")]
    [InlineData("[{\"Instruction\": \"q {\", \"RESPONSE\": \"a }\"}]")]
    [InlineData("{\"instruction\": \"q {\", // said\n \"response\": \"a }\"}")]
    public void Lenient_reading_forgives_what_strict_reading_does_not(string completion)
    {
        Assert.IsType<CompletionReading.Unreadable>(new JsonCompletion(instructionGiven: false).Read(completion, given: null));
        Assert.Equal(new CompletionReading.Pair(new("q {", "a }")), new JsonCompletion(instructionGiven: false, JsonReading.Lenient).Read(completion, given: null));
    }

    [Theory]
    [InlineData("no JSON", RejectReason.JsonInvalid)]
    [InlineData("{\"instruction\": \"q\"", RejectReason.JsonInvalid)]
    [InlineData("{\"instruction\": \"q\", \"answer\": \"a\"}", RejectReason.JsonKeyMissing)]
    public void Lenient_reading_makes_nothing_up(string completion, RejectReason reason) =>
        Assert.Equal(reason, Assert.IsType<CompletionReading.Unreadable>(new JsonCompletion(instructionGiven: false, JsonReading.Lenient).Read(completion, given: null)).Reason);
}
