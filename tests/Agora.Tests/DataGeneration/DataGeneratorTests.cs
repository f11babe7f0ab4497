using System.Globalization;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.SeedData;
using CsCheck;
using Microsoft.Extensions.AI;
using static Agora.Tests.DataGeneration.ScriptedGenerator;

namespace Agora.Tests.DataGeneration;

public sealed class DataGeneratorTests
{
    [Fact]
    public Task Exactly_as_many_instances_come_out_as_were_asked_for() =>
        Gen.Select(AnySetting, Gen.Int[1, 40], Gen.Int[0, 8], Gen.Int[1, 12]).SampleAsync(async (setting, instances, badOfTen, roundLength) =>
        {
            var plan = Plan(setting, instances, spec => spec with { RoundLength = roundLength, MaxCompletionsPerInstance = 100 }, seeds: 400);
            var outcome = await GenerateAsync(plan, Sloppy(badOfTen));
            Assert.True(outcome.Complete);
            Assert.Equal(Enumerable.Range(0, instances), outcome.Instances.Select(instance => instance.Index));
        }, iter: 60);

    // The property that lets a killed run end with the bytes of one that was not: only requests and answers count, not their timing.
    [Fact]
    public Task Any_interleaving_gives_the_same_data_set() =>
        Gen.Select(AnySetting, Gen.Int[0, 9], Gen.Int[1, 16], Gen.Int).SampleAsync(async (setting, badOfTen, parallel, interleaving) =>
        {
            var plan = Plan(setting, 20, spec => spec with { RoundLength = 6, TriesPerInstance = 3, MaxCompletionsPerInstance = 4 });
            var one = await GenerateAsync(plan with { MaxParallel = 1 }, Sloppy(badOfTen));
            var other = await GenerateAsync(plan with { MaxParallel = parallel }, Sloppy(badOfTen, interleaving));
            Assert.Equal(Written(one), Written(other));
        }, iter: 60);

    [Fact]
    public async Task A_round_sees_only_instances_of_complete_earlier_rounds()
    {
        var outcome = await GenerateAsync(Plan(InstanceGeneration, 30, spec => spec with { RoundLength = 10 }), Sloppy(0));
        foreach (var instance in outcome.Instances)
        {
            var shown = instance.Provenance.Demonstrations.Where(id => id.StartsWith("generated:", StringComparison.Ordinal)).ToArray();
            Assert.Equal(instance.Index / 10, instance.Provenance.Round);
            Assert.Equal(instance.Index < 10 ? 0 : 1, shown.Length);
            Assert.All(shown, id => Assert.True(int.Parse(id["generated:".Length..], CultureInfo.InvariantCulture) / 10 < instance.Provenance.Round));
        }
    }

    [Fact]
    public async Task Demonstrations_are_three_different_seeds_while_nothing_is_generated_and_then_two()
    {
        var outcome = await GenerateAsync(Plan(InstanceGeneration, 20, spec => spec with { RoundLength = 10 }, seeds: 4), Sloppy(0));
        Assert.All(outcome.Instances, instance =>
        {
            Assert.Equal(3, instance.Provenance.Demonstrations.Distinct().Count());
            Assert.Equal(instance.Index < 10 ? 3 : 2, instance.Provenance.Demonstrations.Count(id => id.StartsWith("seeds:", StringComparison.Ordinal)));
        });
        // In random order: what was generated stands in each of the three places now and then.
        Assert.Equal(3, outcome.Instances.Skip(10).Select(instance => instance.Provenance.Demonstrations.ToList().FindIndex(id => id.StartsWith("generated:", StringComparison.Ordinal))).Distinct().Count());
    }

    [Fact]
    public async Task Every_try_has_another_prompt_or_another_sampling_seed()
    {
        var seeds = new HashSet<long>();
        var outcome = await GenerateAsync(Plan(ResponseGeneration, 1), new ScriptedGenerator((_, seed) =>
        {
            seeds.Add(seed);
            return Says(seeds.Count < 5 ? "no result" : "2\n[RESULT] 2 [/RESULT]");
        }));
        Assert.Equal(5, seeds.Count);
        Assert.Equal(5, outcome.Instances.Single().Provenance.Tries);
        Assert.Equal([1, 2, 3, 4], outcome.Rejects.Select(reject => reject.Try));
    }

    [Fact]
    public async Task A_seed_whose_tries_are_used_up_gives_its_place_to_the_next_unused_seed()
    {
        var plan = Plan(ResponseGeneration, 3, spec => spec with { TriesPerInstance = 2 }, seeds: 5);
        var outcome = await GenerateAsync(plan, new ScriptedGenerator((prompt, _) => Says(prompt.Contains("question 1?", StringComparison.Ordinal) ? "hm" : "[RESULT] 2 [/RESULT]")));
        Assert.True(outcome.Complete);
        Assert.Equal(["seeds:0", "seeds:3", "seeds:2"], outcome.Instances.Select(instance => instance.Provenance.Seed!.Value.Value));
        Assert.Equal(["seeds:1", "seeds:1"], outcome.Rejects.Select(reject => reject.Seed!.Value.Value));
    }

    [Fact]
    public async Task When_the_seeds_are_used_up_the_data_set_is_incomplete_and_says_so()
    {
        var outcome = await GenerateAsync(Plan(ResponseGeneration, 5, seeds: 3), Sloppy(0));
        Assert.False(outcome.Complete);
        Assert.Equal("3 of 5 instances: all 3 seeds were used up", outcome.Shortfall);
    }

    [Fact]
    public async Task At_the_limit_of_completions_the_data_set_is_incomplete_and_says_why()
    {
        var plan = Plan(InstanceGeneration, 10, spec => spec with { RoundLength = 4, TriesPerInstance = 3, MaxCompletionsPerInstance = 2.5 });
        var generator = new ScriptedGenerator((_, _) => Says("never valid"));
        var outcome = await GenerateAsync(plan, generator);
        Assert.Equal(25, generator.Prompts.Count);
        Assert.Equal("0 of 10 instances: the limit of 25 completions was reached; most rejects: trigger_missing 25", outcome.Shortfall);
    }

    [Fact]
    public Task No_more_completions_are_asked_for_than_the_limit_allows() =>
        Gen.Select(AnySetting, Gen.Int[1, 30], Gen.Int[0, 10], Gen.Double[1, 4], Gen.Int[1, 9]).SampleAsync(async (setting, instances, badOfTen, perInstance, tries) =>
        {
            var plan = Plan(setting, instances, spec => spec with { MaxCompletionsPerInstance = perInstance, TriesPerInstance = tries, RoundLength = 7 });
            var generator = Sloppy(badOfTen);
            var outcome = await GenerateAsync(plan, generator);
            Assert.True(generator.Prompts.Count <= DataGenerator.CompletionLimit(plan.Spec));
            Assert.Equal(generator.Prompts.Count, outcome.Bill.Total.Completions);
        }, iter: 60);

    [Fact]
    public async Task The_bill_adds_up()
    {
        var outcome = await GenerateAsync(Plan(InstanceGeneration, 50) with { Price = new Price { Input = 2, Output = 10 } }, Sloppy(4));
        var bill = outcome.Bill;
        Assert.Equal(50, bill.Kept.Completions);
        Assert.Equal(outcome.Rejects.Length, bill.Rejected.Values.Sum(line => line.Completions));
        Assert.Equal(outcome.Rejects.CountBy(reject => reject.Reason).ToDictionary(), bill.Rejected.ToDictionary(line => line.Key, line => (int)line.Value.Completions));
        Assert.Equal(bill.Total.InputTokens, outcome.Instances.Sum(instance => instance.Provenance.InputTokens));
        Assert.Equal(bill.Total.OutputTokens, outcome.Instances.Sum(instance => instance.Provenance.OutputTokens));
        Assert.Equal(bill.Dollars, outcome.Instances.Sum(instance => instance.Provenance.CostDollars));
        Assert.Equal((bill.Total.InputTokens * 2 + bill.Total.OutputTokens * 10) / 1_000_000m, bill.Dollars);
        Assert.Equal(outcome.Instances.Sum(instance => instance.Provenance.Tries - 1), bill.Retried.Completions);
    }

    [Fact]
    public async Task Completions_without_token_counts_are_counted_apart()
    {
        var outcome = await GenerateAsync(Plan(ResponseGeneration, 2), new ScriptedGenerator((_, _) =>
            new ChatResponse(new ChatMessage(ChatRole.Assistant, "[RESULT] 2 [/RESULT]")) { FinishReason = ChatFinishReason.Stop }));
        Assert.Equal(2, outcome.Bill.Total.WithoutUsage);
    }

    public static TheoryData<string, string, RejectReason> Endings => new()
    {
        { "length", "[RESULT] 2 [/RESULT]", RejectReason.FinishedByLength },
        { "content_filter", "[RESULT] 2 [/RESULT]", RejectReason.FinishedOtherwise },
        { "", "[RESULT] 2 [/RESULT]", RejectReason.FinishedOtherwise },
        { "stop", "  ", RejectReason.CompletionEmpty },
    };

    [Theory]
    [MemberData(nameof(Endings))]
    public async Task Only_completions_that_ended_by_themselves_count(string finish, string text, RejectReason reason)
    {
        var asked = 0;
        var outcome = await GenerateAsync(Plan(ResponseGeneration, 1), new ScriptedGenerator((_, _) => asked++ > 0
            ? Says("[RESULT] 2 [/RESULT]")
            : new ChatResponse(new ChatMessage(ChatRole.Assistant, text)) { FinishReason = finish.Length == 0 ? null : new ChatFinishReason(finish) }));
        Assert.Equal(reason, outcome.Rejects.Single().Reason);
        Assert.Equal(text, outcome.Rejects.Single().Completion);
    }

    [Fact]
    public async Task A_prompt_that_the_model_refuses_is_a_reject_and_not_the_end()
    {
        var asked = 0;
        var outcome = await GenerateAsync(Plan(InstanceGeneration, 1), new ScriptedGenerator((_, _) =>
            asked++ == 0 ? throw new PromptRefusedException("too long") : Says("q\nOUTPUT: [RESULT] 2 [/RESULT]")));
        Assert.Equal((RejectReason.PromptRefused, "too long"), outcome.Rejects.Select(reject => (reject.Reason, reject.Detail)).Single());
        Assert.True(outcome.Complete);
    }

    [Fact]
    public async Task A_failing_endpoint_ends_the_step_with_its_own_error()
    {
        var fault = await Assert.ThrowsAsync<AgoraException>(() => GenerateAsync(Plan(InstanceGeneration, 9),
            new ScriptedGenerator((_, _) => throw new AgoraException("gone", "there", "mend it"))));
        Assert.Equal("gone", fault.What);
    }

    [Fact]
    public async Task Fewer_seeds_than_one_prompt_shows_are_refused_before_anything_is_asked()
    {
        var generator = Sloppy(0);
        var fault = await Assert.ThrowsAsync<AgoraException>(() => GenerateAsync(Plan(InstanceGeneration, 9, seeds: 2), generator));
        Assert.Equal("math/instance_generation has 2 seeds, and its meta-prompt shows 3", fault.What);
        Assert.Empty(generator.Prompts);
    }

    [Fact]
    public async Task Progress_ends_with_the_sums_of_the_bill()
    {
        var seen = new List<GenerationProgress>();
        var outcome = await GenerateAsync(Plan(InstanceGeneration, 20), Sloppy(3), new Listed(seen));
        Assert.Equal(new GenerationProgress(20, 20, outcome.Bill.Total.Completions, outcome.Rejects.Length, outcome.Bill.Total.InputTokens, outcome.Bill.Total.OutputTokens, null), seen[^1]);
        Assert.Equal(outcome.Bill.Total.Completions, seen.Count);
    }

    private static readonly Setting InstanceGeneration = new(Domain.Math, GenerationMethod.InstanceGeneration);
    private static readonly Setting ResponseGeneration = new(Domain.Math, GenerationMethod.ResponseGeneration);

    /// <summary>Follows the shipped meta-prompts, but for a share of its answers, which it spoils.</summary>
    private static ScriptedGenerator Sloppy(int badOfTen, int interleaving = 0) => new((prompt, seed) =>
    {
        if (seed % 10 < badOfTen) return seed % 2 == 0 ? Says("I cannot help with that.") : Says("cut", ChatFinishReason.Length);
        var response = prompt.Contains("[RESULT]", StringComparison.Ordinal) ? $"{seed}\n[RESULT] {seed} [/RESULT]"
            : prompt.Contains("```", StringComparison.Ordinal) ? $"```python\nx = {seed}\n```" : $"It is {seed}.";
        var trigger = prompt.EndsWith("Revised Question:", StringComparison.Ordinal) ? "Revised Answer:" : prompt.EndsWith("OUTPUT:", StringComparison.Ordinal) ? null : "OUTPUT:";
        return Says(trigger is null ? response : $"What is {seed}?\n{trigger} {response}");
    }, interleaving);

    private static Task<GenerationOutcome> GenerateAsync(GenerationPlan plan, IChatClient generator, IProgress<GenerationProgress>? progress = null) =>
        DataGenerator.GenerateAsync(plan, generator, progress, TestContext.Current.CancellationToken);

    private static readonly Gen<Setting> AnySetting = Gen.Int[0, 8].Select(i => Setting.All[i]);

    private static GenerationPlan Plan(Setting setting, int instances, Func<GenerationSpec, GenerationSpec>? change = null, int seeds = 60)
    {
        var spec = new GenerationSpec { Instances = instances };
        return new GenerationPlan
        {
            Setting = setting,
            Spec = change is null ? spec : change(spec),
            MetaPrompt = MetaPrompts.Load(Path.Combine(Fixtures.Checkout, "prompts"), MetaPromptVariant.Agorabench).For(setting),
            Seeds = new SeedSet([.. Enumerable.Range(0, seeds).Select(i => new SeedInstance(new SeedId($"seeds:{i}"), $"question {i}?", $"answer {i}"))]),
            Generator = "scripted",
            Random = new RandomStreams(42),
            CountTokens = text => text.Length / 4,
        };
    }

    private static string Written(GenerationOutcome outcome) => System.Text.Json.JsonSerializer.Serialize(outcome);

    private sealed class Listed(List<GenerationProgress> seen) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value) => seen.Add(value);
    }
}
