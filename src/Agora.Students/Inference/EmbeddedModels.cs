using Agora.Experiments;
using Agora.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.Students.Inference;

/// <summary>Models that run in this process from a Hugging Face folder: provider <c>embedded</c>. Safe for concurrent use.</summary>
/// <param name="threads">Worker threads of each engine.</param>
/// <param name="device">Where they compute: auto, cpu or cuda:N.</param>
public sealed class EmbeddedModels(int threads, string device = DeviceChoice.Auto) : ILanguageModels, IDisposable
{
    public const string ProviderName = "embedded";

    private readonly ModelFingerprint fingerprint = new();
    private readonly SharedEngines engines = new(threads, device);
    private readonly Lock gate = new();
    private readonly Dictionary<ModelSpec, Task<EmbeddedChatClient>> chats = [];

    public Task<IChatClient> OpenChatAsync(ModelSpec model, CancellationToken cancellationToken)
    {
        var folder = FolderOf(model);
        lock (gate)
        {
            // A failure is not kept: the folder may be mended before somebody asks again.
            if (!chats.TryGetValue(model, out var opening) || opening.IsFaulted || opening.IsCanceled)
                chats[model] = opening = OpenAsync(folder, CancellationToken.None);
            return AsChat(opening, cancellationToken);
        }
    }

    public Task<string> IdentifyAsync(ModelSpec model, CancellationToken cancellationToken)
    {
        var folder = FolderOf(model);
        return Task.Run(() => $"{ProviderName}:{fingerprint.Of(folder)}{DeviceChoice.KeyOf(device)}", cancellationToken);
    }

    public async Task CloseAsync(ModelSpec model)
    {
        Task<EmbeddedChatClient>? opened;
        lock (gate)
        {
            if (!chats.Remove(model, out opened))
                return;
        }
        await ((Task)opened).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (opened.IsCompletedSuccessfully)
            opened.Result.Dispose();
    }

    /// <summary>The engine itself, for losses, embeddings and scores; shared with whoever has the same folder open.</summary>
    /// <exception cref="AgoraException">As <see cref="InferenceEngine.Load"/>.</exception>
    public Task<EngineLease> RentAsync(string modelFolder, CancellationToken cancellationToken) => engines.RentAsync(modelFolder, cancellationToken);

    /// <summary>Requests that are not finished fail.</summary>
    public void Dispose() => engines.Dispose();

    private async Task<EmbeddedChatClient> OpenAsync(string folder, CancellationToken cancellationToken)
    {
        var lease = await engines.RentAsync(folder, cancellationToken);
        try
        {
            return new EmbeddedChatClient(lease.Engine, lease);
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    private static async Task<IChatClient> AsChat(Task<EmbeddedChatClient> opening, CancellationToken cancellationToken) => await opening.WaitAsync(cancellationToken);

    private static string FolderOf(ModelSpec model) => model.Path is { Length: > 0 } path
        ? path
        : throw new AgoraException("an embedded model needs the path of its folder", $"model {model.Model}", "add path: FOLDER") { ExitCode = 2 };
}
