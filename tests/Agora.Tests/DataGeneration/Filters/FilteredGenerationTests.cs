using System.Collections.Immutable;
using System.Globalization;
using Agora.DataGeneration;
using Agora.DataGeneration.Filters;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.SeedData;
using Agora.Tests.LanguageModels;
using CsCheck;
using Microsoft.Extensions.AI;
using static Agora.Tests.DataGeneration.ScriptedGenerator;

namespace Agora.Tests.DataGeneration.Filters;

public sealed class FilteredGenerationTests
{
    private static readonly FilterSpec All = new()
    {
        Length = new LengthFilterSpec { MaxInstruction = 60 },
        Scripts = new ScriptFilterSpec(),
        ExactDuplicates = new ExactDuplicateSpec(),
        NearDuplicates = new NearDuplicateSpec { Shingle = 1 },
        Novelty = new NoveltySpec(),
    };

    [Fact]
    public Task Exactly_as_many_novel_instances_come_out_as_were_asked_for() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 12], Gen.Int).SampleAsync(async (instances, roundLength, script) =>
        {
            var plan = Plan(InstanceGeneration, All, instances, spec => spec with { RoundLength = roundLength, MaxCompletionsPerInstance = 1000 });
            var outcome = await GenerateAsync(plan, Repeating(script));
            Assert.True(outcome.Complete);
            string[] texts = [.. plan.Seeds.Instances.Select(seed => seed.Instruction), .. outcome.Instances.OrderBy(instance => instance.Provenance.Round).ThenBy(instance => instance.Index).Select(instance => instance.Instruction)];
            for (var i = plan.Seeds.Instances.Count; i < texts.Length; i++)
                for (var j = 0; j < i; j++)
                    Assert.True(PlainF(texts[i], texts[j]) < 0.7, $"\"{texts[i]}\" and \"{texts[j]}\"");
        }, iter: 40);

    // What a killed run's resume rests on: verdicts that depend on other instances may not depend on who arrived first.
    [Fact]
    public async Task Any_interleaving_gives_the_same_data_set_with_all_filters()
    {
        var filtered = 0;
        await Gen.Select(Gen.Int[0, 2].Select(i => new[] { InstanceGeneration, QualityEnhancement, ResponseGeneration }[i]), Gen.Int[1, 16], Gen.Int, Gen.Int).SampleAsync(async (setting, parallel, interleaving, script) =>
        {
            var plan = Plan(setting, All, 20, spec => spec with { RoundLength = 6, TriesPerInstance = 3, MaxCompletionsPerInstance = 20 });
            var one = await GenerateAsync(plan with { MaxParallel = 1 }, Repeating(script));
            var other = await GenerateAsync(plan with { MaxParallel = parallel }, Repeating(script, interleaving));
            Interlocked.Add(ref filtered, one.Rejects.Count(reject => reject.Reason >= RejectReason.ExactDuplicate));
            Assert.Equal(System.Text.Json.JsonSerializer.Serialize(one), System.Text.Json.JsonSerializer.Serialize(other));
        }, iter: 40);
        Assert.True(filtered > 40);
    }

    [Fact]
    public async Task The_bill_and_the_progress_add_up_with_what_filters_turned_away()
    {
        GenerationProgress? last = null;
        var outcome = await DataGenerator.GenerateAsync(Plan(InstanceGeneration, All, 30) with { Price = new Price { Input = 2, Output = 10 } }, Repeating(1),
            new Last(progress => last = progress), TestContext.Current.CancellationToken);
        Assert.Equal(30, outcome.Bill.Kept.Completions);
        Assert.Equal(outcome.Rejects.CountBy(reject => reject.Reason).ToDictionary(), outcome.Bill.Rejected.ToDictionary(line => line.Key, line => (int)line.Value.Completions));
        Assert.Equal(outcome.Bill.Dollars, outcome.Instances.Sum(instance => instance.Provenance.CostDollars));
        Assert.Equal((30, outcome.Bill.Total.Completions, outcome.Bill.Dollars), (last!.Valid, last.Completions, last.Dollars));
    }

    [Fact]
    public async Task A_reject_says_what_it_is_like_and_what_was_written()
    {
        var outcome = await GenerateAsync(Plan(InstanceGeneration, new FilterSpec { Novelty = new NoveltySpec() }, 2, spec => spec with { RoundLength = 1 }),
            Says("one two three four five six", "one two three four five seven", "question 3 of the seeds is here", "alpha beta"));
        Assert.Equal([(RejectReason.NotNovel, "ROUGE-L 0.833 with generated:0"), (RejectReason.NotNovel, "ROUGE-L 0.857 with seeds:0")], outcome.Rejects.Select(reject => (reject.Reason, reject.Detail)));
        Assert.Equal(["one two three four five six", "alpha beta"], outcome.Instances.Select(instance => instance.Instruction));
        Assert.StartsWith("one two three four five seven", outcome.Rejects[0].Completion, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.85, 0)]
    [InlineData(0.8, 1)]
    public async Task The_threshold_of_novelty_decides(double threshold, int rejects)
    {
        var outcome = await GenerateAsync(Plan(InstanceGeneration, new FilterSpec { Novelty = new NoveltySpec { Threshold = threshold } }, 2),
            Says("one two three four five six", "one two three four five seven", "alpha beta"));
        Assert.Equal(rejects, outcome.Rejects.Length);
    }

    public static TheoryData<InstancePart, int> Parts => new() { { InstancePart.Instruction, 1 }, { InstancePart.Response, 1 }, { InstancePart.Pair, 0 } };

    [Theory]
    [MemberData(nameof(Parts))]
    public async Task Exact_duplicates_are_told_by_the_part_that_is_named(InstancePart of, int rejects)
    {
        var answers = of == InstancePart.Response ? new[] { "a\nOUTPUT: same", "b\nOUTPUT:  same ", "c\nOUTPUT: c" } : ["same\nOUTPUT: a", "same \nOUTPUT: b", "c\nOUTPUT: c"];
        var outcome = await GenerateAsync(Plan(General, new FilterSpec { ExactDuplicates = new ExactDuplicateSpec { Of = of } }, 2), Completions(answers));
        Assert.Equal(rejects, outcome.Rejects.Count(reject => reject.Reason == RejectReason.ExactDuplicate));
    }

    [Theory]
    [InlineData(0.5, 3, 1)]
    [InlineData(0.95, 3, 0)]
    [InlineData(0.5, 6, 0)]
    public async Task Near_duplicates_are_told_by_threshold_and_shingle(double threshold, int shingle, int rejects)
    {
        var outcome = await GenerateAsync(Plan(General, new FilterSpec { NearDuplicates = new NearDuplicateSpec { Threshold = threshold, Shingle = shingle } }, 2),
            Says("one two three four five six seven", "one two three four five six eight", "alpha beta"));
        Assert.Equal(rejects, outcome.Rejects.Count(reject => reject.Reason == RejectReason.NearDuplicate));
    }

    [Theory]
    [InlineData(0.9, 1)]
    [InlineData(0.99, 0)]
    public async Task Embedding_duplicates_are_told_by_the_angle_between_vectors(double threshold, int rejects)
    {
        // 18 degrees apart, whatever their lengths: a cosine of 0.951.
        var model = new Angles(("north", 90, 1), ("nearly north", 72, 5), ("east", 0, 2));
        var filters = new FilterSpec { EmbeddingDuplicates = new EmbeddingDuplicateSpec { Model = "angles", Threshold = threshold } };
        var outcome = await DataGenerator.GenerateAsync(Plan(General, filters, 2) with { Seeds = new SeedSet([.. Enumerable.Range(0, 3).Select(i => new SeedInstance(new SeedId($"s:{i}"), $"south {i}", "x"))]) },
            new GenerationModels(Says("north", "nearly north", "east")) { Embeddings = model }, null, TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Repeat("cosine 0.951 with generated:0", rejects), outcome.Rejects.Select(reject => reject.Detail));
        Assert.All(outcome.Rejects, reject => Assert.Equal(RejectReason.EmbeddingDuplicate, reject.Reason));
    }

    [Fact]
    public async Task Vectors_that_a_journal_holds_are_not_asked_for_again()
    {
        var (model, journal) = (new Angles(("a", 10, 1), ("b", 20, 1)), new DictionaryJournal());
        using var first = new JournaledEmbeddings(model, journal, "angles");
        var made = await first.GenerateAsync(["a", "b", "a"], cancellationToken: TestContext.Current.CancellationToken);
        using var second = new JournaledEmbeddings(new Angles(), journal, "angles");
        var read = await second.GenerateAsync(["b", "a"], cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(2, model.Asked);
        Assert.Equal([made[1].Vector.ToArray(), made[0].Vector.ToArray()], read.Select(embedding => embedding.Vector.ToArray()));
        // Another model's vectors are others.
        using var other = new JournaledEmbeddings(new Angles(("a", 30, 1)), journal, "other");
        Assert.NotEqual(made[0].Vector.ToArray(), (await other.GenerateAsync(["a"], cancellationToken: TestContext.Current.CancellationToken))[0].Vector.ToArray());
    }

    public static TheoryData<LengthFilterSpec, RejectReason> Lengths => new()
    {
        { new LengthFilterSpec { MinInstruction = 9 }, RejectReason.InstructionTooShort },
        { new LengthFilterSpec { MaxInstruction = 7 }, RejectReason.InstructionTooLong },
        { new LengthFilterSpec { MinResponse = 4 }, RejectReason.ResponseTooShort },
        { new LengthFilterSpec { MaxResponse = 2 }, RejectReason.ResponseTooLong },
    };

    [Theory]
    [MemberData(nameof(Lengths))]
    public async Task Each_bound_of_length_turns_away(LengthFilterSpec length, RejectReason reason)
    {
        var outcome = await GenerateAsync(Plan(General, new FilterSpec { Length = length }, 1, spec => spec with { MaxCompletionsPerInstance = 1 }), Completions("8 letter\nOUTPUT: 3 l"));
        Assert.Equal(reason, outcome.Rejects.Single().Reason);
    }

    [Theory]
    [InlineData("Сколько будет два", "два", WritingScript.Latin, 0.9, false)]
    [InlineData("Сколько будет два", "два", WritingScript.Cyrillic, 0.9, true)]
    [InlineData("How many 数学题目 is that", "two", WritingScript.Latin, 0.9, false)]
    [InlineData("How many 数学题目 is that", "two", WritingScript.Latin, 0.7, true)]
    [InlineData("π + 2 = ?", "5.14", WritingScript.Greek, 1, true)]
    [InlineData("3 + 4 = ?", "7", WritingScript.Latin, 1, true)]
    [InlineData("How many", "三", WritingScript.Latin, 0.9, false)]
    public async Task Letters_of_other_scripts_turn_an_instance_away(string instruction, string response, WritingScript allowed, double share, bool kept)
    {
        var filters = new FilterSpec { Scripts = new ScriptFilterSpec { Allowed = [allowed], Share = share } };
        var outcome = await GenerateAsync(Plan(General, filters, 1, spec => spec with { MaxCompletionsPerInstance = 1 }), Completions($"{instruction}\nOUTPUT: {response}"));
        Assert.Equal(kept, outcome.Complete);
        Assert.All(outcome.Rejects, reject => Assert.Equal(RejectReason.ScriptOther, reject.Reason));
    }

    [Theory]
    [InlineData("How many legs has a spider that has lost none of them?", "It has eight legs, as all spiders do.", WrittenLanguage.English, true)]
    [InlineData("How many legs has a spider that has lost none of them?", "Sie hat acht Beine, wie alle anderen Spinnen sie auch haben.", WrittenLanguage.English, false)]
    [InlineData("Wie viele Beine hat eine Spinne, die keine verloren hat?", "Sie hat acht Beine, wie alle anderen Spinnen sie auch haben.", WrittenLanguage.German, true)]
    [InlineData("Wie viele Beine hat eine Spinne, die keine verloren hat?", "8", WrittenLanguage.English, false)]
    [InlineData("12 + 30 = ?", "42", WrittenLanguage.Thai, true)]
    [InlineData("Quoi ?", "Huit", WrittenLanguage.English, true)]
    public async Task Other_languages_turn_an_instance_away_where_there_is_enough_to_tell(string instruction, string response, WrittenLanguage allowed, bool kept)
    {
        var filters = new FilterSpec { Languages = new LanguageFilterSpec { Allowed = [allowed] } };
        var outcome = await GenerateAsync(Plan(General, filters, 1, spec => spec with { MaxCompletionsPerInstance = 1 }), Completions($"{instruction}\nOUTPUT: {response}"));
        Assert.Equal(kept, outcome.Complete);
        Assert.All(outcome.Rejects, reject => Assert.Equal(RejectReason.LanguageOther, reject.Reason));
        Assert.Equal(kept ? 0 : 1, outcome.Rejects.Length);
    }

    // A seed is not lost because its first rewriting came out like another one's.
    [Fact]
    public async Task A_rewriting_that_a_filter_turns_away_is_asked_for_again_with_the_same_seed()
    {
        var asked = 0;
        var outcome = await GenerateAsync(Plan(QualityEnhancement, new FilterSpec { ExactDuplicates = new ExactDuplicateSpec() }, 2), new ScriptedGenerator((_, _) =>
            ScriptedGenerator.Says(Interlocked.Increment(ref asked) <= 2 ? "same\nRevised Answer: [RESULT] 1 [/RESULT]" : "other\nRevised Answer: [RESULT] 1 [/RESULT]")));
        Assert.Equal(["seeds:0", "seeds:1"], outcome.Instances.Select(instance => instance.Provenance.Seed!.Value.Value));
        Assert.Equal([1, 2], outcome.Instances.Select(instance => instance.Provenance.Tries));
    }

    [Fact]
    public async Task A_seed_whose_every_rewriting_is_turned_away_gives_its_place_to_the_next()
    {
        var plan = Plan(QualityEnhancement, new FilterSpec { ExactDuplicates = new ExactDuplicateSpec() }, 2, spec => spec with { TriesPerInstance = 2 });
        var outcome = await GenerateAsync(plan, new ScriptedGenerator((prompt, _) =>
            ScriptedGenerator.Says($"{(prompt.Contains("question 2", StringComparison.Ordinal) ? "other" : "same")}\nRevised Answer: [RESULT] 1 [/RESULT]")));
        Assert.Equal(["seeds:0", "seeds:2"], outcome.Instances.Select(instance => instance.Provenance.Seed!.Value.Value));
        Assert.Equal(2, outcome.Rejects.Length);
    }

    // Another answer would have the same instruction: the next seed is asked instead.
    [Fact]
    public async Task A_repeated_seed_of_response_generation_is_not_paid_for_twice()
    {
        var plan = Plan(ResponseGeneration, new FilterSpec { ExactDuplicates = new ExactDuplicateSpec() }, 2);
        plan = plan with { Seeds = new SeedSet([.. plan.Seeds.Instances.Select((seed, i) => seed with { Instruction = i < 2 ? "the same" : seed.Instruction })]) };
        var outcome = await GenerateAsync(plan, Completions("[RESULT] 1 [/RESULT]"));
        Assert.Equal(["seeds:0", "seeds:2"], outcome.Instances.Select(instance => instance.Provenance.Seed!.Value.Value));
        Assert.Equal(3, outcome.Bill.Total.Completions);
    }

    [Fact]
    public async Task What_stands_in_a_test_set_is_turned_away()
    {
        var plan = Plan(General, new FilterSpec(), 2) with { TestSets = new TestSetIndex(new DecontaminationSpec { Ngram = 5 }, [new TestSet("arena", [("7", "Name the capital of France, please.")])]) };
        var outcome = await GenerateAsync(plan, Says("Tell me: name the capital of Peru", "Tell me: Name the \"capital of\" FRANCE", "Name a river"));
        Assert.Equal(["Tell me: name the capital of Peru", "Name a river"], outcome.Instances.Select(instance => instance.Instruction));
        Assert.Equal((RejectReason.Contaminated, "arena item 7: \"name the capital of france\""), outcome.Rejects.Select(reject => (reject.Reason, reject.Detail)).Single());
    }

    private static readonly Setting InstanceGeneration = new(Domain.Math, GenerationMethod.InstanceGeneration);
    private static readonly Setting QualityEnhancement = new(Domain.Math, GenerationMethod.QualityEnhancement);
    private static readonly Setting ResponseGeneration = new(Domain.Math, GenerationMethod.ResponseGeneration);
    private static readonly Setting General = new(Domain.InstructionFollowing, GenerationMethod.InstanceGeneration);

    /// <summary>A generator of few words, which often writes what it wrote before.</summary>
    private static ScriptedGenerator Repeating(int script, int interleaving = 0) => new((prompt, seed) =>
    {
        var random = new Random(HashCode.Combine(script, (int)seed));
        var words = Enumerable.Range(0, random.Next(3, 9)).Select(_ => $"w{random.Next(1 << random.Next(2, 9)).ToString(CultureInfo.InvariantCulture)}");
        var response = $"{seed % 3}\n[RESULT] {seed % 3} [/RESULT]";
        return ScriptedGenerator.Says(prompt.EndsWith("OUTPUT:", StringComparison.Ordinal) ? response
            : $"{string.Join(' ', words)}\n{(prompt.EndsWith("Revised Question:", StringComparison.Ordinal) ? "Revised Answer:" : "OUTPUT:")} {response}");
    }, interleaving);

    /// <summary>Instructions in turn, whatever is asked.</summary>
    private static ScriptedGenerator Says(params string[] instructions) => Completions([.. instructions.Select(instruction => $"{instruction}\nOUTPUT: 1 [RESULT] 1 [/RESULT]")]);

    private static ScriptedGenerator Completions(params string[] completions)
    {
        var next = 0;
        return new ScriptedGenerator((_, _) => ScriptedGenerator.Says(completions[Math.Min(Interlocked.Increment(ref next), completions.Length) - 1]));
    }

    private static Task<GenerationOutcome> GenerateAsync(GenerationPlan plan, IChatClient generator) =>
        DataGenerator.GenerateAsync(plan, generator, null, TestContext.Current.CancellationToken);

    private static GenerationPlan Plan(Setting setting, FilterSpec filters, int instances, Func<GenerationSpec, GenerationSpec>? change = null)
    {
        var spec = new GenerationSpec { Instances = instances, Filters = filters };
        return new GenerationPlan
        {
            Setting = setting,
            Spec = change is null ? spec : change(spec),
            MetaPrompt = MetaPrompts.Load(Path.Combine(Fixtures.Checkout, "prompts"), MetaPromptVariant.Agorabench).For(setting),
            Seeds = new SeedSet([.. Enumerable.Range(0, 60).Select(i => new SeedInstance(new SeedId($"seeds:{i}"), $"question {i} of the seeds is here", $"answer {i}"))]),
            Generator = "scripted",
            Random = new RandomStreams(42),
            MaxParallel = 1,
            CountTokens = text => text.Length / 4,
        };
    }

    private static double PlainF(string one, string other)
    {
        var (a, b) = (RougeWords.Of(one), RougeWords.Of(other));
        var table = new int[a.Count + 1, b.Count + 1];
        for (var i = 1; i <= a.Count; i++)
            for (var j = 1; j <= b.Count; j++)
                table[i, j] = a[i - 1] == b[j - 1] ? table[i - 1, j - 1] + 1 : Math.Max(table[i - 1, j], table[i, j - 1]);
        return RougeL.F(table[a.Count, b.Count], a.Count, b.Count);
    }

    /// <summary>Texts as directions in a plane; unknown ones point south.</summary>
    private sealed class Angles(params (string Text, double Degrees, double Length)[] known) : IEmbeddingGenerator<string, Embedding<float>>
    {
        public int Asked { get; private set; }

        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(values.Select(text =>
            {
                Asked++;
                var (_, degrees, length) = known.FirstOrDefault(one => one.Text == text) is { Text: not null } one ? one : (text, 270, 1);
                return new Embedding<float>(new[] { (float)(length * Math.Cos(degrees * Math.PI / 180)), (float)(length * Math.Sin(degrees * Math.PI / 180)) });
            })));

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }

    private sealed class Last(Action<GenerationProgress> take) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value) => take(value);
    }
}
