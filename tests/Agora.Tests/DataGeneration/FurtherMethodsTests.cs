using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using Agora.DataGeneration;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Runs;
using Agora.SeedData;
using Agora.Tests.Runs;
using CsCheck;
using Microsoft.Extensions.AI;

namespace Agora.Tests.DataGeneration;

/// <summary>The methods beyond the paper's, and one of a user's own.</summary>
public sealed class FurtherMethodsTests
{
    private static readonly ImmutableArray<GenerationMethod> Methods =
        [GenerationMethod.EvolInstruct, GenerationMethod.PersonaDriven, GenerationMethod.SelfSynthesis, GenerationMethod.BackTranslation, GenerationMethod.BestOfN];

    [Fact]
    public Task Exactly_as_many_instances_come_out_and_any_interleaving_gives_the_same() =>
        Gen.Select(Gen.Int[0, Methods.Length - 1], Gen.Int[0, 7], Gen.Int[1, 16], Gen.Int).SampleAsync(async (method, badOfTen, parallel, interleaving) =>
        {
            var plan = Plan(Methods[method], 20, spec => spec with { RoundLength = 6, MaxCompletionsPerInstance = 100 });
            var one = await GenerateAsync(plan with { MaxParallel = 1 }, new Talker(badOfTen: badOfTen));
            var other = await GenerateAsync(plan with { MaxParallel = parallel }, new Talker(interleaving, badOfTen));
            Assert.True(one.Complete, one.Shortfall);
            Assert.Equal(System.Text.Json.JsonSerializer.Serialize(one), System.Text.Json.JsonSerializer.Serialize(other));
        }, iter: 60);

    [Fact]
    public async Task An_evolution_is_drawn_for_each_try_shown_and_kept()
    {
        var talker = new Talker();
        var outcome = await GenerateAsync(Plan(GenerationMethod.EvolInstruct, 20), talker);
        var evolutions = outcome.Instances.Select(instance => instance.Provenance.Evolution!).ToArray();
        Assert.Contains(evolutions, evolution => evolution.StartsWith("Deeper:", StringComparison.Ordinal));
        Assert.Contains(evolutions, evolution => evolution.StartsWith("Broader:", StringComparison.Ordinal));
        Assert.All(evolutions, evolution => Assert.Contains(talker.Asked, request => request.Prompt.Contains(evolution, StringComparison.Ordinal)));
        Assert.All(outcome.Instances, instance => Assert.Contains(talker.Asked, request => request.Prompt.Contains($"question {instance.Provenance.Seed!.Value.Value["seeds:".Length..]}?", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_instruction_that_did_not_evolve_is_asked_for_again()
    {
        var asked = 0;
        var outcome = await GenerateAsync(Plan(GenerationMethod.EvolInstruct, 1), new Talker(answer: _ => Interlocked.Increment(ref asked) == 1 ? "question 0?\nRevised Answer: 1\n[RESULT] 1 [/RESULT]" : null));
        Assert.Equal(RejectReason.InstructionUnchanged, outcome.Rejects.Single().Reason);
        Assert.True(outcome.Complete);
    }

    [Theory]
    [InlineData(JsonReading.Strict, false)]
    [InlineData(JsonReading.Schema, true)]
    public async Task Where_the_experiment_says_so_every_answer_of_the_json_variant_is_bound_to_its_schema(JsonReading reading, bool bound)
    {
        var talker = new Talker(answer: _ => "{\"instruction\": \"a\", \"response\": \"b\\n[RESULT] 1 [/RESULT]\"}");
        var plan = Plan(GenerationMethod.QualityEnhancement, 3, spec => spec with { Json = reading });
        var outcome = await GenerateAsync(plan with { MetaPrompt = MetaPrompts.Load(Path.Combine(Fixtures.Checkout, "prompts"), MetaPromptVariant.JsonFormat, reading).For(plan.Setting) }, talker);
        Assert.True(outcome.Complete);
        Assert.All(talker.Asked, request => Assert.Equal(bound, request.Options.ResponseFormat is ChatResponseFormatJson { Schema: not null }));
    }

    [Fact]
    public async Task A_persona_is_drawn_for_each_try_beside_a_demonstration()
    {
        var talker = new Talker();
        var outcome = await GenerateAsync(Plan(GenerationMethod.PersonaDriven, 30), talker);
        Assert.True(outcome.Instances.Select(instance => instance.Provenance.Persona).Distinct().Count() > 5);
        Assert.All(outcome.Instances, instance => Assert.Contains(talker.Asked, request => request.Prompt.Contains(instance.Provenance.Persona!, StringComparison.Ordinal)));
        Assert.All(outcome.Instances, instance => Assert.Single(instance.Provenance.Demonstrations));
    }

    [Fact]
    public async Task Self_synthesis_needs_no_seed_and_answers_what_the_model_wrote_as_a_user()
    {
        var talker = new Talker();
        var outcome = await GenerateAsync(Plan(GenerationMethod.SelfSynthesis, 3) with { Seeds = new SeedSet([]) }, talker);
        Assert.Equal(6, talker.Asked.Count);
        Assert.Equal(3, talker.Asked.Count(request => request.Messages == 0 && request.Options.AdditionalProperties!.ContainsKey(SamplingOptions.AsUser)));
        Assert.All(outcome.Instances, instance => Assert.Contains(talker.Asked, request => request.Messages == 2 && request.Prompt.Contains(instance.Instruction, StringComparison.Ordinal)));
        Assert.Equal((3, 6L), (outcome.Instances.Select(instance => instance.Instruction).Distinct().Count(), outcome.Bill.Total.Completions));
    }

    [Fact]
    public async Task An_endpoint_is_given_its_bare_template_as_a_prompt_to_continue()
    {
        var talker = new Talker();
        await GenerateAsync(Plan(GenerationMethod.SelfSynthesis, 1) with { UserTurn = "<|im_start|>user\n" }, talker);
        var first = talker.Asked.First();
        Assert.Equal(("<|im_start|>user\n", true), (first.Prompt, first.Options.AdditionalProperties!.ContainsKey(SamplingOptions.PlainPrompt)));
    }

    [Fact]
    public async Task Back_translation_keeps_the_seed_s_response()
    {
        var outcome = await GenerateAsync(Plan(GenerationMethod.BackTranslation, 4), new Talker());
        Assert.All(outcome.Instances, instance =>
        {
            Assert.Equal($"answer {instance.Index}\n[RESULT] {instance.Index} [/RESULT]", instance.Response);
            Assert.StartsWith("Which", instance.Instruction, StringComparison.Ordinal);
        });
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public async Task The_judge_s_favourite_of_n_becomes_the_instance(int candidates)
    {
        var (generator, judge) = (new Talker(), new Talker(answer: prompt => $"Good.\nScore: {1 + Number(prompt) % 9}"));
        var plan = Plan(GenerationMethod.BestOfN, 6, spec => spec with { BestOf = new BestOfSpec { Judge = "judge", Candidates = candidates } });
        var outcome = await DataGenerator.GenerateAsync(plan with { Price = new Price { Input = 1, Output = 1 }, JudgePrice = new Price { Input = 100, Output = 100 } }, new GenerationModels(generator) { Judge = judge }, null, TestContext.Current.CancellationToken);
        Assert.Equal((6 * candidates, 6 * candidates), (generator.Asked.Count, judge.Asked.Count));
        Assert.All(generator.Asked.GroupBy(request => request.Prompt), same => Assert.Equal(candidates, same.Select(request => request.Options.Seed).Distinct().Count()));
        Assert.All(judge.Asked, request => Assert.Equal(0f, request.Options.Temperature));
        foreach (var instance in outcome.Instances)
        {
            var shown = judge.Asked.Where(request => request.Prompt.Contains($"question {instance.Index}?", StringComparison.Ordinal)).Select(request => Number(request.Prompt)).ToArray();
            Assert.Equal(shown.Max(number => number % 9), Number(instance.Response) % 9);
        }
        // The two have prices of their own, and the bill adds up.
        Assert.Equal(6 * candidates, outcome.Bill.Judged!.Completions);
        var (asked, judged) = (outcome.Bill.Total, outcome.Bill.Judged);
        Assert.Equal((asked.InputTokens + asked.OutputTokens + 100 * (judged.InputTokens + judged.OutputTokens)) / 1_000_000m, outcome.Bill.Dollars);
        Assert.Equal(outcome.Bill.Dollars, outcome.Instances.Sum(instance => instance.Provenance.CostDollars));
    }

    [Fact]
    public async Task A_reward_model_s_favourite_of_n_becomes_the_instance_and_costs_nothing()
    {
        var (generator, rewards) = (new Talker(), new DigitsAsReward());
        var plan = Plan(GenerationMethod.BestOfN, 6, spec => spec with { BestOf = new BestOfSpec { Reward = "reward", Candidates = 4 } });
        var outcome = await DataGenerator.GenerateAsync(plan with { Price = new Price { Input = 1, Output = 1 } }, new GenerationModels(generator) { Reward = rewards }, null, TestContext.Current.CancellationToken);
        Assert.Equal((6, 24, 24), (outcome.Instances.Length, generator.Asked.Count, rewards.Asked.Count));
        foreach (var instance in outcome.Instances)
        {
            Assert.Equal($"question {instance.Index}?", instance.Instruction);
            Assert.Equal(rewards.Asked.Where(pair => pair.Instruction == instance.Instruction).Max(pair => Number(pair.Response) % 9), Number(instance.Response) % 9);
        }
        Assert.Null(outcome.Bill.Judged);
        Assert.Equal((outcome.Bill.Total.InputTokens + outcome.Bill.Total.OutputTokens) / 1_000_000m, outcome.Bill.Dollars);
    }

    [Fact]
    public async Task Rewards_that_are_no_numbers_leave_no_instance()
    {
        var plan = Plan(GenerationMethod.BestOfN, 1, spec => spec with { MaxCompletionsPerInstance = 2, BestOf = new BestOfSpec { Reward = "reward", Candidates = 2 } });
        var outcome = await DataGenerator.GenerateAsync(plan, new GenerationModels(new Talker()) { Reward = new DigitsAsReward(float.NaN) }, null, TestContext.Current.CancellationToken);
        Assert.Equal([RejectReason.ScoreMissing, RejectReason.ScoreMissing], outcome.Rejects.Select(reject => reject.Reason));
    }

    private sealed class DigitsAsReward(float? always = null) : IRewardModel
    {
        public ConcurrentQueue<(string Instruction, string Response)> Asked { get; } = [];

        public Task<IReadOnlyList<float>> ScoreAsync(IReadOnlyList<(string Instruction, string Response)> pairs, CancellationToken cancellationToken)
        {
            foreach (var pair in pairs) Asked.Enqueue(pair);
            return Task.FromResult<IReadOnlyList<float>>([.. pairs.Select(pair => always ?? -5 + Number(pair.Response) % 9)]);
        }
    }

    [Theory]
    [InlineData("I like it.")]
    [InlineData("Score: 11")]
    [InlineData("Score: 7.5")]
    public async Task Without_a_readable_score_there_is_no_instance(string verdict)
    {
        var plan = Plan(GenerationMethod.BestOfN, 1, spec => spec with { MaxCompletionsPerInstance = 2 });
        var outcome = await DataGenerator.GenerateAsync(plan, new GenerationModels(new Talker()) { Judge = new Talker(answer: _ => verdict) }, null, TestContext.Current.CancellationToken);
        Assert.Equal([RejectReason.ScoreMissing, RejectReason.ScoreMissing], outcome.Rejects.Select(reject => reject.Reason));
    }

    // The whole way of a user's own method: one class, one line that adds it, one template, and its name in an experiment.
    [Fact]
    public async Task A_method_of_one_s_own_is_one_class()
    {
        GenerationMethods.Add(new Doubling());
        using var folder = new TemporaryFolder();
        var tiny = new TinyExperiment(folder.Path);
        tiny.Write("prompts/agorabench/math/doubling.txt", "Answer this: <input>");
        Assert.True(Setting.TryParse("math/doubling", out var setting));
        var experiment = tiny.Experiment() with { Settings = [setting] };
        tiny.Write("experiment.yaml", ExperimentFile.Write(experiment with { SeedData = experiment.SeedData.SetItem(setting, new DataSource { File = tiny.PathOf("seeds.jsonl") }) }));
        var outcome = await tiny.RunAsync(ExperimentFile.Load(tiny.PathOf("experiment.yaml"), []), TestContext.Current.CancellationToken);
        Assert.Equal(0, outcome.ExitCode);
        Assert.All(outcome.Result.Data, data => Assert.All(StepFiles.ReadLines<SyntheticInstance>(data.Result, StepFiles.Instances), instance =>
            Assert.Equal(("math/doubling", true), (instance.Provenance.Setting, instance.Instruction.StartsWith("Twice over: What is", StringComparison.Ordinal)))));
        Assert.Contains(outcome.Result.Grades.Students, student => student.Setting == setting);
    }

    /// <summary>Asks for the response twice and takes the second.</summary>
    private sealed class Doubling : IGenerationMethod
    {
        public GenerationMethod Method { get; } = GenerationMethod.Add("doubling");
        public bool NeedsSeedResponses => false;
        public bool OneSeedPerPlace => true;
        public TemplateRule Template { get; } = new(["<input>"]);

        public CompletionFormat? Format(MetaPromptVariant variant, string wording, JsonReading json) => CompletionFormat.Response(variant, json);

        public PromptDraft Ask(PromptSources sources) => new(new PromptContent { Instruction = $"Twice over: {sources.Seed!.Instruction}" }, [], sources.Seed.Id);

        public CompletionReading Read(PromptSources sources, PromptDraft draft, IReadOnlyList<string> completions) => completions.Count == 1
            ? new CompletionReading.AskNext(new MethodRequest("again", sources.MetaPrompt.Render(draft.Content)))
            : sources.MetaPrompt.Completion.Read(completions[1], given: draft.Content.Instruction);
    }

    private static int Number(string text) => int.Parse(text[(text.LastIndexOf("[RESULT]", StringComparison.Ordinal) + 9)..text.LastIndexOf(" [/RESULT]", StringComparison.Ordinal)], CultureInfo.InvariantCulture);

    private static Task<GenerationOutcome> GenerateAsync(GenerationPlan plan, Talker talker) =>
        DataGenerator.GenerateAsync(plan, new GenerationModels(talker) { Judge = talker }, null, TestContext.Current.CancellationToken);

    private static GenerationPlan Plan(GenerationMethod method, int instances, Func<GenerationSpec, GenerationSpec>? change = null)
    {
        var spec = new GenerationSpec { Instances = instances, BestOf = new BestOfSpec { Judge = "judge", Candidates = 2 } };
        var setting = new Setting(Domain.Math, method);
        return new GenerationPlan
        {
            Setting = setting,
            Spec = change is null ? spec : change(spec),
            MetaPrompt = MetaPrompts.Load(Path.Combine(Fixtures.Checkout, "prompts"), MetaPromptVariant.Agorabench).For(setting),
            Seeds = new SeedSet([.. Enumerable.Range(0, 400).Select(i => new SeedInstance(new SeedId($"seeds:{i}"), $"question {i}?", $"answer {i}\n[RESULT] {i} [/RESULT]"))]),
            Generator = "talker",
            Random = new RandomStreams(42),
            CountTokens = text => text.Length / 4,
        };
    }

    private sealed record Request(string Prompt, int Messages, ChatOptions Options);

    /// <summary>Does what each of the shipped meta-prompts asks for, but for a share of its answers, and in an order drawn from a seed.</summary>
    /// <param name="answer">An answer of its own to a prompt; null for the usual one.</param>
    private sealed class Talker(int interleaving = 0, int badOfTen = 0, Func<string, string?>? answer = null) : IChatClient
    {
        private readonly Random order = new(interleaving);

        public ConcurrentQueue<Request> Asked { get; } = [];

        public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            var list = messages.ToArray();
            var prompt = list.LastOrDefault()?.Text ?? "";
            Asked.Enqueue(new Request(prompt, list.Length, options!));
            int yields;
            lock (order) yields = order.Next(8);
            for (var i = 0; i < yields; i++) await Task.Yield();
            return ScriptedGenerator.Says(answer?.Invoke(prompt) ?? Usual(prompt, options!));
        }

        private string Usual(string prompt, ChatOptions options)
        {
            var seed = options.Seed!.Value;
            if (seed % 10 < badOfTen) return seed % 2 == 0 ? "I cannot." : "1 [RESULT] 1 [/RESULT] and more";
            var response = $"{seed}\n[RESULT] {seed % 1000} [/RESULT]";
            return prompt.Contains("Score: 7", StringComparison.Ordinal) ? $"Score: {1 + seed % 10}"
                : prompt.Length == 0 || prompt.EndsWith("user\n", StringComparison.Ordinal) || prompt.Contains("that is lost", StringComparison.Ordinal) ? $"Which number is {seed}?"
                : prompt.EndsWith("Revised Question:", StringComparison.Ordinal) ? $"What is {seed}?\nRevised Answer: {response}"
                : prompt.EndsWith("INPUT:", StringComparison.Ordinal) ? $"What is {seed}?\nOUTPUT: {response}"
                : response;
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
