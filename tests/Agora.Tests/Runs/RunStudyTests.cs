using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Agora.Analysis;
using Agora.Experiments;
using Agora.IntrinsicMetrics;
using Agora.Reports;
using Agora.Runs;

namespace Agora.Tests.Runs;

/// <summary>Runs as studies: what differs, is missing or is no number is said, and is in no mean.</summary>
public sealed class RunStudyTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly TinyExperiment tiny;

    public RunStudyTests() => tiny = new TinyExperiment(folder.Path);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Runs_of_different_versions_are_analysed_and_said_to_be_so()
    {
        var (first, second) = (await RunAsync(tiny.Experiment()), await RunAsync(Sized(30)));
        Edit(second, document => document["agora"] = "9.9.9");
        var study = RunStudy.Of([first, second]);
        Assert.Contains(study.Remarks, remark => remark.Contains("by 9.9.9: a difference between them may be one of versions", StringComparison.Ordinal));
        Assert.Equal([20, 30], study.Supply.Select(data => data.Instances).Distinct().Order());
    }

    [Theory]
    [InlineData("recipe")]
    [InlineData("benchmarks")]
    [InlineData("answering")]
    [InlineData("trainingSeeds")]
    [InlineData("students")]
    public async Task Different_experiments_are_not_mixed(string what)
    {
        var experiment = tiny.Experiment();
        var other = what switch
        {
            "recipe" => experiment with { Recipe = experiment.Recipe with { Epochs = 3 } },
            "benchmarks" => experiment with { Benchmarks = experiment.Benchmarks.SetItem(Domain.Math, [experiment.Benchmarks[Domain.Math][0] with { Limit = 30 }]) },
            "answering" => experiment with { Answering = experiment.Answering.Add(Domain.Math, new AnsweringSpec { Temperature = 0.7 }) },
            "trainingSeeds" => experiment with { TrainingSeeds = [42, 43] },
            _ => experiment with { Students = [new StudentSpec { Name = "student", Base = "writer-b", Reference = "reference" }] },
        };
        var (first, second) = (await RunAsync(experiment), await RunAsync(other));
        var refused = Assert.Throws<AgoraException>(() => RunStudy.Of([first, second]));
        Assert.Contains($"{what} differ, so that their PGRs do not compare", refused.Message, StringComparison.Ordinal);
        Assert.Equal(2, refused.ExitCode);
    }

    // How often a training saves its state decides nothing, and is no other recipe.
    [Fact]
    public async Task Options_that_decide_nothing_keep_runs_comparable()
    {
        var (first, second) = (await RunAsync(tiny.Experiment()), await RunAsync(Sized(30) with { Recipe = tiny.Experiment().Recipe with { CheckpointSeconds = 7 } }));
        Assert.Equal(8, RunStudy.Of([first, second]).Supply.Length);
    }

    [Fact]
    public async Task A_cell_without_pgr_and_a_metric_without_value_are_named_and_are_in_no_mean()
    {
        var run = await RunAsync(tiny.Experiment());
        Edit(run, document =>
        {
            var cell = document["pgr"]!.AsArray().First(entry => (string)entry!["scope"]! == "setting")!.AsObject();
            foreach (var name in (string[])["percent", "low", "high"])
                cell.Remove(name);
            cell["undefined"] = "the reference does not beat the base model";
        });
        RunDataSets.Keep(run,
        [
            .. from generator in (string[])["writer-a", "writer-b"]
               from setting in tiny.Experiment().Settings
               select new DataSetProfile
               {
                   Generator = generator, Setting = setting, Instances = 20, Measured = 20,
                   Metrics = [new MetricEstimate("perplexity", 2, null, null, 20), generator == "writer-b" ? new MetricEstimate("response_reward", null, null, null, 0, 20, "none of 20 instances has a value") : new MetricEstimate("response_reward", 1 + (setting.GetHashCode() & 1), null, null, 20)],
               },
        ]);
        var study = RunStudy.Of([run]).Study;
        Assert.Equal((4, 3), (study.Cells.Length, study.Cells.Count(cell => cell.Pgr is not null)));
        var table = FeatureTable.Of(study);
        Assert.Contains(table.Remarks, remark => remark.StartsWith("1 of 4 data sets have no PGR", StringComparison.Ordinal));
        Assert.Contains(table.Remarks, remark => remark.StartsWith("perplexity is the same in all 3 rows", StringComparison.Ordinal));
        Assert.Equal(3, RunStudy.Of([run]).Supply.Length);
        var mean = StudyAnalysis.Of(study).Generators.Single(generator => generator.Generator == study.Cells.First(cell => cell.Pgr is null).Generator);
        Assert.Equal((1, study.Cells.Single(cell => cell.Generator == mean.Generator && cell.Pgr is not null).Pgr), (mean.Settings, mean.Pgr));
    }

    [Fact]
    public async Task The_same_model_under_two_names_is_one_family()
    {
        var experiment = tiny.Experiment();
        experiment = experiment with { Models = experiment.Models.Add("writer-hot", experiment.Models["writer-a"] with { Temperature = 1.5 }), Generators = ["writer-a", "writer-b", "writer-hot"] };
        var study = RunStudy.Of([await RunAsync(experiment)]).Study;
        Assert.Equal(["writer-a", "writer-b", "writer-a"], study.Generators.Select(generator => generator.Family));
    }

    private Experiment Sized(int instances) => tiny.Experiment() with { Generation = tiny.Experiment().Generation with { Instances = instances } };

    private async Task<RunFolder> RunAsync(Experiment experiment)
    {
        var outcome = await tiny.RunAsync(experiment with { Confidence = experiment.Confidence with { Resamples = 100 } }, Stop);
        await RunReporting.WriteAsync(RunReporting.Of(outcome.Result, []), outcome.Folder, draw: null, Stop);
        return outcome.Folder;
    }

    private static void Edit(RunFolder run, Action<JsonNode> change)
    {
        var path = run.PathOf(ReportFiles.Json);
        var document = JsonNode.Parse(File.ReadAllText(path))!;
        change(document);
        File.WriteAllText(path, document.ToJsonString());
    }
}
