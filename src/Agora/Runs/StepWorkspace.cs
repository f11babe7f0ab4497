using System.Collections.Immutable;
using System.Text;
using Agora.Experiments;
using Agora.LanguageModels;
using Microsoft.Extensions.AI;

namespace Agora.Runs;

/// <summary>Where a step works: a folder for its result and a journal that outlives interruptions.</summary>
public sealed class StepWorkspace
{
    internal const string JournalFileName = "journal";
    internal const string ResultFolderName = "result";
    private const string FillsFileName = "fills";
    private const string StateFolderName = "state";

    private readonly Lock gate = new();
    private readonly string partial;
    private readonly DurableFiles files;
    private readonly Lazy<ImmutableArray<Journal>> earlier;
    private readonly List<SentRequestFile> underWay = [];
    private Journal? journal;
    private FillJournal? fills;

    /// <param name="earlier">Finds journals of other steps that asked the same models.</param>
    internal StepWorkspace(string partial, DurableFiles files, ModelClock modelTime, Func<IEnumerable<string>> earlier)
    {
        this.partial = partial;
        this.earlier = new Lazy<ImmutableArray<Journal>>(() => [.. earlier().Select(Journal.OpenToRead).OfType<Journal>()]);
        this.files = files;
        ModelTime = modelTime;
    }

    /// <summary>Everything written below it becomes the result; empty at the start.</summary>
    public string Folder => Path.Combine(partial, ResultFolderName);

    /// <summary>For work in progress other than a journal; outlives interruptions and goes when the step is done. May not exist yet.</summary>
    public string StateFolder => Path.Combine(partial, StateFolderName);

    /// <summary>What this step finished before it was interrupted, and where it notes what it finishes.</summary>
    /// <exception cref="AgoraException">It cannot be opened.</exception>
    public Journal Journal
    {
        get
        {
            lock (gate)
            {
                if (journal is null)
                {
                    journal = Journal.Open(Path.Combine(partial, JournalFileName));
                    // Before anything is added: they are held against what the journal has kept.
                    if (File.Exists(FillsFile))
                        fills = FillJournal.Open(FillsFile, journal);
                    SentRequestFile.TakeUp(partial, journal);
                    files.SyncFolder(partial);
                }
                return journal;
            }
        }
    }

    /// <summary>What this step's places were filled with before it was interrupted, and where what they are filled with goes. It may be lost: the journal holds all that is paid for.</summary>
    /// <exception cref="AgoraException">It cannot be opened.</exception>
    internal FillJournal OpenFills()
    {
        lock (gate)
        {
            var open = Journal;
            return fills ??= FillJournal.Open(FillsFile, open);
        }
    }

    private string FillsFile => Path.Combine(partial, FillsFileName);

    /// <summary>What other steps were answered by the same models: a step whose parser or checks changed asks the same requests as the one before.</summary>
    public IReadOnlyList<IJournal> Earlier => earlier.Value;

    /// <summary>The model as the step asks it: each completion is in the journal before it is used, and read from there where it is there.</summary>
    /// <param name="identity">What <see cref="ILanguageModels.IdentifyAsync"/> says of the model.</param>
    /// <returns>The caller disposes it.</returns>
    public async Task<IChatClient> OpenChatAsync(ModelSpec model, string identity, StepContext context, CancellationToken cancellationToken) =>
        new JournaledChatClient(new TimedChatClient(await context.Models.OpenForStepAsync(model, Journal, context.Notice, cancellationToken), ModelTime), Journal, identity, Earlier, UnderWay(identity));

    /// <summary>The same without the provider's batch API, for what somebody waits for.</summary>
    internal async Task<IChatClient> OpenOnlineAsync(ModelSpec model, string identity, ILanguageModels models, CancellationToken cancellationToken) =>
        new JournaledChatClient(new LentChatClient(await models.OpenChatAsync(model, cancellationToken)), Journal, identity, Earlier, UnderWay(identity));

    /// <summary>A model that makes embeddings, as the step asks it: each vector is in the journal before it is used, and what it cost is on the step's bill.</summary>
    internal async Task<JournaledEmbeddings> OpenEmbeddingsAsync(OpenEmbeddings open, IdentifiedModel model, CancellationToken cancellationToken) =>
        new(await open(model.Spec, cancellationToken), Journal, model.Identity, UnderWay(model.Identity), model.Spec.MaxParallel);

    /// <summary>Where it stands what is under way to the model.</summary>
    internal ISentRequests UnderWay(string identity)
    {
        lock (gate)
        {
            underWay.Add(new SentRequestFile(partial, identity));
            return underWay[^1];
        }
    }

    /// <summary>Where the step says when a model is at work.</summary>
    public ModelClock ModelTime { get; }

    /// <summary>Tokens that were trained on in that time.</summary>
    public long TrainedTokens { get; set; }

    /// <summary>Writes one of the result's files.</summary>
    /// <param name="name">Relative to <see cref="Folder"/>.</param>
    /// <exception cref="AgoraException">The disk is full or cannot be written.</exception>
    public void Write(string name, IEnumerable<string> lines)
    {
        var path = Path.Combine(Folder, name);
        try
        {
            using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1 << 16);
            using var writer = new StreamWriter(file, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { NewLine = "\n" };
            foreach (var line in lines)
                writer.WriteLine(line);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DurableFiles.Failure(path, error);
        }
    }

    internal void CloseJournals()
    {
        lock (gate)
        {
            foreach (var file in underWay)
                file.Dispose();
            fills?.Dispose();
            journal?.Dispose();
        }
        if (earlier.IsValueCreated)
            foreach (var other in earlier.Value)
                other.Dispose();
    }
}
