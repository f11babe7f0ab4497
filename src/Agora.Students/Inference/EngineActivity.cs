namespace Agora.Students.Inference;

/// <summary>What an engine is doing, and has done since it was loaded.</summary>
/// <param name="Waiting">Requests that have no place yet.</param>
/// <param name="Running">Requests with a place in some batch.</param>
/// <param name="CachePages">Pages of 16 positions in use, prefixes kept for later prompts included.</param>
/// <param name="SharedCachePages">Of these, pages of prompts that later prompts may share.</param>
/// <param name="CacheCapacity">Pages that may be in use at most.</param>
/// <param name="PromptTokens">Tokens of prompts and measured texts that were read.</param>
/// <param name="CachedPromptTokens">Tokens of prompts that did not have to be read, since an earlier prompt began with them.</param>
/// <param name="GeneratedTokens">Tokens drawn.</param>
public sealed record EngineActivity(
    int Waiting, int Running, int CachePages, int SharedCachePages, int CacheCapacity, long PromptTokens, long CachedPromptTokens, long GeneratedTokens);

/// <summary>Running totals of an engine. Safe for concurrent use.</summary>
internal sealed class EngineCounters
{
    private long read, cached, drawn;

    public long Read => Interlocked.Read(ref read);

    public long Cached => Interlocked.Read(ref cached);

    public long Drawn => Interlocked.Read(ref drawn);

    public void AddRead(int tokens) => Interlocked.Add(ref read, tokens);

    public void AddCached(int tokens) => Interlocked.Add(ref cached, tokens);

    public void AddDrawn(int tokens) => Interlocked.Add(ref drawn, tokens);
}
