using Agora.Experiments;
using Agora.Nano;
using Agora.Nano.Exercises;

namespace Agora.Tests.Nano;

public sealed class NanoDataTests
{
    public static TheoryData<Domain> Domains => [.. Enum.GetValues<Domain>()];

    public static TheoryData<Setting> Settings => [.. Setting.All];

    [Fact]
    public void The_shipped_seeds_benchmarks_and_themes_are_what_the_writers_write()
    {
        foreach (var (path, content) in NanoData.Files())
            Assert.Equal(content, File.ReadAllText(Path.Combine(Fixtures.Checkout, "nano", path)));
    }

    [Theory, MemberData(nameof(Domains))]
    public void A_benchmark_has_at_least_five_hundred_items_that_all_ask_for_something_else(Domain domain)
    {
        var items = NanoData.Benchmark(domain);
        Assert.True(items.Length >= 500);
        Assert.Equal(items.Length, items.Select(item => item.Structure).Distinct().Count());
    }

    // What is asked counts, not how: the names of people, things and functions and the wording may differ where the structure does not.
    [Theory, MemberData(nameof(Domains))]
    public void No_benchmark_item_is_asked_in_seeds_or_in_what_the_models_were_trained_on(Domain domain)
    {
        var benchmark = NanoData.Benchmark(domain).Select(item => item.Structure).ToHashSet();
        var seeds = Setting.All.Where(setting => setting.Domain == domain).SelectMany(setting => NanoData.SeedExercises(setting)).Select(seed => seed.Structure).ToList();
        var random = new RandomStreams(1).For("corpus");
        var corpus = Enumerable.Range(0, 5000).Select(_ => NanoDomain.Of(domain).Write(random, Part.Corpus).Structure).ToList();

        Assert.DoesNotContain(seeds, benchmark.Contains);
        Assert.DoesNotContain(corpus, benchmark.Contains);
        Assert.Empty(seeds.Intersect(corpus));
        Assert.Equal(seeds.Count, seeds.Distinct().Count());
    }

    [Theory, MemberData(nameof(Domains))]
    public void No_benchmark_question_stands_in_a_seed_file(Domain domain)
    {
        var questions = NanoData.Benchmark(domain).Select(item => item.Instruction).ToHashSet();
        foreach (var setting in Setting.All.Where(setting => setting.Domain == domain))
            Assert.DoesNotContain(NanoData.SeedExercises(setting), seed => questions.Contains(seed.Instruction));
    }

    [Theory, MemberData(nameof(Settings))]
    public void Every_setting_has_seeds(Setting setting) => Assert.InRange(NanoData.SeedExercises(setting).Length, 60, 1000);

    [Theory, MemberData(nameof(Domains))]
    public void The_same_stream_writes_the_same_exercises_and_raw_text(Domain domain)
    {
        static string Written(Domain domain, long seed)
        {
            var random = new RandomStreams(seed).For("same");
            return string.Concat(Enumerable.Range(0, 20).Select(_ =>
                NanoDomain.Of(domain).Write(random, Part.Corpus).Flawed(random) + NanoDomain.Of(domain).RawText(random)));
        }
        Assert.Equal(Written(domain, 3), Written(domain, 3));
        Assert.NotEqual(Written(domain, 3), Written(domain, 4));
    }

    [Theory, MemberData(nameof(Domains))]
    public void Raw_text_is_no_dialogue(Domain domain)
    {
        var random = new RandomStreams(5).For("raw");
        for (var i = 0; i < 300; i++)
            Assert.DoesNotMatch(@"\[RESULT|```|<\||INPUT:|OUTPUT:|Write |Define ", NanoDomain.Of(domain).RawText(random));
    }
}
