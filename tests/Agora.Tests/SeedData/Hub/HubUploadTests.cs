using Agora.Experiments;
using Agora.SeedData.Hub;
using Agora.Tests.Hub;
using Agora.Tests.LanguageModels;
using Agora.Tests.Runs;

namespace Agora.Tests.SeedData.Hub;

/// <summary>Real HTTP on loopback: a hub that takes files, and another host for large ones.</summary>
public sealed class HubUploadTests : IAsyncDisposable
{
    private const string Token = "hf_secret";
    private static readonly HubAddress Target = HubAddress.Parse("hf://datasets/me/mine");

    private readonly TemporaryFolder folder = new();
    private readonly HttpClient transport = HubClient.CreateTransport();
    private readonly ImpatientTime time = new();
    private HubServer server = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        transport.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1L << 20)]
    public async Task What_is_pushed_is_what_the_hub_gives_back(long? partLength)
    {
        await StartAsync(partLength);
        var files = Files();
        var commit = await PushAsync(files);
        Assert.Equal(["Add data"], server.Commits);
        Assert.False(server.Made["me/mine"]);
        // Through the client that pulls: names, lengths and checksums are held against the contents there.
        var hub = new DatasetHub(Client(), null);
        var (listed, there) = await hub.ListAsync(Target, Stop);
        Assert.Equal((commit, 3), (listed, there.Count));
        foreach (var (path, file) in files)
            Assert.Equal(await File.ReadAllBytesAsync(file, Stop), await File.ReadAllBytesAsync((await hub.PullAsync(Target with { Path = path }, Stop)).Path, Stop));
        // Text of usual length stands in the commit; the large file and the binary one do not.
        Assert.Equal(2_500_000 + 4, server.BytesStored);
    }

    [Fact]
    public async Task The_token_goes_to_the_hub_and_to_no_other_host()
    {
        await StartAsync(partLength: null);
        await PushAsync(Files());
        Assert.All(server.Requests, request => Assert.Equal(request.Host == "hub" ? $"Bearer {Token}" : null, request.Authorization));
        Assert.Contains(server.Requests, request => request.Host == "contents");
    }

    [Theory]
    [InlineData(429, 1 << 20)]
    [InlineData(500, null)]
    [InlineData(503, 1 << 20)]
    [InlineData(HubServer.CutInAnswer, null)]
    [InlineData(HubServer.CutInAnswer, 1 << 20)]
    public async Task Faults_that_pass_are_tried_again(int status, int? partLength)
    {
        await StartAsync(partLength);
        server.UploadFault = number => number % 2 == 0 ? status : null;
        await PushAsync(Files());
        Assert.Equal(3, (await Client().ListAsync(Target, Stop)).Files.Count);
    }

    // Each request of a push in turn is the one that meets it.
    [Theory]
    [InlineData(401, "the token may not write to me/mine")]
    [InlineData(HubServer.EndlessAnswer, "the server's answer is not what the hub sends")]
    public async Task What_does_not_pass_is_one_clear_error_wherever_it_happens(int fault, string what)
    {
        await StartAsync(partLength: null);
        for (var request = 0; request < 7; request++)
        {
            var asked = 0;
            server.UploadFault = _ => asked++ == request ? fault : null;
            if (await Record.ExceptionAsync(() => PushAsync(Files())) is not { } thrown) continue;
            var error = Assert.IsType<AgoraException>(thrown);
            Assert.True(error.What == what || error.What.StartsWith("the store of large files answers with status 401", StringComparison.Ordinal), error.ToString());
            Assert.DoesNotContain(Token, error.ToString(), StringComparison.Ordinal);
        }
        server.UploadFault = _ => null;
        await PushAsync(Files());
        Assert.Equal(3, (await Client().ListAsync(Target, Stop)).Files.Count);
    }

    [Fact]
    public async Task A_push_that_broke_off_shows_nobody_anything_and_goes_on_where_it_stopped()
    {
        await StartAsync(partLength: null);
        var stored = 0;
        server.UploadFault = _ => server.BytesStored > 2_000_000 ? 400 : null;     // once the large file is there
        await Assert.ThrowsAsync<AgoraException>(() => PushAsync(Files()));
        Assert.Empty(server.Commits);
        stored = (int)server.BytesStored;
        server.UploadFault = _ => null;
        await PushAsync(Files());
        Assert.Equal(2_500_004, server.BytesStored);
        Assert.True(stored > 2_000_000);
    }

    [Fact]
    public async Task A_second_push_of_the_same_files_sends_no_large_file_again()
    {
        await StartAsync(partLength: null);
        await PushAsync(Files());
        await PushAsync(Files());
        Assert.Equal((2_500_004, 2), (server.BytesStored, server.Commits.Count));
    }

    [Fact]
    public async Task A_repository_that_is_made_can_be_private()
    {
        await StartAsync(partLength: null);
        await PushAsync(Files(), isPrivate: true);
        Assert.True(server.Made["me/mine"]);
    }

    [Theory]
    [InlineData(null, "writing to the hub needs a token")]
    [InlineData("another", "the token may not write to me/mine")]
    public async Task Without_the_right_token_nothing_is_sent_and_the_token_is_not_repeated(string? token, string what)
    {
        await StartAsync(partLength: null);
        var fault = await Assert.ThrowsAsync<AgoraException>(() => new HubUpload(Client(token)).PushAsync(Target, Files(), "Add data", false, Stop));
        Assert.Equal(what, fault.What);
        Assert.DoesNotContain(token ?? Token, fault.ToString(), StringComparison.Ordinal);
        Assert.Empty(server.Commits);
    }

    private async Task StartAsync(long? partLength)
    {
        server = await HubServer.StartAsync();
        server.Writers.Add(Token);
        server.LargeFrom = 1_000_000;
        server.PartLength = partLength;
    }

    private Task<string> PushAsync((string Path, string File)[] files, bool isPrivate = false) => new HubUpload(Client()).PushAsync(Target, files, "Add data", isPrivate, Stop);

    private HubClient Client(string? token = Token) =>
        new(transport, new HubSettings { Endpoint = new Uri(server.Address.ToString().TrimEnd('/')), Token = HubToken.Of(token, "test"), CacheFolder = folder["cache"] }, time);

    private (string Path, string File)[] Files()
    {
        var large = new byte[2_500_000];
        new Random(1).NextBytes(large);
        Array.Fill(large, (byte)'a', 0, 600);      // begins like a text, and is large
        File.WriteAllBytes(folder["large.jsonl"], large);
        File.WriteAllBytes(folder["tiny.bin"], [1, 0, 2, 3]);
        File.WriteAllText(folder["README.md"], "# ümlaut \"quotes\" <tags>\n");
        return [("README.md", folder["README.md"]), ("data/large.jsonl", folder["large.jsonl"]), ("data/tiny.bin", folder["tiny.bin"])];
    }
}
