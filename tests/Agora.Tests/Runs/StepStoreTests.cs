using System.Text.Json.Nodes;
using Agora.Runs;

namespace Agora.Tests.Runs;

public sealed class StepStoreTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly List<StepNotice> notices = [];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_key_depends_on_everything_that_decides_the_result_and_on_nothing_else()
    {
        var step = new StepIdentity("train", "1", new JsonObject { ["epochs"] = 5, ["rate"] = 1e-5 }, [new StepKey("generate-1")]);
        Assert.Equal(step.Key, new StepIdentity("train", "1", new JsonObject { ["rate"] = 0.00001, ["epochs"] = 5 }, [new StepKey("generate-1")]).Key);
        Assert.NotEqual(step.Key, new StepIdentity("train", "2", step.Parameters, step.Inputs).Key);
        Assert.NotEqual(step.Key, new StepIdentity("train", "1", new JsonObject { ["epochs"] = 6, ["rate"] = 1e-5 }, step.Inputs).Key);
        Assert.NotEqual(step.Key, new StepIdentity("train", "1", step.Parameters, []).Key);
        Assert.True(StepKey.IsKey(step.Key.Value));
    }

    [Fact]
    public async Task A_step_is_made_once_and_found_afterwards()
    {
        var made = await Store().GetOrMakeAsync(Step("a"), Make("text"), notices.Add, Stop);
        var found = await Store().GetOrMakeAsync(Step("a"), (_, _) => throw new InvalidOperationException("made twice"), notices.Add, Stop);
        Assert.Equal("text\n", File.ReadAllText(found.PathOf("out.txt")));
        Assert.Equal(made.Manifest.Files, found.Manifest.Files);
        Assert.Equal([new StepNotice.Reused()], notices);
    }

    [Fact]
    public async Task Callers_at_the_same_time_make_it_once()
    {
        var times = 0;
        var store = Store();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => store.GetOrMakeAsync(Step("a"), (workspace, _) =>
        {
            Interlocked.Increment(ref times);
            workspace.Write("out.txt", ["text"]);
            return Task.CompletedTask;
        }, null, Stop))));
        Assert.Equal(1, times);
    }

    [Theory]
    [InlineData("out.txt", "has other contents")]
    [InlineData("manifest.json", "cannot be read")]
    public async Task A_damaged_result_is_noticed_said_and_made_anew(string file, string reason)
    {
        var made = await Store().GetOrMakeAsync(Step("a"), Make("text"), null, Stop);
        File.WriteAllText(made.PathOf(file), "tex!\n");
        var again = await Store().GetOrMakeAsync(Step("a"), Make("text"), notices.Add, Stop);
        Assert.Equal("text\n", File.ReadAllText(again.PathOf("out.txt")));
        Assert.Contains(reason, Assert.IsType<StepNotice.Damaged>(Assert.Single(notices)).Reason, StringComparison.Ordinal);
        Assert.IsType<StepFinding.Whole>(Store().Find(again.Key, thoroughly: true));
    }

    [Fact]
    public async Task A_missing_file_is_noticed_even_without_hashing()
    {
        var made = await Store().GetOrMakeAsync(Step("a"), Make("text"), null, Stop);
        File.Delete(made.PathOf("out.txt"));
        Assert.Equal(new StepFinding.Damaged("out.txt is missing"), Store().Find(made.Key, thoroughly: false));
    }

    [Fact]
    public async Task A_failed_step_leaves_its_journal_and_no_result()
    {
        await Assert.ThrowsAsync<IOException>(() => Store().GetOrMakeAsync(Step("a"), (workspace, _) =>
        {
            workspace.Write("half.txt", ["half"]);
            workspace.Journal.Append("item", "done");
            throw new IOException("the network went away");
        }, null, Stop));
        Assert.IsType<StepFinding.Absent>(Store().Find(Step("a").Key, thoroughly: true));
        Assert.True(Store().HasJournal(Step("a").Key));

        var result = await Store().GetOrMakeAsync(Step("a"), (workspace, _) =>
        {
            Assert.True(workspace.Journal.TryGet("item", out var record));
            workspace.Write("out.txt", [record]);
            return Task.CompletedTask;
        }, null, Stop);
        Assert.Equal(["out.txt"], result.Manifest.Files.Select(file => file.Path));
        Assert.False(Store().HasJournal(Step("a").Key));
    }

    [Fact]
    public async Task Stopped_before_any_change_of_the_disk_the_same_call_ends_with_the_same_bytes()
    {
        var reference = await Store("reference").GetOrMakeAsync(Step("a"), MakeWithJournal, null, Stop);
        var expected = Contents(reference.Folder);
        var operations = 0;
        for (var stopAt = 0; ; stopAt++)
        {
            var name = $"stopped {stopAt}";
            var files = new StoppingFiles(stopAt);
            try
            {
                // A damaged result stands there, so that taking it away is interrupted too.
                Directory.CreateDirectory(Path.Combine(folder[name], Step("a").Key.Value));
                await new StepStore(folder[name], files, TimeProvider.System).GetOrMakeAsync(Step("a"), MakeWithJournal, null, Stop);
                operations = stopAt;
            }
            catch (PowerCutException)
            {
            }
            var result = await Store(name).GetOrMakeAsync(Step("a"), MakeWithJournal, null, Stop);
            Assert.Equal(expected, Contents(result.Folder));
            Assert.IsType<StepFinding.Whole>(Store(name).Find(result.Key, thoroughly: true));
            Store(name).Collect(new HashSet<StepKey> { result.Key }, previews: false, pretend: false);
            Assert.Equal(["locks", result.Key.Value], Directory.GetDirectories(folder[name]).Select(Path.GetFileName).Order());
            if (operations > 0)
                break;
        }
        Assert.InRange(operations, 15, 60);
    }

    // Whoever pulls a later step's result never asks for this one again, so that only collecting can tidy up.
    [Fact]
    public async Task What_a_finished_step_left_when_its_process_died_is_collected_and_its_completions_are_kept()
    {
        var step = Step("a") with { Asked = "a model" };
        var (leftOver, whole) = (0, 0);
        for (var stopAt = 0; whole == 0; stopAt++)
        {
            var store = Store($"stopped {stopAt}");
            try
            {
                await new StepStore(store.Folder, new StoppingFiles(stopAt), TimeProvider.System).GetOrMakeAsync(step, MakeWithJournal, null, Stop);
                whole++;
            }
            catch (PowerCutException)
            {
                leftOver += store.Find(step.Key, thoroughly: true) is StepFinding.Whole ? 1 : 0;
            }
            if (store.Find(step.Key, thoroughly: true) is not StepFinding.Whole)
                continue;
            store.Collect(new HashSet<StepKey> { step.Key }, previews: false, pretend: false);
            Assert.Equal(["completions", "locks", step.Key.Value], Directory.GetDirectories(store.Folder).Select(Path.GetFileName).Order());
            Assert.Equal(step.Key.Value, Path.GetFileName(Assert.Single(Directory.GetFiles(Path.Combine(store.Folder, "completions"), "*", SearchOption.AllDirectories))));
        }
        Assert.True(leftOver > 0);
    }

    [Fact]
    public async Task What_a_preview_paid_for_stays_until_a_run_has_taken_it_up_or_somebody_says_that_it_may_go()
    {
        static Task Pay(StepWorkspace workspace)
        {
            workspace.Journal.Append("prompt", "paid");
            return Task.CompletedTask;
        }
        var nobody = new HashSet<StepKey>();
        Assert.True(await Store().BeginAsync(Step("previewed"), forNoRun: true, Pay));
        Assert.True(await Store().BeginAsync(Step("taken up"), forNoRun: true, Pay));
        Assert.True(await Store().BeginAsync(Step("piloted"), forNoRun: false, Pay));
        await Assert.ThrowsAsync<OperationCanceledException>(() => Store().GetOrMakeAsync(Step("taken up"), (workspace, _) => throw new OperationCanceledException(), null, Stop));
        // A preview of what a run has begun adds to the run's own.
        Assert.True(await Store().BeginAsync(Step("piloted"), forNoRun: true, Pay));

        var collected = Store().Collect(nobody, previews: false, pretend: false);
        Assert.Equal((2, true), (collected.Steps, collected.PreviewBytes > 0));
        Assert.True(Store().HasJournal(Step("previewed").Key));
        Assert.Equal(1, Store().Collect(nobody, previews: true, pretend: false).Steps);
        Assert.False(Store().HasJournal(Step("previewed").Key));
    }

    [Fact]
    public async Task Collecting_takes_what_nobody_needs_and_leaves_what_somebody_does()
    {
        var kept = await Store().GetOrMakeAsync(Step("kept"), Make("k"), null, Stop);
        var dropped = await Store().GetOrMakeAsync(Step("dropped"), Make("d"), null, Stop);
        Directory.CreateDirectory(folder["store/mine"]);
        var atWork = new TaskCompletionSource();
        var finish = new TaskCompletionSource();
        var working = Store().GetOrMakeAsync(Step("working"), async (workspace, _) =>
        {
            workspace.Write("out.txt", ["w"]);
            atWork.SetResult();
            await finish.Task;
        }, null, Stop);
        await atWork.Task;

        Assert.Equal(1, Store().Collect(new HashSet<StepKey> { kept.Key }, previews: false, pretend: true).Steps);
        Assert.True(Directory.Exists(dropped.Folder));
        Assert.Equal(1, Store().Collect(new HashSet<StepKey> { kept.Key }, previews: false, pretend: false).Steps);
        finish.SetResult();
        Assert.True(File.Exists((await working).PathOf("out.txt")));
        Assert.True(Directory.Exists(kept.Folder));
        Assert.False(Directory.Exists(dropped.Folder));
        Assert.True(Directory.Exists(folder["store/mine"]));
    }

    [Fact]
    public async Task Model_time_is_told_from_the_steps_own()
    {
        var time = new SteppingTime();
        var store = new StepStore(folder["store"], DurableFiles.Instance, time);
        var result = await store.GetOrMakeAsync(Step("a"), (workspace, _) =>
        {
            time.Advance(1);
            using (workspace.ModelTime.Measure())
            {
                time.Advance(2);
                using (workspace.ModelTime.Measure())
                    time.Advance(3);
            }
            time.Advance(4);
            return Task.CompletedTask;
        }, null, Stop);
        var timing = store.TimingOf(result.Key)!;
        Assert.Equal((10, 5, 5), (timing.Seconds, timing.ModelSeconds, timing.OwnSeconds));
    }

    private StepStore Store(string name = "store") => new(folder[name]);

    private static StepIdentity Step(string name) => new("test", "1", new JsonObject { ["name"] = name }, []);

    private static Func<StepWorkspace, CancellationToken, Task> Make(string text) => (workspace, _) =>
    {
        workspace.Write("out.txt", [text]);
        return Task.CompletedTask;
    };

    private static async Task MakeWithJournal(StepWorkspace workspace, CancellationToken cancellationToken)
    {
        for (var i = 0; i < 3; i++)
            workspace.Journal.Append($"{i}", $"item {i}");
        await workspace.Journal.FlushAsync(cancellationToken);
        Directory.CreateDirectory(Path.Combine(workspace.Folder, "inner"));
        workspace.Write("inner/out.txt", ["a", "b"]);
        workspace.Write("out.txt", ["c"]);
    }

    private static Dictionary<string, string> Contents(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Where(path => Path.GetFileName(path) != StepManifest.TimingFileName)
        .ToDictionary(path => Path.GetRelativePath(folder, path), File.ReadAllText);

    private sealed class PowerCutException : Exception;

    private sealed class StoppingFiles(int stopAt) : DurableFiles
    {
        private int done;

        protected override void Before(string operation, string path)
        {
            if (done++ == stopAt)
                throw new PowerCutException();
        }
    }

    private sealed class SteppingTime : TimeProvider
    {
        private long seconds;

        public override long TimestampFrequency => 1;

        public void Advance(int more) => seconds += more;

        public override long GetTimestamp() => seconds;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddSeconds(seconds);
    }
}
