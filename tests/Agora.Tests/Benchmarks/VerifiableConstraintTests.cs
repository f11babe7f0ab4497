using System.Text.Json;
using Agora.Benchmarks;
using CsCheck;

namespace Agora.Tests.Benchmarks;

public sealed class VerifiableConstraintTests
{
    [Theory]
    [InlineData("""{"kind": "word_count", "value": 3}""", "The old dog.", "The dog.")]
    [InlineData("""{"kind": "word_count", "value": 2}""", "well-made - shoes", "well - made - shoes")]
    [InlineData("""{"kind": "starts_with", "value": "The"}""", "  The dog", "There dog")]
    [InlineData("""{"kind": "starts_with", "value": "The"}""", "The", "the dog")]
    [InlineData("""{"kind": "ends_with", "value": "!"}""", "Stop! \n", "Stop.")]
    [InlineData("""{"kind": "contains", "value": "cat"}""", "A CAT, asleep", "A concatenation")]
    [InlineData("""{"kind": "not_contains", "value": "cat"}""", "A concatenation", "one Cat")]
    [InlineData("""{"kind": "all_lowercase"}""", "no capitals 12", "No capitals")]
    [InlineData("""{"kind": "all_lowercase"}""", "é", "123")]
    [InlineData("""{"kind": "all_uppercase"}""", "LOUD 12!", "LOUDly")]
    [InlineData("""{"kind": "sentence_count", "value": 2}""", "It cost 3.50. Why?!", "It cost 3. 50. Why?")]
    [InlineData("""{"kind": "sentence_count", "value": 2}""", "\"Go.\" He went", "... Go")]
    [InlineData("""{"kind": "quoted"}""", "\"Yes.\"", "\"Yes.")]
    [InlineData("""{"kind": "quoted"}""", "\"a\"", "\"\"")]
    [InlineData("""{"kind": "comma_count", "value": 0}""", "none", "one, here")]
    [InlineData("""{"kind": "repeated_word", "value": "ha", "count": 3}""", "Ha ha, HA!", "Ha haha ha")]
    public void Holds_for_the_first_text_and_not_for_the_second(string json, string met, string broken)
    {
        var constraint = Read(json);
        Assert.True(constraint.IsMetBy(met));
        Assert.False(constraint.IsMetBy(broken));
    }

    [Theory]
    [InlineData("""{"kind": "rhymes"}""", "no constraint is of kind \"rhymes\"")]
    [InlineData("""{"value": 3}""", "needs \"kind\"")]
    [InlineData("""{"kind": "word_count"}""", "needs \"value\", a whole number from 1")]
    [InlineData("""{"kind": "word_count", "value": "3"}""", "needs \"value\", a whole number")]
    [InlineData("""{"kind": "quoted", "value": 3}""", "has no member \"value\"")]
    [InlineData("""{"kind": "contains", "value": ""}""", "a text that is not empty")]
    public void A_constraint_that_cannot_be_checked_is_a_fault_of_its_line(string json, string fault)
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl",
            """{"id": "a", "prompt": "Write.", "constraints": [{"kind": "quoted"}]}""",
            $$"""{"id": "b", "prompt": "Write.", "constraints": [{{json}}]}""");
        var refusal = file.Refusal("nano_instruction_following");
        Assert.Contains("items.jsonl:2", refusal);
        Assert.Contains(fault, refusal);
    }

    [Fact]
    public async Task An_item_is_right_only_if_all_its_constraints_hold()
    {
        using var file = new BenchmarkFileOnDisk("items.jsonl",
            """{"id": "a", "prompt": "Write.", "constraints": [{"kind": "word_count", "value": 2}, {"kind": "all_lowercase"}]}""");
        var grades = await BenchmarkContract.Grade(file.Open("nano_instruction_following"), "two words", "Two words", "three small words");
        Assert.Equal([new Grade.Scored(1), new Grade.Scored(0), new Grade.Scored(0)], grades.Select(g => g.Grade));
        Assert.Equal("broken: all_lowercase", grades[1].Detail);
    }

    [Fact]
    public void Nobody_meets_a_constraint_by_writing_nothing() =>
        Assert.All((string[])["""{"kind": "not_contains", "value": "cat"}""", """{"kind": "comma_count", "value": 0}"""], json => Assert.False(Read(json).IsMetBy(" \n")));

    [Fact]
    public void A_text_contains_a_word_or_does_not() =>
        Gen.Select(Gen.String[Gen.Char[" abC,."], 0, 20], Gen.String[Gen.Char["abC"], 1, 2]).Sample((text, word) =>
            text.Trim().Length == 0
            || new VerifiableConstraint.Contains(word).IsMetBy(text) != new VerifiableConstraint.NotContains(word).IsMetBy(text));

    private static VerifiableConstraint Read(string json) =>
        VerifiableConstraint.Read(JsonDocument.Parse(json).RootElement, fault => Assert.Fail(fault))!;
}
