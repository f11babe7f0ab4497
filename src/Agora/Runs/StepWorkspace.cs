using System.Text;
using Agora.Experiments;

namespace Agora.Runs;

/// <summary>Where a step works: a folder for its result and a journal that outlives interruptions.</summary>
public sealed class StepWorkspace
{
    internal const string JournalFileName = "journal";
    internal const string ResultFolderName = "result";

    private readonly Lock gate = new();
    private readonly string partial;
    private readonly DurableFiles files;
    private Journal? journal;

    internal StepWorkspace(string partial, DurableFiles files, ModelClock modelTime)
    {
        this.partial = partial;
        this.files = files;
        ModelTime = modelTime;
    }

    /// <summary>Everything written below it becomes the result; empty at the start.</summary>
    public string Folder => Path.Combine(partial, ResultFolderName);

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
                    files.SyncFolder(partial);
                }
                return journal;
            }
        }
    }

    /// <summary>Where the step says when a model is at work.</summary>
    public ModelClock ModelTime { get; }

    /// <summary>Writes one of the result's files.</summary>
    /// <param name="name">Relative to <see cref="Folder"/>.</param>
    /// <exception cref="AgoraException">The disk is full or cannot be written.</exception>
    public void Write(string name, IEnumerable<string> lines)
    {
        var path = Path.Combine(Folder, name);
        try
        {
            using var writer = new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { NewLine = "\n" };
            foreach (var line in lines)
                writer.WriteLine(line);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw DurableFiles.Failure(path, error);
        }
    }

    internal void CloseJournal()
    {
        lock (gate)
            journal?.Dispose();
    }
}
