using System.Text.Json;
using System.Text.RegularExpressions;
using Agora.SeedData;
using Agora.SeedData.Catalogue;

namespace Agora.Tests.SeedData.Catalogue;

public sealed class RowShapesTests
{
    [Fact]
    public void Every_published_row_of_gsm8k_becomes_a_seed_that_ends_in_its_number()
    {
        var seeds = RowReader.Objects(Fixtures.Part("benchmarks", "gsm8k_train_2000.jsonl.gz")).Select(row => RowShapes.Gsm8k(row.Row, [])!).ToList();
        Assert.Equal(2000, seeds.Count);
        Assert.All(seeds, seed => Assert.Matches(@"[^\s]\n\[RESULT\] -?[0-9][0-9,.]* \[/RESULT\]\z", (string?)seed["response"]));
        Assert.All(seeds, seed => Assert.DoesNotContain("####", (string)seed["response"]!, StringComparison.Ordinal));
    }

    // The files that the paper's authors publish are the form that the shapes aim at.
    [Fact]
    public void Published_seeds_of_math_are_what_the_shape_makes_of_the_solution()
    {
        var result = new Regex(@"\n\[RESULT\] .* \[/RESULT\]\z", RegexOptions.Singleline);
        foreach (var (_, row, _) in RowReader.Objects(Fixtures.Part("seeds", "math_seed_data_subsampled.json")))
        {
            var published = row.GetProperty("response").GetString()!;
            var original = JsonSerializer.SerializeToElement(new { problem = row.GetProperty("instruction").GetString(), level = "Level 1", solution = result.Replace(published, "") });
            Assert.Equal(published, (string?)RowShapes.Math(original, [])!["response"]);
        }
    }

    [Theory]
    [InlineData(@"no box")]
    [InlineData(@"\\boxed{1} and \\boxed{2}")]
    public void A_solution_without_exactly_one_box_is_no_seed(string solution) => Assert.Null(RowShapes.Math(Row($$"""{"problem": "p", "level": "Level 2", "solution": "{{solution}}"}"""), []));

    [Theory]
    [InlineData("""{"problem": "p", "level": "Level 2", "solution": "\\boxed{1"}""", "not closed")]
    [InlineData("""{"question": "p", "level": "Level 2", "solution": "\\boxed{1}"}""", "it has no \"problem\"; its columns are question, level, solution")]
    [InlineData("""{"problem": 3, "level": "Level 2", "solution": "\\boxed{1}"}""", "is not text")]
    public void A_row_of_another_kind_says_what_it_lacks(string row, string fault) =>
        Assert.Contains(fault, Assert.Throws<RowFault>(() => RowShapes.Math(Row(row), [])).Message, StringComparison.Ordinal);

    [Fact]
    public void Dialogues_of_several_turns_are_no_seeds_of_lima()
    {
        Assert.Equal("a", (string?)RowShapes.Lima(Row("""{"conversations": ["q", "a"], "source": "x"}"""), [])!["response"]);
        Assert.Null(RowShapes.Lima(Row("""{"conversations": ["q", "a", "q", "a"]}"""), []));
    }

    [Theory]
    [InlineData("mathstackexchange", true)]
    [InlineData("socratic", false)]
    public void WebInstruct_is_divided_by_where_it_was_collected(string source, bool math)
    {
        var row = Row($$"""{"orig_question": "q", "orig_answer": "a", "source": "{{source}}"}""");
        Assert.Equal((math, !math), (RowShapes.WebInstruct(math: true)(row, []) is not null, RowShapes.WebInstruct(math: false)(row, []) is not null));
    }

    [Fact]
    public void Answers_of_arena_hard_in_the_form_of_v0_1_are_read_too()
    {
        var remembered = new Dictionary<string, string>();
        ArenaHardRows.Answer(Row("""{"question_id": "x", "choices": [{"index": 0, "turns": [{"content": "a"}]}]}"""), remembered);
        Assert.Equal("""{"question_id":"x","prompt":"p","baseline":"a"}""", ArenaHardRows.Question(Row("""{"question_id": "x", "turns": [{"content": "p"}]}"""), remembered)!.ToJsonString());
        Assert.Contains("no answer to \"y\"", Assert.Throws<RowFault>(() => ArenaHardRows.Question(Row("""{"uid": "y", "prompt": "p"}"""), remembered)).Message, StringComparison.Ordinal);
    }

    private static JsonElement Row(string json) => JsonElement.Parse(json);
}
