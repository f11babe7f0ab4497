using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.LanguageModels;
using Agora.Runs;

namespace Agora.Tests.Runs;

/// <summary>Intrinsic metrics as steps of a run.</summary>
public sealed class MeasuredRunTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Data_sets_are_measured_in_the_run_and_the_same_run_again_asks_nothing()
    {
        var tiny = new TinyExperiment(folder["run"]);
        var outcome = await tiny.RunAsync(Judged(tiny), Stop);
        Assert.Equal(RunStatus.Done, outcome.Status);
        var profile = outcome.Result.Profiles.First();
        Assert.Equal(4, outcome.Result.Profiles.Length);
        Assert.InRange(profile.Metrics.Single(metric => metric.Name == "response_quality_judge").Value!.Value, 2, 4);
        Assert.Contains(profile.Metrics, metric => metric.Name == "contaminated");
        Assert.Equal(outcome.Result.Profiles.Select(one => one.Generator), RunDataSets.Profiles(outcome.Folder).Select(one => one.Generator));
        // Two verdicts on each of 20 instances in 4 data sets.
        Assert.Equal(160, outcome.Bill.Lines.Where(line => line.Kind == "measure").Sum(line => line.Requests));

        var report = RunReporting.Of(outcome.Result, []);
        var verdicts = report.Instances[0].Verdicts(new HashSet<int> { 3 });
        Assert.Contains(verdicts[3], verdict => verdict is { Name: "response quality judge", Value: >= 2 and <= 4 });

        var asked = tiny.Models.Requests;
        await tiny.RunAsync(Judged(tiny), Stop);
        Assert.Equal(asked, tiny.Models.Requests);
        // Measuring the finished run by itself finds the same steps.
        var again = await new Measuring(new PipelineServices { Models = tiny.Models, Trainer = tiny.Trainer, TokenCounter = _ => text => text.Length / 4 }, tiny.Archive).MeasureAsync(
            [.. RunDataSets.Of(outcome.Folder, tiny.Archive.Store).Select(DataToMeasure.Of)], new MeasuredBy { Judge = tiny.Experiment().Models["reference"] }, seed: 42, tiny.Observer, Stop);
        Assert.Equal(asked, tiny.Models.Requests);
        Assert.Equal(
            outcome.Result.Profiles.Select(one => one.Metrics.Single(metric => metric.Name == "response_quality_judge")),
            again.Select(one => one.Metrics.Single(metric => metric.Name == "response_quality_judge")));
    }

    // What agora metrics --reference measures, an experiment asks for by metrics.reference.
    [Fact]
    public async Task A_reference_adds_the_implicit_reward_and_a_solver_verifies_answers()
    {
        var tiny = new TinyExperiment(folder["run"]);
        var services = new PipelineServices { Models = tiny.Models, Trainer = tiny.Trainer, TokenCounter = _ => text => text.Length / 4, OpenLikelihood = (model, _, _) => Task.FromResult<ILikelihoodModel>(new Even(model.Path!.EndsWith("base", StringComparison.Ordinal) ? 2 : 0.5f)) };
        var experiment = tiny.Experiment() with { Metrics = new MetricsSpec { Perplexity = "base", Reference = "reference", Verification = new VerificationSpec { Solver = "reference", Samples = 3 } } };
        var outcome = await new Pipeline(services, tiny.Archive).RunAsync(experiment, jobs: 2, tiny.Observer, Stop);
        Assert.Equal(RunStatus.Done, outcome.Status);
        var metrics = outcome.Result.Profiles[0].Metrics;
        Assert.Equal(Math.Exp(2), metrics.Single(metric => metric.Name == "perplexity").Value!.Value, 1e-6);
        Assert.Equal(1.5, metrics.Single(metric => metric.Name == "implicit_reward").Value!.Value, 1e-6);
        // The solver is right in 95 of 100 cases, and the writer in 80.
        Assert.InRange(metrics.Single(metric => metric.Name == "answer_verified").Value!.Value, 0.5, 1);
        // Three solutions of each of 20 instances in 4 data sets.
        Assert.Equal(240, outcome.Bill.Lines.Where(line => line.Kind == "measure").Sum(line => line.Requests));
        Assert.DoesNotContain((await tiny.RunAsync(experiment with { Metrics = experiment.Metrics with { Perplexity = null, Reference = null, Verification = null } }, Stop)).Result.Profiles[0].Metrics, metric => metric.Name is "implicit_reward" or "answer_verified");
    }

    private sealed class Even(float loss) : ILikelihoodModel
    {
        public Task<IReadOnlyList<float[]>> TokenLossesAsync(IReadOnlyList<(string Instruction, string Response)> pairs, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<float[]>>([.. pairs.Select(_ => new[] { loss, loss })]);
    }

    [Fact]
    public async Task Without_metrics_an_experiment_has_the_steps_that_it_had()
    {
        var tiny = new TinyExperiment(folder["run"]);
        var plain = await tiny.RunAsync(tiny.Experiment(), Stop);
        var measured = await tiny.RunAsync(Judged(tiny), Stop);
        Assert.DoesNotContain(plain.Folder.Steps(), step => step.Name.StartsWith("measure ", StringComparison.Ordinal));
        Assert.Subset(measured.Folder.Steps().Select(step => step.Key).ToHashSet(), plain.Folder.Steps().Select(step => step.Key).ToHashSet());
    }

    [Fact]
    public async Task A_killed_measurement_pays_its_judge_once()
    {
        var whole = new TinyExperiment(folder["whole"]);
        var expected = TinyExperiment.Contents((await whole.RunAsync(Judged(whole), Stop)).Folder, whole.Archive.Store);
        var cut = new TinyExperiment(folder["cut"]);
        await cut.RunAsync(cut.Experiment(), Stop);
        var before = cut.Models.Requests;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        cut.Models.Before = request =>
        {
            if (request == before + 50)
                stop.Cancel();
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cut.RunAsync(Judged(cut), stop.Token));
        cut.Models.Before = _ => { };
        var resumed = await cut.RunAsync(Judged(cut), Stop);
        Assert.Equal(expected, TinyExperiment.Contents(resumed.Folder, cut.Archive.Store));
        // What was in flight is lost, two steps with four requests each, and which step reads an answer of another one again depends on timing; paying anew would be 50 more.
        Assert.InRange(cut.Models.Requests, before + 50, whole.Models.Requests + 20);
    }

    [Fact]
    public async Task A_judge_that_never_gives_a_score_is_said_to_and_no_zero_stands_for_it()
    {
        var tiny = new TinyExperiment(folder["run"]);
        tiny.Models.Verdict = _ => "I would rather not say.";
        var outcome = await tiny.RunAsync(Judged(tiny), Stop);
        var quality = outcome.Result.Profiles[0].Metrics.Single(metric => metric.Name == "response_quality_judge");
        Assert.Equal((null, 0, 20), (quality.Value, quality.Count, quality.Left));
        Assert.Equal("none of 20 instances has a value: the answer holds no score that can be read", quality.Missing);
        Assert.Contains(RunReporting.Of(outcome.Result, []).AnalysisRemarks, remark => remark.Contains("response_quality_judge is missing in every row", StringComparison.Ordinal));
    }

    private static Experiment Judged(TinyExperiment tiny) => tiny.Experiment() with { Metrics = new MetricsSpec { Judges = ["reference"] } };
}
