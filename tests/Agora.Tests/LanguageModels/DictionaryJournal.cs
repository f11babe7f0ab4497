using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Agora.LanguageModels;

namespace Agora.Tests.LanguageModels;

internal sealed class DictionaryJournal : IJournal
{
    private readonly ConcurrentDictionary<string, string> records = [];

    public int Count => records.Count;
    public IEnumerable<string> Records => records.Values;

    public bool TryGet(string key, [NotNullWhen(true)] out string? record) => records.TryGetValue(key, out record);

    public void Append(string key, string record)
    {
        if (!records.TryAdd(key, record)) throw new InvalidOperationException("the key stands already");
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => ValueTask.CompletedTask;
}
