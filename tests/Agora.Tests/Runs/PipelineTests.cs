using System.Collections.Immutable;
using Agora.Benchmarks;
using Agora.DataGeneration;
using Agora.DataGeneration.Filters;
using Agora.Experiments;
using Agora.Recovery;
using Agora.Runs;

namespace Agora.Tests.Runs;

public sealed class PipelineTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly TinyExperiment tiny;

    public PipelineTests() => tiny = new TinyExperiment(folder.Path);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task An_experiment_gives_grades_for_every_student_and_both_anchors()
    {
        var outcome = await tiny.RunAsync(tiny.Experiment(), Stop);
        Assert.Equal((RunStatus.Done, 0), (outcome.Status, outcome.ExitCode));
        Assert.Equal(4, outcome.Result.Grades.Students.Length);
        Assert.Equal([Anchor.Base, Anchor.Reference], outcome.Result.Grades.Anchors.Select(anchor => anchor.Anchor));
        Assert.All(outcome.Result.Grades.Students, student => Assert.Equal(40, student.Grades.Length));
        Assert.All(outcome.Result.Data, data => Assert.Equal(20, data.Summary.Valid));
        var table = RecoveryTable.Compute(outcome.Result.Grades, tiny.Experiment().Confidence with { Resamples = 100 }, new RandomStreams(1));
        Assert.IsType<PerformanceGapRecovered.Percent>(table.Find("student", "writer-a", new RecoveryScope.Overall())!.Pgr);
    }

    [Fact]
    public async Task In_instance_generation_the_seed_data_is_trained_on_too()
    {
        var outcome = await tiny.RunAsync(tiny.Experiment(), Stop);
        var rows = outcome.Folder.Steps().Where(step => step.Name.StartsWith("train", StringComparison.Ordinal))
            .Select(step => (step.Name, File.ReadAllText(Path.Combine(tiny.Archive.Store.FolderOf(new StepKey(step.Key)), StepFiles.Training))));
        Assert.All(rows, row => Assert.Contains(row.Name.Contains("instance_generation", StringComparison.Ordinal) ? "\"tokens\":50," : "\"tokens\":20,", row.Item2, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_generators_own_sampling_goes_before_the_experiments()
    {
        var experiment = tiny.Experiment();
        experiment = experiment with { Models = experiment.Models.SetItem("writer-a", experiment.Models["writer-a"] with { Temperature = 1.5, TopP = 0.5 }) };
        await tiny.RunAsync(experiment, Stop);
        Assert.Equal([(80, 1.5f, 0.5f)], tiny.Models.Sampling.Where(asked => asked.Skill == 80).Distinct());
        Assert.Equal([(60, 1f, 0.9f)], tiny.Models.Sampling.Where(asked => asked.Skill == 60).Distinct());
        // Data that were sampled otherwise are other data.
        var again = new TinyExperimentView(tiny);
        await again.RunAsync(experiment with { Models = experiment.Models.SetItem("writer-a", experiment.Models["writer-a"] with { Temperature = 1.5, TopP = 0.6 }) }, Stop);
        Assert.Contains(again.Observer.Names<RunEvent.Started>(happening => happening.Step), name => name.StartsWith("generate", StringComparison.Ordinal) && name.EndsWith("writer-a", StringComparison.Ordinal));
        Assert.DoesNotContain(again.Observer.Names<RunEvent.Started>(happening => happening.Step), name => name.StartsWith("generate", StringComparison.Ordinal) && name.EndsWith("writer-b", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_same_run_again_asks_nothing_and_trains_nothing()
    {
        var first = await tiny.RunAsync(tiny.Experiment(), Stop);
        var before = TinyExperiment.Contents(first.Folder, tiny.Archive.Store);
        var again = new TinyExperimentView(tiny);
        var second = await again.RunAsync(tiny.Experiment(), Stop);
        Assert.Equal(first.Folder.Id, second.Folder.Id);
        Assert.Equal((0, 0), (again.Requests, again.Trained));
        Assert.Equal(before, TinyExperiment.Contents(second.Folder, tiny.Archive.Store));
        Assert.Empty(again.Observer.Names<RunEvent.Started>(happening => happening.Step));
    }

    [Fact]
    public async Task Another_grader_version_only_grades_again()
    {
        await tiny.RunAsync(tiny.Experiment(), Stop);
        var again = new TinyExperimentView(tiny);
        await again.RunAsync(tiny.Experiment(), Stop, graderVersion: "stricter");
        Assert.Equal((0, 0), (again.Requests, again.Trained));
        Assert.All(again.Observer.Names<RunEvent.Started>(happening => happening.Step), name => Assert.StartsWith("grade ", name, StringComparison.Ordinal));
        Assert.Equal(6, again.Observer.Names<RunEvent.Started>(happening => happening.Step).Length);
    }

    [Fact]
    public async Task A_corrected_price_buys_nothing_again_and_shows_in_the_sums()
    {
        var first = await tiny.RunAsync(tiny.Experiment(), Stop);
        var experiment = tiny.Experiment();
        experiment = experiment with { Models = experiment.Models.ToImmutableSortedDictionary(model => model.Key, model => model.Value with { Price = new Price { Input = 10m, Output = 20m } }) };
        var again = new TinyExperimentView(tiny);
        var second = await again.RunAsync(experiment, Stop);
        Assert.Equal(0, again.Requests);
        Assert.Equal(first.Result.Data.Select(data => 10 * data.Summary.Dollars), second.Result.Data.Select(data => data.Summary.Dollars));
    }

    [Fact]
    public async Task Without_a_price_the_dollars_are_unknown_and_all_else_is_as_ever()
    {
        var experiment = tiny.Experiment();
        experiment = experiment with { Models = experiment.Models.ToImmutableSortedDictionary(model => model.Key, model => model.Value with { Price = null }) };
        var outcome = await tiny.RunAsync(experiment, Stop);
        Assert.Equal(0, outcome.ExitCode);
        Assert.All(outcome.Result.Data, data => Assert.Equal((20, null), (data.Summary.Valid, data.Summary.Dollars)));
    }

    [Fact]
    public async Task Another_trainer_version_keeps_the_data()
    {
        await tiny.RunAsync(tiny.Experiment(), Stop);
        var again = new TinyExperimentView(tiny);
        again.Trainer.Version = "2";
        await again.RunAsync(tiny.Experiment(), Stop);
        Assert.Equal((4 * 40, 4), (again.Requests, again.Trained));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Interrupted_at_any_request_it_ends_with_the_same_bytes_and_asks_nothing_twice(bool filtered)
    {
        Experiment Of(TinyExperiment tiny) => filtered ? Filtered(tiny.Experiment()) : tiny.Experiment();
        var reference = new TinyExperiment(folder["reference"]);
        var expected = await reference.RunAsync(Of(reference), Stop);
        Assert.Equal(filtered, expected.Result.Data.Any(data => data.Summary.Bill.Rejected.ContainsKey(RejectReason.NotNovel)));
        var bytes = TinyExperiment.Contents(expected.Folder, reference.Archive.Store);
        for (var stopAt = 1; stopAt < reference.Models.Requests; stopAt += 61)
        {
            var interrupted = new TinyExperiment(folder[$"stop {stopAt}"]);
            using var cut = CancellationTokenSource.CreateLinkedTokenSource(Stop);
            interrupted.Models.Before = request =>
            {
                if (request == stopAt)
                    cut.Cancel();
            };
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => interrupted.RunAsync(Of(interrupted), cut.Token));
            Assert.Equal(RunStatus.Interrupted, Assert.Single(interrupted.Archive.List()).Status());
            interrupted.Models.Before = _ => { };
            var resumed = await interrupted.RunAsync(Of(interrupted), Stop);
            Assert.Equal(bytes, TinyExperiment.Contents(resumed.Folder, interrupted.Archive.Store));
            // What was in flight when it stopped is lost: two steps with four requests each.
            Assert.InRange(interrupted.Models.Requests, reference.Models.Requests, reference.Models.Requests + 8);
        }
    }

    private static Experiment Filtered(Experiment experiment) => experiment with
    {
        Generation = experiment.Generation with
        {
            Filters = new FilterSpec { Decontamination = new DecontaminationSpec(), ExactDuplicates = new ExactDuplicateSpec(), NearDuplicates = new NearDuplicateSpec(), Novelty = new NoveltySpec() },
        },
    };

    [Fact]
    public async Task A_seed_that_is_a_test_item_is_neither_shown_nor_trained_on_and_is_reported()
    {
        var experiment = tiny.Experiment();
        experiment = experiment with { Generation = experiment.Generation with { Filters = new FilterSpec { Decontamination = new DecontaminationSpec() } } };
        tiny.Write("seeds.jsonl", File.ReadAllText(tiny.PathOf("seeds.jsonl")) + """{"instruction":"what is  5 + 15","response":"It is [RESULT] 20 [/RESULT]"}""" + "\n");
        var outcome = await tiny.RunAsync(experiment, Stop);
        Assert.Equal(0, outcome.ExitCode);
        Assert.All(outcome.Result.Data, data =>
        {
            Assert.Equal(1, data.Summary.DroppedSeeds);
            var dropped = Assert.Single(StepFiles.ReadLines<DroppedSeed>(data.Result, StepFiles.DroppedSeeds));
            Assert.Equal(("seeds.jsonl:31", "nano_math", "sum-5"), (dropped.Seed.Value, dropped.TestSet, dropped.Item));
            Assert.DoesNotContain("seeds.jsonl:31\"", File.ReadAllText(data.InstancesFile), StringComparison.Ordinal);
        });
        var instances = outcome.Folder.Steps().Where(step => step.Name.StartsWith("train", StringComparison.Ordinal) && step.Name.Contains("instance_generation", StringComparison.Ordinal));
        Assert.All(instances, step => Assert.Contains("\"tokens\":50,", File.ReadAllText(Path.Combine(tiny.Archive.Store.FolderOf(new StepKey(step.Key)), StepFiles.Training)), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_changed_test_set_makes_decontaminated_data_anew_and_no_other()
    {
        foreach (var (experiment, generated) in new[] { (tiny.Experiment(), 0), (Filtered(tiny.Experiment()), 4) })
        {
            await tiny.RunAsync(experiment, Stop);
            var before = File.ReadAllText(tiny.PathOf("benchmark.jsonl"));
            tiny.Write("benchmark.jsonl", before + """{"id":"more","question":"What is 400 + 1?","answer":"401"}""" + "\n");
            var again = new TinyExperimentView(tiny);
            await again.RunAsync(experiment, Stop);
            Assert.Equal(generated, again.Observer.Names<RunEvent.Started>(happening => happening.Step).Count(name => name.StartsWith("generate", StringComparison.Ordinal)));
            tiny.Write("benchmark.jsonl", before);
        }
    }

    [Fact]
    public async Task A_failing_generator_takes_only_its_own_cells_with_it()
    {
        File.WriteAllText(tiny.PathOf("models/writer-b/skill.txt"), "not a number");
        var outcome = await tiny.RunAsync(tiny.Experiment(), Stop);
        Assert.Equal((RunStatus.Failed, 1), (outcome.Status, outcome.ExitCode));
        Assert.Equal(["writer-a", "writer-a"], outcome.Result.Grades.Students.Select(student => student.Generator));
        Assert.Equal(2, outcome.Failures.Length);
        Assert.Equal(4, outcome.Result.Missing.Length);
        Assert.Contains(outcome.Result.Missing, missing => missing.Reason.StartsWith("generate math/instance_generation with writer-b failed", StringComparison.Ordinal));

        File.WriteAllText(tiny.PathOf("models/writer-b/skill.txt"), "60");
        Assert.Equal(0, (await tiny.RunAsync(tiny.Experiment(), Stop)).ExitCode);
    }

    [Fact]
    public async Task Fewer_instances_than_wanted_is_said_by_the_exit_code()
    {
        var stingy = tiny.Experiment() with { Generators = ["writer-a"] };
        stingy = stingy with { Generation = stingy.Generation with { TriesPerInstance = 1, MaxCompletionsPerInstance = 1 } };
        var outcome = await tiny.RunAsync(stingy, Stop);
        Assert.Equal((RunStatus.Incomplete, 3), (outcome.Status, outcome.ExitCode));
        Assert.NotEmpty(outcome.Result.Incomplete);
        Assert.All(outcome.Result.Incomplete, data => Assert.True(data.Summary.Valid < 20));
    }

    [Fact]
    public async Task A_given_data_set_goes_straight_to_training()
    {
        var experiment = tiny.Experiment() with
        {
            Generators = [],
            Settings = [],
            DataSets = [new GivenDataSet { Name = "published", Setting = new Setting(Domain.Math, GenerationMethod.InstanceGeneration), Data = new DataSource { File = tiny.PathOf("seeds.jsonl") } }],
        };
        var outcome = await tiny.RunAsync(experiment, Stop);
        Assert.Equal(["published"], outcome.Result.Grades.Students.Select(student => student.Generator));
        Assert.Equal(2, outcome.Result.Grades.Anchors.Length);
        Assert.Equal(1, tiny.Trainer.Trained);
    }

    [Fact]
    public async Task Generators_are_scored_themselves_where_the_experiment_asks_for_it()
    {
        var outcome = await tiny.RunAsync(tiny.Experiment() with { ProblemSolving = true }, Stop);
        Assert.Equal(["writer-a", "writer-b"], outcome.Result.ProblemSolving.Select(solver => solver.Generator));
    }

    [Theory]
    [InlineData("stopSequences")]
    [InlineData("systemMessage")]
    [InlineData("structuredOutput")]
    public async Task What_a_model_lacks_is_told_by_name_before_anything_is_asked(string capability)
    {
        foreach (var method in (string[])["instance_generation", "response_generation"]) tiny.Write($"prompts/json_format/math/{method}.txt", method == "response_generation" ? "<input>" : "<input1> <output1>");
        var experiment = tiny.Experiment();
        var lacking = new CapabilitySpec { StopSequences = capability != "stopSequences", SystemMessage = capability != "systemMessage", StructuredOutput = capability != "structuredOutput" };
        experiment = experiment with
        {
            Models = experiment.Models.SetItem("writer-a", experiment.Models["writer-a"] with { Capabilities = lacking }),
            Generation = lacking.StructuredOutput == true ? experiment.Generation : experiment.Generation with { Json = JsonReading.Schema, MetaPrompt = MetaPromptVariant.JsonFormat },
            Generators = ["writer-a"],
        };
        var expected = $"{tiny.PathOf("models/writer-a")} (embedded) lacks {capability}, which \"generate math/instance_generation with writer-a\" needs";
        foreach (var refused in (Func<Task>[])[() => tiny.RunAsync(experiment, Stop), () => tiny.Pipeline.PlanAsync(experiment, dataOnly: false, Stop), () => tiny.Pipeline.PilotAsync(experiment, 1, dataOnly: true, Stop),
            async () => { await foreach (var _ in tiny.Pipeline.PreviewAsync(experiment, 1, Stop)) { } }])
        {
            var fault = await Assert.ThrowsAsync<AgoraException>(refused);
            Assert.Equal((2, true), (fault.ExitCode, fault.What.Contains(expected, StringComparison.Ordinal)));
        }
        Assert.Equal(0, tiny.Models.Requests);
    }

    [Fact]
    public async Task A_dry_run_writes_nothing_and_says_what_is_done_already()
    {
        var plan = await tiny.Pipeline.PlanAsync(tiny.Experiment(), Stop);
        Assert.Equal(4 + 4 + 6 + 6, plan.Steps.Length);
        Assert.Equal(4 * 20 + 6 * 40, plan.Total.Requests);
        Assert.True(plan.Total.Dollars is null, "a trained student has no price");
        Assert.False(Directory.Exists(tiny.Archive.Folder));
        Assert.Equal(0, tiny.Models.Requests);

        await tiny.RunAsync(tiny.Experiment(), Stop);
        var done = await tiny.Pipeline.PlanAsync(tiny.Experiment(), Stop);
        Assert.All(done.Steps, step => Assert.Equal(StepState.Done, step.State));
        Assert.Equal(StepEstimate.Nothing, done.Total);
    }

    [Fact]
    public async Task Every_trained_student_is_let_go_of()
    {
        await tiny.RunAsync(tiny.Experiment(), Stop);
        Assert.Equal(4 + 4, tiny.Models.Closed.Distinct().Count());
    }

    [Fact]
    public async Task Of_two_runs_the_differences_are_listed()
    {
        var first = await tiny.RunAsync(tiny.Experiment(), Stop);
        var second = await tiny.RunAsync(tiny.Experiment() with { Recipe = new StudentRecipe { Epochs = 7 } }, Stop);
        var differences = RunDifference.Between(first.Folder, second.Folder);
        Assert.Contains(new RunDifference("experiment", "recipe.epochs", "5", "7"), differences);
        Assert.DoesNotContain(differences, difference => difference.Section == "environment");
        Assert.DoesNotContain(differences, difference => difference.Name.StartsWith("generate", StringComparison.Ordinal));
        Assert.Empty(RunDifference.Between(first.Folder, first.Folder));
    }

    [Fact]
    public async Task Removing_a_run_takes_its_own_results_and_leaves_shared_ones()
    {
        var first = await tiny.RunAsync(tiny.Experiment(), Stop);
        var second = await tiny.RunAsync(tiny.Experiment() with { Recipe = new StudentRecipe { Epochs = 7 } }, Stop);
        var kept = TinyExperiment.Contents(second.Folder, tiny.Archive.Store);
        Assert.Equal(default, await tiny.Archive.CollectAsync(previews: false, pretend: false, Stop));
        var collected = await tiny.Archive.RemoveAsync(tiny.Archive.Find(first.Folder.Id), Stop);
        Assert.Equal(4 + 4 + 4, collected.Steps);
        Assert.Equal(kept, TinyExperiment.Contents(second.Folder, tiny.Archive.Store));
        Assert.Equal([second.Folder.Id], tiny.Archive.List().Select(run => run.Id));
    }

    [Fact]
    public async Task A_run_at_work_cannot_be_removed()
    {
        AgoraException? refusal = null;
        tiny.Models.Before = request =>
        {
            if (request == 1)
                refusal = Assert.Throws<AgoraException>(() => tiny.Archive.RemoveAsync(Assert.Single(tiny.Archive.List()), Stop).GetAwaiter().GetResult());
        };
        Assert.Equal(0, (await tiny.RunAsync(tiny.Experiment(), Stop)).ExitCode);
        Assert.NotNull(refusal);
    }

    [Fact]
    public async Task Time_is_told_apart_by_kind_of_step()
    {
        var outcome = await tiny.RunAsync(tiny.Experiment(), Stop);
        var timing = RunTiming.Of(outcome.Folder, tiny.Archive.Store);
        Assert.Equal(["answer", "generate", "grade", "train"], timing.Kinds.Select(kind => kind.Kind).Order());
        Assert.InRange(timing.OwnShare, 0.01, 1);
    }

    [Fact]
    public async Task Results_have_names_that_people_can_read()
    {
        var outcome = await tiny.RunAsync(tiny.Experiment(), Stop);
        Assert.True(File.Exists(outcome.Folder.PathOf("steps/generate_math.response_generation_with_writer-a/instances.jsonl")));
    }

    /// <summary>The same files again, with counters at zero.</summary>
    private sealed class TinyExperimentView(TinyExperiment tiny)
    {
        private readonly ArithmeticModels models = new();

        public RecordingObserver Observer { get; } = new();
        public CountingTrainer Trainer { get; } = new();
        public int Requests => models.Requests;
        public int Trained => Trainer.Trained;

        public Task<RunOutcome> RunAsync(Experiment experiment, CancellationToken cancellationToken, string? graderVersion = null)
        {
            var services = new PipelineServices
            {
                Models = models,
                Trainer = Trainer,
                TokenCounter = _ => text => text.Length / 4,
                OpenBenchmark = spec => BenchmarkCatalogue.Open(spec, "/") is var opened && graderVersion is null ? opened : new Regraded(opened, graderVersion!),
            };
            return new Pipeline(services, tiny.Archive).RunAsync(experiment, jobs: 2, Observer, cancellationToken);
        }
    }

    private sealed class Regraded(IBenchmark inner, string version) : IBenchmark
    {
        public string Name => inner.Name;
        public Domain Domain => inner.Domain;
        public ImmutableArray<BenchmarkItem> Items => inner.Items;
        public string GraderVersion => version;
        public bool NeedsJudge => false;
        public ImmutableArray<BenchmarkAnswer> ReferenceAnswers => inner.ReferenceAnswers;

        public Task<ImmutableArray<GradedAnswer>> GradeAsync(IReadOnlyList<BenchmarkAnswer> answers, GradingContext context, CancellationToken cancellationToken) =>
            inner.GradeAsync(answers, context, cancellationToken);
    }
}
