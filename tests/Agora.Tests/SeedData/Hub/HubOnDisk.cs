using Agora.SeedData;
using Agora.SeedData.Hub;
using Agora.Tests.Hub;
using Agora.Tests.LanguageModels;
using Agora.Tests.Runs;

namespace Agora.Tests.SeedData.Hub;

/// <summary>A hub on loopback and a cache of its own; waits are over at once.</summary>
internal sealed class HubOnDisk : IAsyncDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly HttpClient transport = HubClient.CreateTransport();

    private HubOnDisk(HubServer server) => Server = server;

    public HubServer Server { get; }
    public ImpatientTime Time { get; } = new();
    public string Cache => folder["cache"];
    public string Data => folder["data"];
    public string this[string name] => folder[name];

    public static async Task<HubOnDisk> StartAsync(params IEnumerable<HubDataset> datasets) => new(await HubServer.StartAsync(datasets));

    /// <summary>Above it, one connection brings the file in order; below, several bring it side by side. Loopback's speed would leave it to chance.</summary>
    public double FastBytesPerSecond { get; set; } = double.PositiveInfinity;

    public DatasetHub Hub(string? token = null, bool offline = false, IProgress<HubProgress>? progress = null) => new(new HubClient(transport, new HubSettings
    {
        Endpoint = new Uri(Server.Address.ToString().TrimEnd('/')),
        Token = HubToken.Of(token, "test"),
        CacheFolder = Cache,
        Offline = offline,
        FastBytesPerSecond = FastBytesPerSecond,
        Silence = TimeSpan.FromSeconds(2),
    }, Time), progress);

    public DataFiles Files(bool offline = false) => new(Hub(offline: offline), Data);

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        transport.Dispose();
        folder.Dispose();
    }
}
