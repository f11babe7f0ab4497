using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.Json;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Runs;
using Agora.Tests.Endpoints;
using Agora.Tests.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.Tests.Runs;

/// <summary>Judged benchmarks inside a run: their scores reach PGR and report, and another judge judges only.</summary>
public sealed class JudgedRunTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly SocketsHttpHandler transport = new();

    public void Dispose()
    {
        transport.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Scores_of_judges_reach_the_report_and_another_judge_asks_no_student_again()
    {
        var behaviour = new EndpointBehaviour
        {
            // Right sums are favoured; in words for Arena-Hard, in the first token for AlpacaEval.
            Answer = request => Favoured(request) switch { > 0.5 => "so [[A>B]]", < 0.5 => "so [[B>>A]]", _ => "[[A=B]]" },
            FirstTokens = request => [("m", Math.Log(Favoured(request))), ("M", Math.Log(1 - Favoured(request)))],
        };
        var (questions, questionsAlone) = (new ConcurrentDictionary<string, int>(), new ConcurrentDictionary<string, int>());
        await using var endpoint = await FaultyEndpoint.StartAsync(behaviour);
        await using var other = await FaultyEndpoint.StartAsync(Recording(behaviour, questions));
        await using var third = await FaultyEndpoint.StartAsync(Recording(behaviour, questionsAlone));
        await using var batched = await FaultyEndpoint.StartAsync(behaviour);
        var tiny = new TinyExperiment(folder.Path);
        var rows = Enumerable.Range(1, 30).Select(i => (Question: $"What is {i} + {2 * i}?", Answer: $"Perhaps {3 * i}?", Id: i)).ToArray();
        tiny.Write("alpaca_eval.json", JsonSerializer.Serialize(rows.Select(row => new { instruction = row.Question, output = row.Answer, generator = "base" })));
        tiny.Write("question.jsonl", string.Concat(rows.Select(row => JsonSerializer.Serialize(new { question_id = $"{row.Id}", turns = new[] { new { content = row.Question } }, baseline = row.Answer }) + "\n")));
        tiny.Write("df_gamed.csv", "index,std_delta_len,instruction_difficulty,preference\n" + string.Concat(Enumerable.Range(0, 60).Select(i => $"{i % 30},{(i < 30 ? -1 : 1) * (1 + i % 7) / 3.0:0.###},{(i % 30 - 15) / 10.0:0.#},{(i < 30 ? 0.65 : 0.25)}\n")));
        tiny.Write("data.jsonl", """{"instruction":"What is 1 + 1?","response":"2"}""" + "\n");
        var setting = new Setting(Domain.InstructionFollowing, GenerationMethod.ResponseGeneration);
        var experiment = tiny.Experiment() with
        {
            Generators = [],
            Settings = [],
            DataSets = [new GivenDataSet { Name = "mine", Setting = setting, Data = new DataSource { File = tiny.PathOf("data.jsonl") } }],
            Benchmarks = ImmutableSortedDictionary<Domain, ImmutableArray<BenchmarkSpec>>.Empty.Add(Domain.InstructionFollowing,
                [new BenchmarkSpec { Name = "alpaca_eval", File = tiny.PathOf("alpaca_eval.json") }, new BenchmarkSpec { Name = "arena_hard", File = tiny.PathOf("question.jsonl") }]),
            Judges = ["judge"],
        };
        experiment = experiment with { Models = experiment.Models.Add("judge", Judge(endpoint)).Add("other judge", Judge(other)).Add("third judge", Judge(third)).Add("batched judge", Judge(batched) with { Mode = RequestMode.Batch, Batch = new BatchSpec { GatherSeconds = 0.3, PollSeconds = 0.2 }, Capabilities = new CapabilitySpec { Batch = true } }) };
        var pipeline = new Pipeline(new PipelineServices
        {
            Models = new LanguageModelProviders(new Dictionary<string, ILanguageModels>
            {
                [ModelSpec.Embedded] = tiny.Models,
                [ModelSpec.OpenAI] = new OpenAILanguageModels(new EndpointServices { Transport = transport, Retries = new RetryPolicy { FirstWait = TimeSpan.FromMilliseconds(20) }, ReadVariable = _ => null }),
            }),
            Trainer = tiny.Trainer,
            TokenCounter = _ => text => text.Length / 4,
        }, tiny.Archive);

        var outcome = await pipeline.RunAsync(experiment, jobs: 2, tiny.Observer, TestContext.Current.CancellationToken);
        Assert.Empty(outcome.Failures);
        var report = RunReporting.Of(outcome.Result, []);
        Assert.Equal(6, report.Judgments.Length);
        foreach (var judged in report.Judgments)
        {
            Assert.Equal(1, Assert.Single(judged.Judging.Judges).Coverage);
            // The mean grade, from which PGR is computed, is the official figure.
            var grades = outcome.Result.Answers.Single(answers => answers.By.ToString() == judged.Model && answers.Benchmark == judged.Judging.Benchmark).ReadGrades();
            Assert.Equal(judged.Judging.Score!.Value, 100 * grades.Average(grade => ((Agora.Benchmarks.Grade.Scored)grade.Grade).Value), 1e-6);
            if (judged.Judging.AlpacaEval is { } alpaca)
                Assert.NotNull(alpaca.LengthControlledWinRate);
        }
        Assert.True(Score(report, "reference of student", "arena_hard") > Score(report, "base of student", "arena_hard") + 20);
        await RunReporting.WriteAsync(report, outcome.Folder, draw: null, TestContext.Current.CancellationToken);
        Assert.Contains("## Judged benchmarks", await File.ReadAllTextAsync(outcome.Folder.PathOf("report.md"), TestContext.Current.CancellationToken));
        Assert.Contains("\"lengthControlledWinRate\"", await File.ReadAllTextAsync(outcome.Folder.PathOf("results.json"), TestContext.Current.CancellationToken));

        var (answered, judgedSoFar) = (tiny.Models.Requests, endpoint.Requests);
        await pipeline.RunAsync(experiment, jobs: 2, tiny.Observer, TestContext.Current.CancellationToken);
        Assert.Equal((answered, judgedSoFar), (tiny.Models.Requests, endpoint.Requests));
        await pipeline.RunAsync(experiment with { Judges = ["other judge"] }, jobs: 2, tiny.Observer, TestContext.Current.CancellationToken);
        Assert.Equal((answered, judgedSoFar), (tiny.Models.Requests, endpoint.Requests));
        // One step after the other, each question is paid for once, whoever puts it again; at the same time two steps may each pay for the same one, and no step for one twice.
        await pipeline.RunAsync(experiment with { Judges = ["third judge"] }, jobs: 1, tiny.Observer, TestContext.Current.CancellationToken);
        Assert.All(questionsAlone.Values, times => Assert.Equal(1, times));
        Assert.Equal(questionsAlone.Count, third.Requests);
        Assert.Equal(questionsAlone.Keys.Order(StringComparer.Ordinal), questions.Keys.Order(StringComparer.Ordinal));
        Assert.All(questions.Values, times => Assert.InRange(times, 1, 2));
        Assert.Equal((answered, judgedSoFar), (tiny.Models.Requests, endpoint.Requests));

        // Through the provider's batch API: the same verdicts, and nothing goes online.
        var inBatches = await pipeline.RunAsync(experiment with { Judges = ["batched judge"] }, jobs: 2, tiny.Observer, TestContext.Current.CancellationToken);
        Assert.Empty(inBatches.Failures);
        Assert.Equal(0, batched.Requests);
        Assert.InRange(batched.Batches, 1, 12);      // three models, two benchmarks, and one more where answers depend on answers
        Assert.All(batched.Charged.Values, times => Assert.InRange(times, 1, 2));
        Assert.Equal(report.Judgments.Select(judged => (judged.Model, judged.Judging.Benchmark, judged.Judging.Score)), RunReporting.Of(inBatches.Result, []).Judgments.Select(judged => (judged.Model, judged.Judging.Benchmark, judged.Judging.Score)));
        await pipeline.RunAsync(experiment with { Judging = new JudgingSpec { Attempts = 3 } }, jobs: 2, tiny.Observer, TestContext.Current.CancellationToken);
        // Another step, and the same questions to the same judge: they are read again and not asked again.
        Assert.Equal((answered, judgedSoFar), (tiny.Models.Requests, endpoint.Requests));
    }

    private static EndpointBehaviour Recording(EndpointBehaviour behaviour, ConcurrentDictionary<string, int> questions) => behaviour with
    {
        Answer = request =>
        {
            questions.AddOrUpdate(request.Body.ToJsonString(), 1, (_, times) => times + 1);
            return behaviour.Answer(request);
        },
    };

    private static double Score(Agora.Reports.RunReport report, string model, string benchmark) =>
        report.Judgments.Single(judged => judged.Model == model && judged.Judging.Benchmark == benchmark).Judging.Score!.Value;

    private static ModelSpec Judge(FaultyEndpoint endpoint) => new() { Provider = ModelSpec.OpenAI, Model = "test-model", Endpoint = endpoint.Address.ToString(), MaxParallel = 8 };

    // How much the first answer is favoured: a certain right sum over an uncertain one, that over a wrong sum.
    private static double Favoured(ReceivedRequest request)
    {
        var prompt = request.LastMessage;
        int At(string words) => prompt.IndexOf(words, StringComparison.Ordinal);
        var baselineFirst = At("Perhaps") < Math.Max(At("It is [RESULT]"), At("I do not know."));
        var sum = System.Text.RegularExpressions.Regex.Match(prompt, @"Perhaps (\d+)").Groups[1].Value;
        var model = prompt.Contains($"[RESULT] {sum} [/RESULT]", StringComparison.Ordinal) ? 0.8 : 0.1;
        return baselineFirst ? 1 - model : model;
    }
}
