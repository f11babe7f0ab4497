using Agora.Experiments;
using Agora.Training;

namespace Agora.Tests.Training;

public sealed class StudentCardTests
{
    private static StudentCard Card { get; } = new()
    {
        BaseModel = "meta-llama/Llama-3.1-8B",
        Architecture = "LlamaForCausalLM",
        Parameters = 8_030_261_248,
        StoredType = "BF16",
        Recipe = new StudentRecipe { Epochs = 3, ClipNorm = 0.5, Packing = Packing.Plain },
        Seed = 42,
        Rows = 10_000,
        DataHash = StudentCard.HashOf([new TrainingPair("What is 1 + 1?", "2")]),
        Summary = new TrainingSummary { Steps = 7, Tokens = 123_456, ResponseTokens = 65_432, SkippedTooLong = 12, FirstLossNats = 1.25, FinalLossNats = 0.5 },
    };

    [Fact]
    public void A_card_tells_base_recipe_data_and_losses()
    {
        var text = Card.Text();
        string[] told =
        [
            "base_model: \"meta-llama/Llama-3.1-8B\"", "8,030,261,248 parameters, stored as BF16", "10,000, of which 12 were left out", $"`{Card.DataHash}`", "| training seed | 42 |",
            "\"epochs\": 3", "\"clipNorm\": 0.5", "\"packing\": \"plain\"", "\"learningRate\": 1E-05", "1.2500, 0.5000", "123,456, 65,432", "Not measured",
        ];
        Assert.All(told, part => Assert.Contains(part, text, StringComparison.Ordinal));
        Assert.StartsWith("---\nbase_model", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Scores_take_the_place_of_those_before_and_a_missing_one_is_not_zero()
    {
        var card = StudentCard.WithScores(Card.Text(), [new StudentScore("gsm8k", 0.5, 1319, 0)]);
        card = StudentCard.WithScores(card, [new StudentScore("gsm8k", 0.625, 1318, 1), new StudentScore("a | b", null, 0, 3)]);
        Assert.EndsWith("| gsm8k | 62.5 | 1,318 | 1 |\n| a \\| b | none | 0 | 3 |\n", card, StringComparison.Ordinal);
        Assert.DoesNotContain("50.0", card, StringComparison.Ordinal);
        Assert.DoesNotContain("Not measured", card, StringComparison.Ordinal);
        Assert.Equal(Card.Text(), StudentCard.WithScores(card, []));
    }

    // printf 'a\0b\0c\0d\0' | sha256sum
    [Fact]
    public void The_hash_of_the_rows_can_be_recomputed_with_common_tools() =>
        Assert.Equal("5853dca2993b8cc094f73a74a962ee9cc733a8f6b44cc771735c643b34634c2b", StudentCard.HashOf([new TrainingPair("a", "b"), new TrainingPair("c", "d")]));

    [Fact]
    public void The_order_of_rows_and_the_border_between_texts_count()
    {
        TrainingPair first = new("a", "b"), second = new("c", "d");
        Assert.NotEqual(StudentCard.HashOf([first, second]), StudentCard.HashOf([second, first]));
        Assert.NotEqual(StudentCard.HashOf([new TrainingPair("ab", "c")]), StudentCard.HashOf([new TrainingPair("a", "bc")]));
    }

    [Theory]
    [InlineData("/hub/models--meta-llama--Llama-3.1-8B/snapshots/0e9e39f249a16976918f6564b8830bc894c89659", "meta-llama/Llama-3.1-8B")]
    [InlineData("/models/my-base/", "my-base")]
    public void A_base_model_in_the_hubs_cache_is_called_as_on_the_hub(string folder, string name) => Assert.Equal(name, StudentCard.NameOf(folder));

    [Fact]
    public void A_name_cannot_break_out_of_its_place()
    {
        var text = (Card with { BaseModel = "evil\"\n---\n# x | y" }).Text();
        Assert.Contains("base_model: \"evil\\\"\\n---\\n# x | y\"", text, StringComparison.Ordinal);
        Assert.Contains("| base model | evil\" --- # x \\| y |", text, StringComparison.Ordinal);
    }
}
