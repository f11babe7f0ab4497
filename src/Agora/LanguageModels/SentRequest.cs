namespace Agora.LanguageModels;

/// <summary>Where it stands which requests are under way, so that a process that is killed leaves behind what it may be charged for.</summary>
public interface ISentRequests
{
    /// <summary>Notes how often the request was sent; not at all takes it off. It survives the end of this process at once.</summary>
    /// <exception cref="Experiments.AgoraException">It could not be written; then the request must not be sent.</exception>
    void Note(SentRequest request);
}

/// <summary>A request whose sendings may be charged, and whose answer is not on record yet. One caller at a time uses it.</summary>
/// <param name="key">Under which the answer will stand in the journal.</param>
public sealed class SentRequest(ISentRequests log, string key)
{
    private static readonly AsyncLocal<SentRequest?> Asked = new();

    /// <summary>What the caller keeps a record of; null where it keeps none. Set by who writes the journal, read by who sends: clients of all kinds lie between them.</summary>
    internal static SentRequest? Current
    {
        get => Asked.Value;
        set => Asked.Value = value;
    }

    public string Key { get; } = key;
    /// <summary>Sendings that may be charged.</summary>
    public int Times { get; private set; }
    public long MostInputTokens { get; private set; }
    public long MostOutputTokens { get; private set; }
    /// <summary>The log's own; -1 where it has noted nothing.</summary>
    internal int Place { get; set; } = -1;

    /// <summary>It goes out now.</summary>
    public void Sent(RequestSize size)
    {
        (MostInputTokens, MostOutputTokens) = (size.MostInputTokens, size.MaxOutputTokens);
        Times++;
        log.Note(this);
    }

    /// <summary>The last sending cost nothing.</summary>
    public void Uncharged()
    {
        Times--;
        log.Note(this);
    }

    /// <summary>What came of it is in the journal.</summary>
    public void Recorded()
    {
        if (Times == 0) return;
        Times = 0;
        log.Note(this);
    }
}
