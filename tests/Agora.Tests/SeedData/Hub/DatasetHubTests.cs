using Agora.Experiments;
using Agora.SeedData.Hub;
using Agora.Tests.Hub;

namespace Agora.Tests.SeedData.Hub;

/// <summary>Real HTTP on loopback: a hub, and another host for the contents of large files.</summary>
public sealed class DatasetHubTests
{
    // More than one range of 64 MiB after the first 8, more than two that grow, and not a whole number of chunks.
    private static readonly HubContent Large = HubContent.Large((78L << 20) + 12_345);
    // One connection in order, or several side by side.
    private const double Alone = 0, SideBySide = double.PositiveInfinity;
    private static readonly HubContent Small = new("{\"a\": 1}\n");
    private static readonly HubAddress LargeFile = HubAddress.Parse("hf://datasets/o/n/data/large.bin");
    private static readonly HubAddress SmallFile = HubAddress.Parse("hf://datasets/o/n/small.jsonl");

    public static MatrixTheoryData<HubFault, double> PassingFaults =>
        new([HubFault.TooManyRequests, HubFault.Unavailable, HubFault.Expired, HubFault.CutInBody, HubFault.SilentInBody, HubFault.NoRanges], [Alone, SideBySide]);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static HubDataset Dataset => new() { Repository = "o/n", Files = { ["data/large.bin"] = Large, ["small.jsonl"] = Small } };

    [Theory]
    [InlineData(Alone)]
    [InlineData(SideBySide)]
    public async Task A_file_is_fetched_once_into_the_hubs_own_layout(double fast)
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        disk.FastBytesPerSecond = fast;
        var file = await disk.Hub().PullAsync(LargeFile, Stop);
        Assert.Equal((Large.Sha256, Large.Length), (file.Sha256, file.Size));
        var home = Path.Combine(disk.Cache, "datasets--o--n");
        Assert.Equal(Path.Combine(home, "snapshots", HubDataset.FirstCommit, "data", "large.bin"), file.Path);
        Assert.Equal(Path.Combine("..", "..", "..", "blobs", Large.Sha256), new FileInfo(file.Path).LinkTarget);
        Assert.Equal(HubDataset.FirstCommit, await File.ReadAllTextAsync(Path.Combine(home, "refs", "main"), Stop));
        Assert.Equal([Large.Sha256], Directory.GetFiles(Path.Combine(home, "blobs")).Select(Path.GetFileName));
        Assert.Equal(Large.Length, disk.Server.BytesSent);

        await disk.Hub().PullAsync(LargeFile, Stop);
        Assert.Equal(Large.Length, disk.Server.BytesSent);
    }

    [Fact]
    public async Task A_small_file_is_held_against_gits_name_for_it()
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        var file = await disk.Hub().PullAsync(SmallFile, Stop);
        Assert.Equal((Small.ETag, Small.Sha256), (file.ETag, file.Sha256));
        disk.Server.Fault = _ => HubFault.WrongByte;
        Directory.Delete(disk.Cache, recursive: true);
        Assert.Contains("wrong checksum", (await Assert.ThrowsAsync<AgoraException>(() => disk.Hub().PullAsync(SmallFile, Stop))).What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_another_tool_put_into_the_cache_is_found()
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        var home = Path.Combine(disk.Cache, "datasets--o--n");
        foreach (var folder in (string[])["blobs", "refs", $"snapshots/{HubDataset.FirstCommit}"])
            Directory.CreateDirectory(Path.Combine(home, folder));
        await File.WriteAllTextAsync(Path.Combine(home, "blobs", Small.ETag), "{\"a\": 1}\n", Stop);
        await File.WriteAllTextAsync(Path.Combine(home, "refs", "main"), HubDataset.FirstCommit, Stop);
        File.CreateSymbolicLink(Path.Combine(home, "snapshots", HubDataset.FirstCommit, "small.jsonl"), Path.Combine("..", "..", "blobs", Small.ETag));
        Assert.Equal(Small.Sha256, (await disk.Hub(offline: true).PullAsync(SmallFile, Stop)).Sha256);
        Assert.Empty(disk.Server.Requests);
        Assert.Equal(Small.Sha256, (await disk.Hub().PullAsync(SmallFile, Stop)).Sha256);
        Assert.Equal(0, disk.Server.BytesSent);
    }

    [Fact]
    public async Task The_token_goes_to_the_hub_and_to_no_other_host()
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        await disk.Hub("hf_secret").PullAsync(LargeFile, Stop);
        Assert.All(disk.Server.Requests, request => Assert.Equal(request.Host == "hub" ? "Bearer hf_secret" : null, request.Authorization));
        Assert.Contains(disk.Server.Requests, request => request.Host == "contents");
        Assert.DoesNotContain(Directory.EnumerateFiles(disk.Cache, "*", SearchOption.AllDirectories).Where(file => new FileInfo(file).Length < 1 << 20),
            file => File.ReadAllText(file).Contains("hf_secret", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(null, "accept them at")]
    [InlineData("hf_stranger", "account that the token belongs to")]
    public async Task A_gated_dataset_says_how_to_get_in_and_never_repeats_the_token(string? token, string fix)
    {
        await using var disk = await HubOnDisk.StartAsync(new HubDataset { Repository = "o/n", Gated = true, LetIn = { "hf_friend" }, Files = { ["small.jsonl"] = Small } });
        foreach (var attempt in (Func<Task>[])[() => disk.Hub(token).PullAsync(SmallFile, Stop), () => disk.Hub(token).ListAsync(SmallFile, Stop)])
        {
            var fault = await Assert.ThrowsAsync<AgoraException>(attempt);
            Assert.Contains("gated", fault.What, StringComparison.Ordinal);
            Assert.Contains(fix, fault.Fix, StringComparison.Ordinal);
            Assert.DoesNotContain("hf_stranger", fault.ToString(), StringComparison.Ordinal);
        }
        Assert.Equal(Small.Sha256, (await disk.Hub("hf_friend").PullAsync(SmallFile, Stop)).Sha256);
    }

    [Theory]
    [InlineData("hf://datasets/nobody/nothing/a.json", "no such dataset")]
    [InlineData("hf://datasets/o/n@v9/small.jsonl", "no revision \"v9\"")]
    [InlineData("hf://datasets/o/n/absent.json", "no such file")]
    public async Task What_is_not_there_is_named(string address, string what)
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        Assert.Contains(what, (await Assert.ThrowsAsync<AgoraException>(() => disk.Hub().PullAsync(HubAddress.Parse(address), Stop))).What, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(PassingFaults))]
    public async Task What_passes_is_tried_again_and_the_file_is_whole(HubFault fault, double fast)
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        disk.FastBytesPerSecond = fast;
        disk.Server.Fault = request => fault == HubFault.NoRanges || request is 0 or 2 ? fault : null;
        Assert.Equal(Large.Sha256, (await disk.Hub().PullAsync(LargeFile, Stop)).Sha256);
        if (fault == HubFault.TooManyRequests)
            Assert.Contains(TimeSpan.FromSeconds(1), disk.Time.Waits);
    }

    // What has come is not asked for again, down to a part of a chunk.
    [Fact]
    public async Task One_connection_goes_on_at_the_byte_where_it_broke()
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        disk.FastBytesPerSecond = Alone;
        disk.Server.Fault = request => request == 2 ? HubFault.SilentInBody : null;
        Assert.Equal(Large.Sha256, (await disk.Hub().PullAsync(LargeFile, Stop)).Sha256);
        Assert.InRange(disk.Server.BytesSent, Large.Length, Large.Length + OrderedSum.PieceLength);
    }

    // More often than there are pieces of memory between the connection and the checksum.
    [Fact]
    public async Task A_connection_that_breaks_again_and_again_but_brings_something_is_enough()
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        disk.FastBytesPerSecond = Alone;
        disk.Server.Fault = _ => HubFault.CutEarly;
        Assert.Equal(Large.Sha256, (await disk.Hub().PullAsync(LargeFile, Stop).WaitAsync(TimeSpan.FromMinutes(1), Stop)).Sha256);
        Assert.InRange(disk.Server.Requests.Count(request => request is { Host: "contents", Method: "GET" }), 35, 60);
    }

    [Fact]
    public async Task A_server_that_is_fast_is_asked_over_one_connection_and_a_slow_one_over_several()
    {
        await using var disk = await HubOnDisk.StartAsync(new HubDataset { Repository = "o/n", Files = { ["data/large.bin"] = HubContent.Large(200L << 20) } });
        disk.FastBytesPerSecond = Alone;
        await disk.Hub().PullAsync(LargeFile, Stop);
        Assert.Equal(["bytes=0-8388607", "bytes=8388608-41943039", "bytes=41943040-176160767", "bytes=176160768-209715199"], Ranges(disk));
        disk.Server.Requests.Clear();
        Directory.Delete(disk.Cache, recursive: true);
        disk.FastBytesPerSecond = SideBySide;
        await disk.Hub().PullAsync(LargeFile, Stop);
        Assert.Equal(["bytes=0-8388607", "bytes=142606336-209715199", "bytes=75497472-142606335", "bytes=8388608-75497471"], Ranges(disk).Order(StringComparer.Ordinal));

        static IEnumerable<string?> Ranges(HubOnDisk disk) => disk.Server.Requests.Where(request => request is { Host: "contents", Method: "GET" }).Select(request => request.Range);
    }

    [Theory]
    [InlineData(HubFault.TooManyRequestsForADay, "asks to wait 1440 minutes")]
    [InlineData(HubFault.OtherRange, "another part of the file")]
    [InlineData(HubFault.OtherLength, "after describing one of")]
    [InlineData(HubFault.RedirectsForEver, "redirects more than")]
    [InlineData(HubFault.RedirectsToFile, "no web address")]
    [InlineData(HubFault.Unavailable, "cannot be reached or fails")]
    public async Task What_does_not_pass_is_one_clear_error(HubFault fault, string what)
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        disk.Server.Fault = _ => fault;
        Assert.Contains(what, (await Assert.ThrowsAsync<AgoraException>(() => disk.Hub().PullAsync(LargeFile, Stop))).What, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(disk.Cache, "datasets--o--n", "blobs", Large.Sha256)));
    }

    [Theory]
    [InlineData(Alone)]
    [InlineData(SideBySide)]
    public async Task A_wrong_byte_is_a_wrong_checksum_and_the_next_try_begins_anew(double fast)
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        disk.FastBytesPerSecond = fast;
        disk.Server.Fault = request => request == 1 ? HubFault.WrongByte : null;
        var fault = await Assert.ThrowsAsync<AgoraException>(() => disk.Hub().PullAsync(LargeFile, Stop));
        Assert.Contains("wrong checksum", fault.What, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.Combine(disk.Cache, "datasets--o--n", "blobs")));
        Assert.Equal(Large.Sha256, (await disk.Hub().PullAsync(LargeFile, Stop)).Sha256);
    }

    [Theory]
    [InlineData(Alone)]
    [InlineData(SideBySide)]
    public async Task A_file_that_changes_while_it_is_fetched_is_one_clear_error(double fast)
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        disk.FastBytesPerSecond = fast;
        disk.Server.Fault = request => request >= 1 ? HubFault.OtherTag : null;
        Assert.Contains("changes on the server", (await Assert.ThrowsAsync<AgoraException>(() => disk.Hub().PullAsync(LargeFile, Stop))).What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Alone)]
    [InlineData(SideBySide)]
    public async Task A_stopped_download_goes_on_where_it_stopped(double fast)
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        disk.FastBytesPerSecond = fast;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var half = new Report(progress =>
        {
            if (progress.Fetched > Large.Length / 2) stop.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => disk.Hub(progress: half).PullAsync(LargeFile, stop.Token));
        var seen = new List<long>();
        var file = await disk.Hub(progress: new Report(progress => { lock (seen) seen.Add(progress.Fetched); })).PullAsync(LargeFile, Stop);
        Assert.Equal(Large.Sha256, file.Sha256);
        Assert.True(seen[1] > Large.Length / 2, $"the second try began with {seen[1]} bytes");
    }

    [Fact]
    public async Task A_commit_that_moved_between_two_pulls_gives_the_new_file_and_keeps_the_old()
    {
        var dataset = new HubDataset { Repository = "o/n", Files = { ["small.jsonl"] = Small } };
        await using var disk = await HubOnDisk.StartAsync(dataset);
        var before = await disk.Hub().PullAsync(SmallFile, Stop);
        dataset.Commit = new string('a', 40);
        dataset.Files["small.jsonl"] = new HubContent("{\"a\": 2}\n");
        var after = await disk.Hub().PullAsync(SmallFile, Stop);
        Assert.Equal(("{\"a\": 1}\n", "{\"a\": 2}\n"), (await File.ReadAllTextAsync(before.Path, Stop), await File.ReadAllTextAsync(after.Path, Stop)));
    }

    [Fact]
    public async Task Two_at_once_fetch_the_file_once()
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        var files = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => disk.Hub().PullAsync(LargeFile, Stop)));
        Assert.All(files, file => Assert.Equal(Large.Sha256, file.Sha256));
        Assert.Equal(Large.Length, disk.Server.BytesSent);
    }

    [Theory]
    [InlineData("X-Linked-Etag", "\"../../../../escaped\"")]
    [InlineData("X-Linked-Etag", "\"..\"")]
    [InlineData("X-Repo-Commit", "../../../../../escaped")]
    [InlineData("X-Repo-Commit", "main")]
    public async Task A_header_that_would_lead_out_of_the_cache_writes_nothing(string header, string value)
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        disk.Server.Overrides[header] = value;
        await Assert.ThrowsAsync<AgoraException>(() => disk.Hub().PullAsync(LargeFile, Stop));
        Assert.False(Directory.Exists(disk.Cache));
    }

    [Theory]
    [InlineData("../../evil.json")]
    [InlineData("/etc/cron.d/evil")]
    [InlineData("a/../../evil")]
    [InlineData("..\\evil")]
    [InlineData("C:evil")]
    [InlineData("a\u0000b")]
    public async Task A_listed_name_that_would_lead_out_of_the_dataset_is_refused(string name)
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        disk.Server.ListsAlso = name;
        Assert.Contains("lead out of", (await Assert.ThrowsAsync<AgoraException>(() => disk.Hub().ListAsync(SmallFile, Stop))).What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Offline_what_is_here_is_used_and_nobody_is_asked()
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        var pulled = await disk.Hub().PullAsync(SmallFile, Stop);
        var asked = disk.Server.Requests.Count;
        Assert.Equal(pulled, await disk.Hub(offline: true).PullAsync(SmallFile, Stop));
        Assert.Equal(["small.jsonl"], (await disk.Hub(offline: true).ListAsync(SmallFile, Stop)).Files.Select(file => file.Path));
        Assert.Contains("no server may be asked", (await Assert.ThrowsAsync<AgoraException>(() => disk.Hub(offline: true).PullAsync(LargeFile, Stop))).What, StringComparison.Ordinal);
        Assert.Equal(asked, disk.Server.Requests.Count);
    }

    [Fact]
    public async Task A_file_damaged_on_this_machine_is_one_clear_error_and_half_a_file_is_fetched_again()
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        var file = await disk.Hub().PullAsync(SmallFile, Stop);
        await File.WriteAllTextAsync(file.Path, "{\"a\": 7}\n", Stop);
        Assert.Contains("damaged", (await Assert.ThrowsAsync<AgoraException>(() => disk.Hub().PullAsync(SmallFile, Stop))).What, StringComparison.Ordinal);
        await File.WriteAllTextAsync(file.Path, "{\"a\"", Stop);
        Assert.Equal(Small.Sha256, (await disk.Hub().PullAsync(SmallFile, Stop)).Sha256);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_one_clear_error()
    {
        await using var disk = await HubOnDisk.StartAsync(Dataset);
        await disk.Server.DisposeAsync();
        var fault = await Assert.ThrowsAsync<AgoraException>(() => disk.Hub("hf_secret").PullAsync(SmallFile, Stop));
        Assert.Contains("cannot be reached", fault.What, StringComparison.Ordinal);
        Assert.DoesNotContain("hf_secret", fault.ToString(), StringComparison.Ordinal);
    }

    private sealed class Report(Action<HubProgress> seen) : IProgress<HubProgress>
    {
        void IProgress<HubProgress>.Report(HubProgress value) => seen(value);
    }
}
