namespace Agora.Runs;

/// <summary>A file of lines that are found by their keys. Of each there stand in memory only 32 bits of its key's hash and where it lies (<see cref="RecordIndex"/>).</summary>
/// <remarks>Two lines may have one key, and the later one counts. Safe for use from many threads, as long as one at a time works on a key.</remarks>
internal sealed class IndexedLines : IDisposable
{
    private readonly Lock gate = new();     // of the index; nobody holds it while the file is read or written
    private RecordIndex index = new();

    /// <param name="hashOf">Null for a line that is passed over.</param>
    /// <param name="alike">Whether two lines have one key.</param>
    public IndexedLines(Func<LineReading, ChecksummedLines> open, HashOfLine hashOf, LinesAlike alike)
    {
        // Where hashes agree the earlier line has to be looked at, for which the file must be open.
        List<(uint Hash, long Offset)>? again = null;
        Lines = open((line, offset) =>
        {
            if (hashOf(line) is not { } hash) return;
            if (index.Find(hash, 0) < 0) index.Add(hash, offset);
            else (again ??= []).Add((hash, offset));
        });
        foreach (var (hash, offset) in again ?? [])
            Set(hash, Find(hash, Lines.Read(offset, 0, static (line, _) => line.ToArray()), (line, wanted) => alike(line, wanted)), offset);
    }

    public ChecksummedLines Lines { get; }

    public int Count
    {
        get
        {
            lock (gate)
                return index.Count;
        }
    }

    /// <param name="has">Whether a line has the key.</param>
    /// <returns>Where the key's line lies; -1 where there is none.</returns>
    public long Find<TKey>(uint hash, TKey key, LineReader<TKey, bool> has) where TKey : allows ref struct
    {
        long first;
        List<long>? more = null;
        lock (gate)
        {
            first = index.Find(hash, 0);
            for (var found = 1; first >= 0 && index.Find(hash, found) is >= 0 and var next; found++) (more ??= []).Add(next);
        }
        if (first < 0 || Lines.Read(first, key, has)) return first;
        foreach (var offset in more ?? [])
            if (Lines.Read(offset, key, has)) return offset;
        return -1;
    }

    /// <param name="earlier">Where the key's line lay until now; -1 where there was none.</param>
    public void Set(uint hash, long earlier, long offset)
    {
        lock (gate)
        {
            if (earlier < 0) index.Add(hash, offset);
            else index.Move(hash, earlier, offset);
        }
    }

    /// <summary>Removes all lines, for good.</summary>
    public void Clear()
    {
        Lines.Clear();
        lock (gate)
            index = new RecordIndex();
    }

    public void Dispose() => Lines.Dispose();
}

internal delegate uint? HashOfLine(ReadOnlySpan<byte> json);

internal delegate bool LinesAlike(ReadOnlySpan<byte> one, ReadOnlySpan<byte> other);
