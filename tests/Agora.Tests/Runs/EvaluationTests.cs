using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Agora.Benchmarks;
using Agora.Benchmarks.Judged;
using Agora.Experiments;
using Agora.LanguageModels;
using Agora.Runs;
using Agora.Tests.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.Tests.Runs;

public sealed class EvaluationTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly RecordingModels models = new();

    public EvaluationTests()
    {
        File.WriteAllLines(PathOf("sums.jsonl"), Enumerable.Range(1, 20).Select(i => $$"""{"id":"sum-{{i}}","question":"What is {{i}} + 1?","answer":"{{i + 1}}"}"""));
        File.WriteAllLines(PathOf("gsm8k.jsonl"), Enumerable.Range(1, 5).Select(i => $$"""{"question":"What is {{i}} + 1?","answer":"#### {{i + 1}}"}"""));
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_model_gets_a_score_with_its_error_and_every_sample_is_kept()
    {
        var outcome = await RunAsync(Request() with { Confidence = new ConfidenceSpec { Level = 90 } });
        var score = Assert.Single(outcome.Record.Scores);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(0.5, score.Estimate!.Mean);        // the model knows the even ones
        Assert.Equal(Math.Sqrt(0.25 / 19), score.Estimate.StandardError!.Value, 1e-12);
        Assert.Equal((20, 20, 0, 0), (score.Items, score.Answers, score.CutOff, score.Empty));
        var samples = File.ReadAllLines(outcome.Folder.SamplesOf("nano_math")).Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(20, samples.Length);
        Assert.Equal("What is 2 + 1?", samples[1].GetProperty("prompt").GetString());
        Assert.Equal("It is [RESULT] 3 [/RESULT]", samples[1].GetProperty("completion").GetString());
        Assert.Equal((1, "3"), (samples[1].GetProperty("score").GetDouble(), samples[1].GetProperty("extracted").GetString()));
        Assert.Equal(outcome.Folder.Record().Scores[0].Estimate, score.Estimate);       // what is written reads back
    }

    [Fact]
    public async Task The_same_evaluation_again_asks_nobody()
    {
        var first = await RunAsync(Request());
        var second = await RunAsync(Request());
        Assert.Equal(20, models.Requests.Length);
        Assert.Equal(first.Folder.FullPath, second.Folder.FullPath);
    }

    [Fact]
    public async Task A_killed_evaluation_goes_on_where_it_stopped()
    {
        using var stop = new CancellationTokenSource();
        models.Before = count =>
        {
            if (count == 8)
                stop.Cancel();
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Evaluation.RunAsync(Request(), 1, new RecordingObserver(), stop.Token));
        models.Before = _ => { };
        var outcome = await RunAsync(Request());
        Assert.Equal(0.5, outcome.Record.Scores[0].Estimate!.Mean);
        Assert.InRange(models.Requests.Length, 20, 23);      // at most what was in flight was asked again
    }

    [Fact]
    public async Task Another_grader_asks_no_model_again()
    {
        await RunAsync(Request("gsm8k"));
        var strict = await RunAsync(Request("gsm8k", new BenchmarkOptions { Grader = AnswerGrader.LmEvalStrict }));
        Assert.Equal(5, models.Requests.Length);
        Assert.Equal(0, strict.Record.Scores[0].Estimate!.Mean);    // there is no "####" in the answers
        Assert.Contains("lm-eval-strict", strict.Record.Scores[0].Grader);
    }

    [Fact]
    public async Task Samples_of_an_item_have_seeds_of_their_own_and_one_error()
    {
        var outcome = await RunAsync(Request() with { Samples = 3 });
        Assert.Equal(60, models.Requests.Select(request => request.Options.Seed).Distinct().Count());
        Assert.Equal((60, 20), (outcome.Record.Scores[0].Answers, outcome.Record.Scores[0].Estimate!.Items));
        Assert.Equal(Math.Sqrt(0.25 / 19), outcome.Record.Scores[0].Estimate!.StandardError!.Value, 1e-12);      // they all agree
    }

    [Fact]
    public async Task The_first_sample_is_the_one_that_a_single_sample_would_be_so_that_only_the_second_is_asked_for()
    {
        await RunAsync(Request());
        var seeds = models.Requests.ToDictionary(request => request.Prompt, request => request.Options.Seed);
        models.Requests = [];
        await RunAsync(Request() with { Samples = 2 });
        Assert.Equal(seeds.Keys.Order(), models.Requests.Select(request => request.Prompt).Order());
        Assert.All(models.Requests, request => Assert.NotEqual(seeds[request.Prompt], request.Options.Seed));
    }

    [Theory]
    [InlineData(0.0, 0.7)]
    public async Task Every_answering_option_reaches_the_model(double usual, double other)
    {
        var answering = new AnsweringSpec { Temperature = other, TopP = 0.5, MaxNewTokens = 77, RepetitionPenalty = 1.25 };
        await RunAsync(Request() with { Benchmarks = [new EvaluatedBenchmark(Open("nano_math", "sums.jsonl", new BenchmarkOptions()), answering)], SystemMessage = "Be brief.", Seed = 7 });
        var asked = models.Requests.First();
        Assert.Equal(((float)other, 0.5f, 77, 1.25), (asked.Options.Temperature!.Value, asked.Options.TopP!.Value, asked.Options.MaxOutputTokens!.Value, (double)asked.Options.AdditionalProperties![SamplingOptions.RepetitionPenalty]!));
        Assert.Equal("Be brief.", asked.Messages[0].Text);
        var seeds = models.Requests.Select(request => request.Options.Seed).ToHashSet();
        models.Requests = [];
        await RunAsync(Request());
        Assert.Equal((float)usual, models.Requests.First().Options.Temperature);
        Assert.DoesNotContain(models.Requests, request => seeds.Contains(request.Options.Seed));
    }

    [Fact]
    public async Task A_base_prompt_goes_without_system_message_and_with_its_stops()
    {
        await RunAsync(Request("gsm8k", new BenchmarkOptions { Style = PromptStyle.Base }));
        var asked = models.Requests.First();
        Assert.Equal(ChatRole.User, Assert.Single(asked.Messages).Role);
        Assert.True((bool)asked.Options.AdditionalProperties![SamplingOptions.PlainPrompt]!);
        Assert.Contains("Question:", asked.Options.StopSequences!);
    }

    [Fact]
    public async Task Exemplars_in_chat_are_earlier_turns()
    {
        File.WriteAllLines(PathOf("train.jsonl"), Enumerable.Range(50, 5).Select(i => $$"""{"question":"What is {{i}} + 1?","answer":"#### {{i + 1}}"}"""));
        await RunAsync(Request("gsm8k", new BenchmarkOptions { Shots = 2, ExemplarFile = PathOf("train.jsonl") }));
        Assert.All(models.Requests, request => Assert.Equal([ChatRole.System, ChatRole.User, ChatRole.Assistant, ChatRole.User, ChatRole.Assistant, ChatRole.User], request.Messages.Select(message => message.Role)));
    }

    [Fact]
    public async Task Answers_that_cannot_be_graded_and_answers_cut_off_are_counted()
    {
        models.Answer = prompt => prompt.Contains(" 3 ", StringComparison.Ordinal) ? ("", ChatFinishReason.Length) : ("It is 3.", ChatFinishReason.Stop);
        var score = (await RunAsync(Request())).Record.Scores[0];
        Assert.Equal((1, 1), (score.CutOff, score.Empty));
    }

    [Fact]
    public async Task A_file_of_answers_is_graded_without_a_model()
    {
        File.WriteAllLines(PathOf("samples.jsonl"), Enumerable.Range(1, 20).Select(i => $$"""{"id":"sum-{{i}}","completion":"The answer is {{(i <= 15 ? i + 1 : 0)}}."}"""));
        var outcome = await RunAsync(Request() with { Model = null, GivenSamples = PathOf("samples.jsonl") });
        Assert.Equal(0.75, outcome.Record.Scores[0].Estimate!.Mean);
        Assert.Empty(models.Requests);
    }

    [Fact]
    public async Task A_judged_benchmark_without_a_judge_is_refused_before_anything_is_asked()
    {
        File.WriteAllText(PathOf("alpaca.jsonl"), """{"instruction": "Say hello.", "output": "Hello."}""");
        var fault = await Assert.ThrowsAsync<AgoraException>(() => RunAsync(Request() with { Benchmarks = [new EvaluatedBenchmark(Open("alpaca_eval", "alpaca.jsonl", new BenchmarkOptions()), new AnsweringSpec())] }));
        Assert.Contains("--judge", fault.Fix);
        Assert.Empty(models.Requests);
    }

    [Fact]
    public async Task Judges_score_outside_a_run_and_what_they_said_is_kept_as_the_official_tools_read_it()
    {
        models.Answer = prompt => prompt.Contains("m or M", StringComparison.Ordinal) || prompt.Contains("What is", StringComparison.Ordinal) && prompt.Length > 40
            ? (Judged(prompt), ChatFinishReason.Stop)
            : ("It is right.", ChatFinishReason.Stop);
        File.WriteAllText(PathOf("alpaca.json"), JsonSerializer.Serialize(Enumerable.Range(1, 12).Select(i => new { instruction = $"What is {i} + 1?", output = $"Perhaps {i}?", generator = "base" })));
        var request = Request() with
        {
            Benchmarks = [new EvaluatedBenchmark(Open("alpaca_eval", "alpaca.json", new BenchmarkOptions()), new AnsweringSpec())],
            Judges = [new ModelSpec { Provider = ModelSpec.Embedded, Path = "judge one" }, new ModelSpec { Provider = ModelSpec.Embedded, Path = "judge two" }],
            Judging = new JudgingSpec { Preference = PreferenceReading.Text },
        };
        var outcome = await RunAsync(request);
        var judging = Assert.Single(outcome.Record.Scores).Judging!;
        Assert.Equal(2, judging.Judges.Length);
        Assert.All(judging.Judges, judge => Assert.Equal((12, 12, 100), (judge.Games, judge.Readable, judge.Score!.Value)));
        Assert.Equal(12, Assert.Single(judging.Agreements).Items);
        Assert.Equal(JsonSerializer.Serialize(judging), JsonSerializer.Serialize(outcome.Folder.Record().Scores[0].Judging));

        var annotations = AlpacaAnnotations.Read(outcome.Folder.PathOf("alpaca_eval.judge-2.annotations.json"));
        Assert.All(annotations, annotation => Assert.Equal(("test", 2.0), (annotation.ModelName, annotation.Preference)));
        // The answers in the official layout are samples for the next judge.
        var asked = models.Requests.Length;
        var again = await RunAsync(request with { Model = null, GivenSamples = outcome.Folder.PathOf("alpaca_eval.model_outputs.json"), Judging = request.Judging with { Attempts = 3 } });
        Assert.Equal(outcome.Record.Scores[0].Estimate, again.Record.Scores[0].Estimate);
        // Other settings make another step, and the same questions to the same judges are read again.
        Assert.Equal(asked, models.Requests.Length);

        // The letter of the answer that does not stand as the baseline's.
        static string Judged(string prompt) => prompt.IndexOf("It is right.", StringComparison.Ordinal) < prompt.IndexOf("Perhaps", StringComparison.Ordinal) ? "m" : "M";
    }

    [Fact]
    public async Task Arena_hards_answers_are_read_in_their_official_layout()
    {
        File.WriteAllLines(PathOf("question.jsonl"), Enumerable.Range(1, 3).Select(i => $$"""{"question_id":"q{{i}}","turns":[{"content":"Say {{i}}."}],"baseline":"No."}"""));
        File.WriteAllLines(PathOf("mine.jsonl"), Enumerable.Range(1, 3).Select(i => $$"""{"question_id":"q{{i}}","model_id":"mine","choices":[{"index":0,"turns":[{"content":"It is {{i}}.","token_len":4}]}]}"""));
        models.Answer = _ => ("[[A=B]]", ChatFinishReason.Stop);
        var outcome = await RunAsync(Request() with
        {
            Model = null,
            Name = "mine",
            GivenSamples = PathOf("mine.jsonl"),
            Benchmarks = [new EvaluatedBenchmark(Open("arena_hard", "question.jsonl", new BenchmarkOptions()), new AnsweringSpec())],
            Judges = [new ModelSpec { Provider = ModelSpec.Embedded, Path = "judge" }],
        });
        Assert.Equal(0.5, outcome.Record.Scores[0].Estimate!.Mean);
        Assert.Equal(6, models.Requests.Length);
        Assert.Contains(models.Requests, asked => asked.Prompt.Contains("It is 2.", StringComparison.Ordinal));
        Assert.Contains("\"model\":\"mine\"", File.ReadAllText(outcome.Folder.PathOf("arena_hard.judge-1.model_judgment.jsonl")));
    }

    [Fact]
    public async Task Arena_hards_figure_at_equal_style_is_the_one_that_the_files_left_behind_give()
    {
        // Long answers in Markdown win where the judge looks at style alone.
        string Mine(int i) => i % 3 == 0 ? "" : i % 2 == 0 ? $"## Answer {i}\n- **{i}**\n- more of it, at length" : $"It is {i}.";
        string Base(int i) => i % 5 == 0 ? $"# Base\n1. {i}\n2. **and so on**" : $"Number {i}.";
        File.WriteAllLines(PathOf("question.jsonl"), Enumerable.Range(1, 30).Select(i => JsonSerializer.Serialize(new { question_id = $"q{i}", turns = new[] { new { content = $"Say {i}." } }, baseline = Base(i) })));
        File.WriteAllLines(PathOf("mine.jsonl"), Enumerable.Range(1, 30).Select(i => JsonSerializer.Serialize(new { id = $"q{i}", completion = Mine(i) })));
        File.WriteAllLines(PathOf("baseline.jsonl"), Enumerable.Range(1, 30).Select(i => JsonSerializer.Serialize(new { question_id = $"q{i}", model_id = "base", choices = new[] { new { turns = new[] { new { content = Base(i) } } } } })));
        models.Answer = prompt => (((prompt.Length * 7) % 5) switch { 0 => "[[A>>B]]", 1 => "[[A>B]]", 2 => "[[A=B]]", 3 => "[[B>A]]", _ => "[[B>>A]]" }, ChatFinishReason.Stop);
        var outcome = await RunAsync(Request() with
        {
            Model = null,
            Name = "mine",
            GivenSamples = PathOf("mine.jsonl"),
            Benchmarks = [new EvaluatedBenchmark(Open("arena_hard", "question.jsonl", new BenchmarkOptions()), new AnsweringSpec())],
            Judges = [new ModelSpec { Provider = ModelSpec.Embedded, Path = "judge" }],
        });
        var judging = outcome.Record.Scores[0].Judging!;
        var judgments = ArenaJudgments.Read(outcome.Folder.PathOf("arena_hard.judge-1.model_judgment.jsonl"), ArenaRules.V01);
        (string, IReadOnlyList<ArenaGames>)[] games = [("mine", [.. judgments.Select(row => new ArenaGames(row.QuestionId, row.BaselineFirst, row.ModelFirst))])];
        var styles = ArenaStyles.Read([outcome.Folder.PathOf("arena_hard.model_answer.jsonl"), PathOf("baseline.jsonl")]);
        var expected = styles.Fit(games, "base", ArenaRules.V01, StyleFeatures.LengthAndMarkdown, 100).Models[0];
        Assert.Equal(expected.WinRate, judging.StyleControlledWinRate!.Value, 9);
        Assert.Equal(expected.Interval.Low, judging.StyleControlledLow!.Value, 9);
        Assert.NotEqual(judging.WinRate!.Value, judging.StyleControlledWinRate.Value, 1.0);
        Assert.Contains(judging.Warnings, warning => warning.Contains("empty", StringComparison.Ordinal));
        // The published bootstrap draws battles, of which a strong verdict makes three.
        Assert.InRange(judging.WinRate.Value, judging.PublishedLow!.Value, judging.PublishedHigh!.Value);
        Assert.NotEqual((judging.Low, judging.High), (judging.PublishedLow, judging.PublishedHigh));
    }

    [Theory]
    [InlineData("test", null, "test judges its own answers: another judge beside it would show whether it favours them")]
    [InlineData("test", "other", "test judges its own answers, and gives them 0.0 points against the other judges")]
    [InlineData("other", null, null)]
    public async Task A_judge_of_its_own_answers_is_named(string judge, string? second, string? warning)
    {
        models.Answer = _ => ("[[A=B]]", ChatFinishReason.Stop);
        File.WriteAllLines(PathOf("question.jsonl"), Enumerable.Range(1, 3).Select(i => $$"""{"question_id":"q{{i}}","turns":[{"content":"Say {{i}}."}],"baseline":"No."}"""));
        var outcome = await RunAsync(Request() with
        {
            Benchmarks = [new EvaluatedBenchmark(Open("arena_hard", "question.jsonl", new BenchmarkOptions()), new AnsweringSpec())],
            Judges = [.. ((string?[])[judge, second]).OfType<string>().Select(path => new ModelSpec { Provider = ModelSpec.Embedded, Path = path, MaxParallel = 3 })],
        });
        Assert.Equal(warning, outcome.Record.Scores[0].Judging!.Warnings.FirstOrDefault(said => said.Contains("own answers", StringComparison.Ordinal)));
    }

    // The other judge lets the model's answer win once in four questions and calls the rest a tie: 62.5 %.
    [Theory]
    [InlineData(true, "+37.5")]
    [InlineData(false, "-62.5")]
    public async Task What_a_judge_adds_to_its_own_answers_is_told_in_points(bool favours, string points)
    {
        models.AnswerOf = (path, prompt) =>
        {
            if (prompt.StartsWith("Say ", StringComparison.Ordinal))
                return ("An answer of mine.", ChatFinishReason.Stop);
            var mineFirst = prompt.IndexOf("An answer of mine.", StringComparison.Ordinal) < prompt.IndexOf("The baseline's words.", StringComparison.Ordinal);
            var verdict = path == "test" ? (mineFirst == favours ? "[[A>B]]" : "[[B>A]]") : !prompt.Contains("Say 1.", StringComparison.Ordinal) ? "[[A=B]]" : mineFirst ? "[[A>B]]" : "[[B>A]]";
            return (verdict, ChatFinishReason.Stop);
        };
        File.WriteAllLines(PathOf("question.jsonl"), Enumerable.Range(1, 4).Select(i => $$"""{"question_id":"q{{i}}","turns":[{"content":"Say {{i}}."}],"baseline":"The baseline's words."}"""));
        var outcome = await RunAsync(Request() with
        {
            Benchmarks = [new EvaluatedBenchmark(Open("arena_hard", "question.jsonl", new BenchmarkOptions()), new AnsweringSpec())],
            Judges = [.. new[] { "test", "other" }.Select(path => new ModelSpec { Provider = ModelSpec.Embedded, Path = path, MaxParallel = 3 })],
        });
        Assert.Contains($"test judges its own answers, and gives them {points} points against the other judges", outcome.Record.Scores[0].Judging!.Warnings);
    }

    [Fact]
    public async Task Collecting_keeps_what_an_evaluation_needs()
    {
        var outcome = await RunAsync(Request());
        Assert.Equal(0, (await Archive.CollectAsync(previews: false, pretend: false, TestContext.Current.CancellationToken)).Steps);
        Directory.Delete(outcome.Folder.FullPath, recursive: true);
        Assert.Equal(2, (await Archive.CollectAsync(previews: false, pretend: false, TestContext.Current.CancellationToken)).Steps);
    }

    [Fact]
    public async Task Evaluations_are_found_by_the_beginning_of_their_names()
    {
        var outcome = await RunAsync(Request());
        Assert.Equal(outcome.Folder.FullPath, Archive.FindEvaluation("tes").FullPath);
        Assert.Equal(outcome.Folder.FullPath, Archive.FindEvaluation(outcome.Folder.FullPath).FullPath);
        await RunAsync(Request() with { Seed = 1 });
        Assert.Contains("fits 2 evaluations", Assert.Throws<AgoraException>(() => Archive.FindEvaluation("tes")).What);
        Assert.Contains("there is no evaluation", Assert.Throws<AgoraException>(() => Archive.FindEvaluation("other")).What);
    }

    private RunArchive Archive => new(PathOf("runs"));

    private Evaluation Evaluation => new(new PipelineServices { Models = models, Trainer = new CountingTrainer(), TokenCounter = _ => text => text.Length }, Archive);

    private Task<EvaluationOutcome> RunAsync(EvaluationRequest request) => Evaluation.RunAsync(request, 2, new RecordingObserver(), TestContext.Current.CancellationToken);

    private EvaluationRequest Request(string benchmark = "nano_math", BenchmarkOptions? options = null) => new()
    {
        Name = "test",
        Model = new ModelSpec { Provider = ModelSpec.Embedded, Path = "test", MaxParallel = 3 },
        Benchmarks = [new EvaluatedBenchmark(Open(benchmark, benchmark == "gsm8k" ? "gsm8k.jsonl" : "sums.jsonl", options ?? new BenchmarkOptions()), new AnsweringSpec())],
    };

    private IBenchmark Open(string name, string file, BenchmarkOptions options) => BenchmarkCatalogue.Open(new BenchmarkSpec { Name = name, File = PathOf(file) }, "/", options);

    private string PathOf(string file) => Path.Combine(folder.Path, file);

    /// <summary>A model that adds one, to even numbers only, and remembers what it was asked.</summary>
    private sealed class RecordingModels : ILanguageModels
    {
        private readonly Lock gate = new();

        public ImmutableArray<Asked> Requests { get; set; } = [];
        public Action<int> Before { get; set; } = _ => { };
        public Func<string, (string Text, ChatFinishReason Reason)> Answer { get; set; } = prompt =>
        {
            var number = int.Parse(prompt[(prompt.LastIndexOf("is ", StringComparison.Ordinal) + 3)..prompt.LastIndexOf(" +", StringComparison.Ordinal)], CultureInfo.InvariantCulture);
            return ($"It is [RESULT] {(number % 2 == 0 ? number + 1 : 0)} [/RESULT]", ChatFinishReason.Stop);
        };

        /// <summary>By the model's path, where models differ.</summary>
        public Func<string, string, (string Text, ChatFinishReason Reason)>? AnswerOf { get; set; }

        public Task<IChatClient> OpenChatAsync(ModelSpec model, CancellationToken cancellationToken) => Task.FromResult<IChatClient>(new FakeChatClient(async (messages, options, stop) =>
        {
            int count;
            lock (gate)
            {
                Requests = Requests.Add(new Asked(messages, options!, messages[^1].Text));
                count = Requests.Length;
            }
            Before(count);
            await Task.Yield();
            stop.ThrowIfCancellationRequested();
            var (text, reason) = AnswerOf?.Invoke(model.Path!, messages[^1].Text) ?? Answer(messages[^1].Text);
            return new ChatResponse(new ChatMessage(ChatRole.Assistant, text)) { FinishReason = reason };
        }));

        public Task<string> IdentifyAsync(ModelSpec model, CancellationToken cancellationToken) => Task.FromResult($"identity of {model.Path}");

        public Task CloseAsync(ModelSpec model) => Task.CompletedTask;
    }

    private sealed record Asked(ChatMessage[] Messages, ChatOptions Options, string Prompt);
}
