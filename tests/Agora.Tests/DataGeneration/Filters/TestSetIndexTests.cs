using System.Collections.Immutable;
using Agora.DataGeneration.Filters;
using Agora.Experiments;
using Agora.SeedData;
using CsCheck;

namespace Agora.Tests.DataGeneration.Filters;

public sealed class TestSetIndexTests
{
    private const string Item = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May.";

    [Theory]
    [InlineData("natalia sold clips to 48 of her friends in april and then she", true)]       // 13 words
    [InlineData("Natalia sold clips to 48 of her friends in April, and then", false)]         // 12 words
    [InlineData("Q: NATALIA sold (clips) to 48\n of her friends\tin April — and then, she …", true)]
    [InlineData("Natalia sold clips to 47 of her friends in April, and then she sold half as", false)]
    public void A_run_of_n_words_gives_a_copy_away(string text, bool found) => Assert.Equal(found, Index(13, Item).Find(text) is not null);

    [Theory]
    [InlineData("What is the sum of two primes?", "So: what is the sum of two primes?", true)]      // 7 words: as a whole
    [InlineData("What is the sum of two primes?", "What is the sum of two squares?", false)]
    [InlineData("What is 3 + 4?", "Tell me, what is 3 + 4?", false)]                                // too short to be told inside another text
    [InlineData("What is 3 + 4?", "what is 3+4", true)]                                             // but not as the whole text
    [InlineData("What is 3 + 4?", "What is 3 - 4?", false)]
    public void A_short_item_counts_as_a_whole(string item, string text, bool found) => Assert.Equal(found, Index(13, item).Find(text) is not null);

    [Fact]
    public void A_run_that_many_items_share_is_the_set_s_wording()
    {
        var many = Enumerable.Range(0, TestSetIndex.Boilerplate + 1).Select(i => $"Write a function that takes a list and returns word{i}").ToArray();
        Assert.Null(Index(8, many).Find("Write a function that takes a list and sorts it"));
        Assert.NotNull(Index(8, many[..TestSetIndex.Boilerplate]).Find("Write a function that takes a list and sorts it"));
        Assert.Equal("3", Index(8, many).Find(many[3])!.Item);
    }

    [Fact]
    public void A_response_that_repeats_an_item_is_found_too() =>
        Assert.NotNull(Index(13, Item).Find(new Agora.DataGeneration.InstructionResponse("Pose a problem", Item)));

    [Fact]
    public void Whatever_shares_a_run_is_found_and_nothing_else() =>
        Gen.Select(Gen.Int[0, 4].Array[0, 25], Gen.Int[0, 4].Array[0, 25]).Sample((item, text) =>
        {
            var (itemWords, textWords) = (item.Select(Word).ToArray(), text.Select(Word).ToArray());
            var length = Math.Min(5, itemWords.Length);
            var shared = itemWords.Length >= 3 && Runs(itemWords, length).Intersect(Runs(textWords, length)).Any();
            var same = itemWords.Length > 0 && itemWords.SequenceEqual(textWords);
            return (Index(5, string.Join(' ', itemWords)).Find(string.Join(", ", textWords)) is not null) == (shared || same);
        });

    [Fact]
    public void Seeds_that_are_test_items_are_left_out_and_named()
    {
        var seeds = new SeedSet([new SeedInstance(new SeedId("mbpp:1"), "Sort a list of numbers in place", "code"), new SeedInstance(new SeedId("mbpp:2"), Item, "code")]);
        var (clean, dropped) = Index(13, Item).Clean(seeds);
        Assert.Equal(["mbpp:1"], clean.Instances.Select(seed => seed.Id.Value));
        Assert.Equal(("mbpp:2", "tests", "0"), dropped.Select(seed => (seed.Seed.Value, seed.TestSet, seed.Item)).Single());
    }

    [Fact]
    public void The_identity_follows_the_questions_and_the_rule()
    {
        Assert.Equal(Index(13, Item).Identity, Index(13, Item).Identity);
        Assert.NotEqual(Index(13, Item).Identity, Index(12, Item).Identity);
        Assert.NotEqual(Index(13, Item).Identity, Index(13, Item, "more").Identity);
    }

    // EvalPlus's MBPP takes tasks of all splits, so that rows of the train split are test items: real rows, real seeds.
    [Fact]
    public void Seeds_of_mbpp_are_found_in_mbpp_itself()
    {
        var file = Fixtures.Part("benchmarks", "mbpp.jsonl.gz");
        var questions = RowReader.Read(file, [new TextColumn("text")]).OfType<FileRow.Good>().Select(row => row.Values[0]!).ToImmutableArray();
        var index = Index(13, [.. questions]);
        var (_, dropped) = index.Clean(new SeedSet([.. questions.Skip(600).Take(20).Select((text, i) => new SeedInstance(new SeedId($"s:{i}"), text, "x"))]));
        Assert.Equal(20, dropped.Length);
        var gsm8k = RowReader.Read(Fixtures.Part("benchmarks", "gsm8k_train_2000.jsonl.gz"), [new TextColumn("question")]).OfType<FileRow.Good>().ToArray();
        Assert.DoesNotContain(gsm8k, row => index.Find(row.Values[0]!) is not null);
    }

    private static string Word(int number) => ((char)('a' + number)).ToString();

    private static IEnumerable<string> Runs(string[] words, int length) =>
        length == 0 ? [] : Enumerable.Range(0, Math.Max(0, words.Length - length + 1)).Select(start => string.Join(' ', words.Skip(start).Take(length)));

    private static TestSetIndex Index(int ngram, params string[] items) =>
        new(new DecontaminationSpec { Ngram = ngram }, [new TestSet("tests", [.. items.Select((question, i) => ($"{i}", question))])]);
}
