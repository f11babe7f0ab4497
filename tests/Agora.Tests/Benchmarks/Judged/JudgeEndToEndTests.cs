using System.Collections.Concurrent;
using System.Collections.Immutable;
using Agora.Benchmarks;
using Agora.Benchmarks.Judged;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Tests.Endpoints;
using Agora.Tests.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.Tests.Benchmarks.Judged;

/// <summary>Judges behind a real server on loopback that speaks the OpenAI protocol.</summary>
public sealed class JudgeEndToEndTests : IDisposable
{
    private const int Items = 40;

    private readonly SocketsHttpHandler transport = new();
    private readonly DictionaryJournal journal = new();
    private readonly BenchmarkFileOnDisk alpaca = new("alpaca_eval.json",
        $"[{string.Join(",\n", Enumerable.Range(0, Items).Select(i => $$"""{"instruction": "Do {{i}}", "output": "the baseline's text", "generator": "base", "dataset": "d"}"""))}]");

    public void Dispose()
    {
        transport.Dispose();
        alpaca.Dispose();
    }

    [Fact]
    public async Task Preferences_come_from_the_first_token_and_survive_the_journal()
    {
        // The judge favours the model's text four to one, whatever it writes.
        await using var endpoint = await FaultyEndpoint.StartAsync(Favouring(modelShare: 0.8));
        var (grades, summary, _) = await JudgeAsync(endpoint);
        Assert.All(grades, grade => Assert.Equal(0.8, Assert.IsType<Grade.Scored>(grade.Grade).Value, 1e-5));
        Assert.Equal(Items, endpoint.Requests);
        Assert.Equal(100, summary!.AlpacaEval!.Plain.DiscreteWinRate);
        var again = await JudgeAsync(endpoint);
        Assert.Equal(grades, again.Grades);
        Assert.Equal(Items, endpoint.Requests);     // all from the journal
    }

    [Fact]
    public async Task The_request_is_the_official_one()
    {
        var received = new ConcurrentQueue<ReceivedRequest>();
        await using var endpoint = await FaultyEndpoint.StartAsync(Favouring(0.5) with
        {
            Fault = request =>
            {
                received.Enqueue(request);
                return null;
            },
        });
        await JudgeAsync(endpoint);
        Assert.All(received, request => Assert.Equal(
            ("system", "user", 1, 1.0, true, 5),
            ((string)request.Body["messages"]![0]!["role"]!, (string)request.Body["messages"]![1]!["role"]!, (int)request.Body["max_tokens"]!, (double)request.Body["temperature"]!,
                (bool)request.Body["logprobs"]!, (int)request.Body["top_logprobs"]!)));
    }

    [Fact]
    public async Task An_endpoint_without_log_probabilities_leaves_items_unscored_and_text_reads_it()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = request => ModelFirst(request) ? "m" : "M" });
        var (grades, summary, _) = await JudgeAsync(endpoint);
        Assert.All(grades, grade => Assert.Contains("judging.preference: text", Assert.IsType<Grade.Unscored>(grade.Grade).Reason));
        Assert.Contains(summary!.Warnings(), warning => warning.Contains("40 of 40 verdicts", StringComparison.Ordinal));
        (grades, _, _) = await JudgeAsync(endpoint, new JudgingSpec { Preference = PreferenceReading.Text });
        Assert.All(grades, grade => Assert.Equal(new Grade.Scored(1), grade.Grade));
    }

    [Fact]
    public async Task A_judge_that_looks_at_positions_only_is_found_out()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(new EndpointBehaviour { Answer = _ => "m", FirstTokens = _ => [("m", -0.01), ("M", -5)] });
        var (_, summary, _) = await JudgeAsync(endpoint);
        var judge = Assert.Single(summary!.Judges);
        Assert.Equal("the first answer", judge.AlwaysSame);
        Assert.InRange(judge.PositionGain!.Value, 95, 100);
        Assert.Contains(summary.Warnings(), warning => warning.Contains("said the first answer every time", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Of_two_judges_agreement_and_both_scores_are_told()
    {
        await using var kind = await FaultyEndpoint.StartAsync(Favouring(0.9));
        await using var fickle = await FaultyEndpoint.StartAsync(Favouring(request => Number(request) % 2 == 0 ? 0.9 : 0.3));
        var (grades, summary, _) = await JudgeAsync([kind, fickle], new JudgingSpec());
        Assert.Equal([90.0, 60.0], summary!.Judges.Select(judge => Math.Round(judge.Score!.Value, 3)));
        Assert.Equal(75, summary.Score!.Value, 1e-3);
        Assert.Equal(0.75, grades.Average(grade => ((Grade.Scored)grade.Grade).Value), 1e-5);
        var agreement = Assert.Single(summary.Agreements);
        Assert.Equal((Items, 0.5, 0.0), (agreement.Items, agreement.SameWinner!.Value, agreement.Kappa!.Value));
    }

    [Fact]
    public async Task What_is_kept_in_the_official_format_scores_the_same()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(Favouring(request => 0.1 + Number(request) / 50.0));
        var (_, summary, kept) = await JudgeAsync(endpoint);
        var file = Path.Combine(Directory.CreateTempSubdirectory("agora-judge-").FullName, "annotations.json");
        try
        {
            await File.WriteAllLinesAsync(file, kept["judge-1.annotations.json"], TestContext.Current.CancellationToken);
            var read = AlpacaAnnotations.Read(file);
            Assert.Equal(("base", "model", "test judge 1"), (read[0].BaselineName, read[0].ModelName, read[0].Annotator));
            var (score, _) = AlpacaEvalScore.Of([.. read.Select((row, place) => new AlpacaPair(place, row.Instruction, row.Baseline, row.Output, row.Preference))], null);
            Assert.Equal(summary!.AlpacaEval!.Plain.WinRate!.Value, score.Plain.WinRate!.Value, 1e-8);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        }
    }

    [Fact]
    public async Task Faults_of_the_endpoint_are_no_verdicts()
    {
        await using var endpoint = await FaultyEndpoint.StartAsync(Favouring(0.8) with { Fault = request => request.Number % 5 == 0 ? Fault.ServerError : null });
        var (grades, _, _) = await JudgeAsync(endpoint);
        Assert.All(grades, grade => Assert.IsType<Grade.Scored>(grade.Grade));
    }

    private static EndpointBehaviour Favouring(double modelShare) => Favouring(_ => modelShare);

    private static EndpointBehaviour Favouring(Func<ReceivedRequest, double> modelShare) => new()
    {
        Answer = _ => "M",
        FirstTokens = request =>
        {
            var first = ModelFirst(request) ? modelShare(request) : 1 - modelShare(request);
            return [("M", Math.Log(0.99 * (1 - first))), ("m", Math.Log(0.99 * first)), ("The", -6)];
        },
    };

    private static bool ModelFirst(ReceivedRequest request) =>
        request.LastMessage.IndexOf("the model's text", StringComparison.Ordinal) < request.LastMessage.IndexOf("the baseline's text", StringComparison.Ordinal);

    private static int Number(ReceivedRequest request) => int.Parse(System.Text.RegularExpressions.Regex.Match(request.LastMessage, @"Do (\d+)").Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);

    private Task<(ImmutableArray<GradedAnswer> Grades, JudgingSummary? Summary, Dictionary<string, string[]> Kept)> JudgeAsync(FaultyEndpoint endpoint, JudgingSpec? judging = null) =>
        JudgeAsync([endpoint], judging ?? new JudgingSpec());

    private async Task<(ImmutableArray<GradedAnswer> Grades, JudgingSummary? Summary, Dictionary<string, string[]> Kept)> JudgeAsync(FaultyEndpoint[] endpoints, JudgingSpec judging)
    {
        var models = new OpenAILanguageModels(new EndpointServices { Transport = transport, Time = new ImpatientTime(), ReadVariable = _ => null });
        var clients = ImmutableArray.CreateBuilder<IChatClient>();
        foreach (var endpoint in endpoints)
        {
            var spec = new ModelSpec { Provider = ModelSpec.OpenAI, Model = "test-model", Endpoint = endpoint.Address.ToString(), MaxParallel = 8 };
            clients.Add(new JournaledChatClient(await models.OpenChatAsync(spec, TestContext.Current.CancellationToken), journal, await models.IdentifyAsync(spec, TestContext.Current.CancellationToken)));
        }
        JudgingSummary? summary = null;
        var kept = new Dictionary<string, string[]>();
        var benchmark = alpaca.Open("alpaca_eval");
        var grades = await benchmark.GradeAsync([.. benchmark.Items.Select(item => BenchmarkContract.Answer(item, "the model's text"))], new GradingContext
        {
            Random = new RandomStreams(1),
            Judges = clients.ToImmutable(),
            JudgeNames = [.. endpoints.Select((_, place) => $"test judge {place + 1}")],
            Judging = judging,
            Judged = said => summary = said,
            Keep = (name, lines) => kept[name] = [.. lines],
            Parallel = 4,
        }, TestContext.Current.CancellationToken);
        return (grades, summary, kept);
    }
}
