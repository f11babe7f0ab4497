using System.Collections.Concurrent;
using System.Globalization;
using Agora.DataGeneration.Filters;
using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.LanguageModels;
using Agora.Tests.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.Tests.IntrinsicMetrics;

/// <summary>Of every metric: the interval of a random part of a data set covers the value of the whole at about its nominal rate. Real measurements with models that are formulas; all seeds are fixed.</summary>
public sealed class MetricCoverageTests(MetricCoverageTests.Simulation simulation) : IClassFixture<MetricCoverageTests.Simulation>
{
    private const int Whole = 1500, Part = 200, Repetitions = 40;

    // Fewer hits of 40 have a probability of 0.0002 where the coverage is 95 %.
    private const int FewestHits = 33;

    public static TheoryData<string> Metrics =>
    [
        "instruction_words", "response_words", "instruction_distinct_1", "instruction_distinct_2", "instruction_distinct_3", "instruction_self_bleu", "response_distinct_1", "response_distinct_2",
        "response_distinct_3", "response_self_bleu", "duplicate_instructions", "near_duplicate_instructions", "in_english", "effective_languages", "letters_not_latin", "output_tokens", "dollars", "effective_themes", "contaminated", "perplexity",
        "implicit_reward", "response_reward", "instruction_diversity_cdist", "instruction_nearest_distance", "instruction_vendi", "instruction_effective_topics", "response_diversity_cdist",
        "response_nearest_distance", "response_vendi", "response_effective_topics", "instruction_difficulty_judge", "instruction_difficulty_judge_expected", "response_quality_judge",
        "response_quality_judge_expected", "answer_verified", "answer_agreement",
    ];

    [Theory]
    [MemberData(nameof(Metrics))]
    public void An_interval_of_a_part_covers_the_value_of_the_whole(string metric)
    {
        Assert.InRange(simulation.Hits[metric], FewestHits, Repetitions);
        // An interval as wide as the scale would cover everything.
        Assert.InRange(simulation.Width[metric], 1e-6, 1.5 * Math.Abs(simulation.Value[metric]) + 0.05);
    }

    [Fact]
    public void No_metric_is_left_out() =>
        Assert.Equal(simulation.Value.Keys.Order(StringComparer.Ordinal), Metrics.Select(row => row.Data).Order(StringComparer.Ordinal));

    public sealed class Simulation : IAsyncLifetime
    {
        internal Dictionary<string, double> Value { get; } = [];
        internal Dictionary<string, int> Hits { get; } = [];
        internal Dictionary<string, double> Width { get; } = [];

        public async ValueTask InitializeAsync()
        {
            MeasuredInstance[] instances = [.. Enumerable.Range(0, Whole).Select(Instance)];
            foreach (var metric in (await MeasureAsync(instances, null, 1)).Metrics)
                Value[metric.Name] = metric.Value!.Value;
            var parts = new ConcurrentBag<DataSetProfile>();
            for (var repetition = 0; repetition < Repetitions; repetition++)
                parts.Add(await MeasureAsync(instances, Part, 1000 + repetition));
            foreach (var (name, value) in Value)
            {
                MetricEstimate[] estimates = [.. parts.Select(part => part.Metrics.Single(metric => metric.Name == name))];
                Hits[name] = estimates.Count(estimate => estimate.Low <= value && value <= estimate.High);
                Width[name] = estimates.Average(estimate => estimate.High!.Value - estimate.Low!.Value);
            }
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private static async Task<DataSetProfile> MeasureAsync(MeasuredInstance[] instances, int? sample, long seed)
        {
            using var chat = new FakeChatClient((messages, options, _) => Task.FromResult(Answer(messages[^1].Text, options?.Seed)));
            var random = new RandomStreams(seed);
            var instruments = new MetricInstruments
            {
                Likelihood = new Likelihood(0.5),
                Reference = new Likelihood(0.4),
                Reward = new Reward(),
                Embeddings = new Vectors(),
                Judge = new RubricJudge(chat, JudgeFormat.Chat, 2),
                Verifier = new AnswerVerifier(chat, new VerificationSpec { Solver = "", Samples = 3 }, 2, random),
            };
            var against = new TestSetIndex(new DecontaminationSpec(), [new TestSet("test", [.. Enumerable.Range(0, 30).Select(i => ($"{i}", instances[i * 7].Instruction))])]);
            return (await new DataSetMeasurement(instruments, random).MeasureAsync("g", null, Domain.Math, instances, sample, against, TestContext.Current.CancellationToken)).Profile;
        }

        // Words of unequal frequency, lengths and costs with long tails, repeated instructions, some letters of another script.
        private static MeasuredInstance Instance(int place)
        {
            var random = new RandomStreams(5).For("instance", place % 1400);
            string Text(int words) => string.Join(' ', Enumerable.Range(0, words).Select(_ => $"w{(int)(Math.Pow(random.NextDouble(), 3) * 400)}"));
            var prose = random.Next(4) switch
            {
                0 => "Wie viele Beine hat eine Spinne, die keine verloren hat?",
                1 => "Combien de pattes possède une araignée qui n'en a perdu aucune ?",
                _ => "How many legs has a spider that has lost none of them at all?",
            };
            var instruction = $"{prose} {Text(4 + random.Next(20))} topic{random.Next(25)}{(random.Chance(0.1) ? " слово" : "")}";
            var response = $"{Text(3 + (int)(-8 * Math.Log(1 - random.NextDouble())))} [RESULT] {random.Next(3)} [/RESULT]";
            return new MeasuredInstance(instruction, response, 20 + (long)(-60 * Math.Log(1 - random.NextDouble())), (decimal)Math.Round(0.001 * Math.Exp(Normal(random)), 6), $"theme {(int)(Math.Pow(random.NextDouble(), 2) * 30)}");
        }

        private static double Normal(RandomStream random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

        private static RandomStream Of(string text) => new RandomStreams(9).For(text);

        private static ChatResponse Answer(string prompt, long? seed)
        {
            var random = Of(prompt);
            if (!prompt.Contains("Score: N", StringComparison.Ordinal))
                return new ChatResponse(new ChatMessage(ChatRole.Assistant, $"[RESULT] {Of($"{prompt} {seed}").Next(100) switch { < 70 => random.Next(3), var drawn => drawn }} [/RESULT]")) { FinishReason = ChatFinishReason.Stop };
            var score = 1 + (int)(5 * Math.Sqrt(random.NextDouble()));
            var other = 1 + random.Next(5);
            var token = score.ToString(CultureInfo.InvariantCulture);
            return new ChatResponse(new ChatMessage(ChatRole.Assistant, $"Score: {score}"))
            {
                AdditionalProperties = new() { [TokenAlternatives.PropertyName] = System.Collections.Immutable.ImmutableArray.Create(TokenAlternatives.Of(token, [(token, Math.Log(0.7)), (other.ToString(CultureInfo.InvariantCulture), Math.Log(0.2))])) },
            };
        }

        private sealed class Likelihood(double spread) : ILikelihoodModel
        {
            public Task<IReadOnlyList<float[]>> TokenLossesAsync(IReadOnlyList<(string Instruction, string Response)> pairs, CancellationToken cancellationToken) =>
                Task.FromResult<IReadOnlyList<float[]>>([.. pairs.Select(pair => Of(pair.Response) is var random ? new[] { (float)(1.5 + spread * Normal(random)), 1f } : [])]);
        }

        private sealed class Reward : IRewardModel
        {
            public Task<IReadOnlyList<float>> ScoreAsync(IReadOnlyList<(string Instruction, string Response)> pairs, CancellationToken cancellationToken) =>
                Task.FromResult<IReadOnlyList<float>>([.. pairs.Select(pair => (float)(5 + 3 * Normal(Of(pair.Instruction + pair.Response))))]);
        }

        // Around thirty directions of unequal popularity.
        private sealed class Vectors : IEmbeddingGenerator<string, Embedding<float>>
        {
            public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
                Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(values.Select(text =>
                {
                    var random = Of(text);
                    var home = new RandomStreams(2).For("home", (int)(Math.Pow(random.NextDouble(), 2) * 30));
                    return new Embedding<float>(Enumerable.Range(0, 12).Select(_ => (float)(Normal(home) + 0.4 * Normal(random))).ToArray());
                })));

            public object? GetService(Type serviceType, object? serviceKey = null) => null;

            public void Dispose()
            {
            }
        }
    }
}
