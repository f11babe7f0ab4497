using Agora.Experiments;
using Agora.Runs;
using Agora.Training;

namespace Agora.Tests.Runs;

public sealed class StudentExportTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly TinyExperiment tiny;

    public StudentExportTests() => tiny = new TinyExperiment(folder.Path);

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task An_exported_student_has_its_files_and_its_scores_in_the_card()
    {
        var outcome = await tiny.RunAsync(tiny.Experiment(), TestContext.Current.CancellationToken);
        var target = Path.Combine(folder.Path, "exported");
        var name = StudentExport.Copy(outcome.Folder, tiny.Archive.Store, "writer-b math/response_generation", target);
        Assert.Equal("student on writer-b math/response_generation seed 42", name);
        Assert.True(File.Exists(Path.Combine(target, "skill.txt")));
        var score = outcome.Folder.Scores().Single(score => score.By == name);
        var card = File.ReadAllText(Path.Combine(target, StudentCard.FileName));
        Assert.Contains(FormattableString.Invariant($"| {score.Benchmark} | {100 * score.Mean:F1} | {score.Graded} | {score.Unscored} |"), card, StringComparison.Ordinal);
        Assert.Contains("base_model: \"base\"", card, StringComparison.Ordinal);
        // What the store holds is a result, and stays as it was.
        Assert.IsType<StepFinding.Whole>(tiny.Archive.Store.Find(new StepKey(outcome.Folder.Steps().Single(step => step.Name == "train " + name).Key), thoroughly: true));
    }

    [Fact]
    public async Task A_name_that_fits_none_or_several_is_refused_with_the_names_there_are()
    {
        var outcome = await tiny.RunAsync(tiny.Experiment(), TestContext.Current.CancellationToken);
        AgoraException Refused(string? student) => Assert.Throws<AgoraException>(() => StudentExport.Copy(outcome.Folder, tiny.Archive.Store, student, Path.Combine(folder.Path, "exported")));
        Assert.Contains("4 students", Refused(null).What, StringComparison.Ordinal);
        Assert.Contains("fits 2 students", Refused("writer-a").What, StringComparison.Ordinal);
        Assert.Contains("writer-a math/instance_generation", Refused("nobody").Fix, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "exported")));
    }

    [Fact]
    public async Task A_folder_that_holds_something_is_left_alone()
    {
        var outcome = await tiny.RunAsync(tiny.Experiment(), TestContext.Current.CancellationToken);
        var target = Path.Combine(folder.Path, "taken");
        Directory.CreateDirectory(target);
        File.WriteAllText(Path.Combine(target, "mine.txt"), "");
        Assert.Contains("not empty", Assert.Throws<AgoraException>(() => StudentExport.Copy(outcome.Folder, tiny.Archive.Store, "writer-b math/response", target)).What, StringComparison.Ordinal);
        Assert.Equal(["mine.txt"], Directory.GetFiles(target).Select(Path.GetFileName));
    }
}
