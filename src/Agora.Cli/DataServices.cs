using Agora.Cli.Progress;
using Agora.Experiments;
using Agora.SeedData;
using Agora.SeedData.Hub;

namespace Agora.Cli;

/// <summary>Data from the hub and from files, as the environment's variables say.</summary>
internal sealed class DataServices : IDisposable
{
    private readonly HttpClient transport = HubClient.CreateTransport();

    /// <param name="mayFetch">False: no server is asked, whatever the variables say.</param>
    public DataServices(bool mayFetch = true)
    {
        var settings = HubSettings.FromEnvironment(Environment.GetEnvironmentVariable);
        var client = new HubClient(transport, settings with { Offline = settings.Offline || !mayFetch }, TimeProvider.System);
        Hub = new DatasetHub(client, new DownloadLines());
        Upload = new HubUpload(client);
        Files = new DataFiles(Hub, DataFiles.DefaultFolder(Environment.GetEnvironmentVariable));
    }

    public DatasetHub Hub { get; }
    public DataFiles Files { get; }
    public HubUpload Upload { get; }

    /// <summary>The experiment with its data on this machine; the variables of the hub are only looked at where it names any.</summary>
    public static async Task<Experiment> LocateAsync(Experiment experiment, bool mayFetch, CancellationToken cancellationToken)
    {
        if (!DataFiles.Names(experiment))
            return experiment;
        using var services = new DataServices(mayFetch);
        return await services.Files.LocateAsync(experiment, cancellationToken);
    }

    /// <summary>Files by name, those that are named by more than a path on this machine.</summary>
    /// <inheritdoc cref="LocateAsync(Experiment, bool, CancellationToken)"/>
    public static async Task<Dictionary<string, string>> LocateAsync(Dictionary<string, string> files, bool mayFetch, CancellationToken cancellationToken)
    {
        if (!files.Values.Any(DataName.IsNamed))
            return files;
        using var services = new DataServices(mayFetch);
        var located = new Dictionary<string, string>(files.Comparer);
        foreach (var (name, file) in files)
            located[name] = await services.Files.LocateAsync(file, cancellationToken);
        return located;
    }

    public void Dispose() => transport.Dispose();
}
