namespace Agora.Runs;

/// <summary>Where the records of a file lie, by 32 bits of their keys' hashes: 12 bytes a slot, at most three quarters of them taken, whatever the keys and records are like.</summary>
/// <remarks>Keys may share their 32 bits: who looks compares the key at each place that is given. Not safe for use from several threads.</remarks>
internal sealed class RecordIndex
{
    private const int Smallest = 16;

    private uint[] hashes = new uint[Smallest];
    private long[] places = new long[Smallest];     // 0: free; else 1 more than the offset

    public int Count { get; private set; }

    /// <summary>Where records with the hash lie.</summary>
    /// <param name="from">How many of them were looked at before.</param>
    /// <returns>The offset; -1 where there is no further one.</returns>
    public long Find(uint hash, int from)
    {
        for (var slot = Home(hash); places[slot] != 0; slot = Next(slot))
            if (hashes[slot] == hash && from-- == 0) return places[slot] - 1;
        return -1;
    }

    public void Add(uint hash, long offset)
    {
        if (4L * (Count + 1) > 3L * places.Length) Grow();
        Put(hash, offset + 1);
        Count++;
    }

    /// <summary>The record lies somewhere else from now on.</summary>
    public void Move(uint hash, long from, long to)
    {
        var slot = Home(hash);
        while (places[slot] != from + 1) slot = Next(slot);
        places[slot] = to + 1;
    }

    private void Grow()
    {
        var (oldHashes, oldPlaces) = (hashes, places);
        (hashes, places) = (new uint[2 * oldHashes.Length], new long[2 * oldPlaces.Length]);
        for (var slot = 0; slot < oldPlaces.Length; slot++)
            if (oldPlaces[slot] != 0) Put(oldHashes[slot], oldPlaces[slot]);
    }

    private void Put(uint hash, long place)
    {
        var slot = Home(hash);
        while (places[slot] != 0) slot = Next(slot);
        (hashes[slot], places[slot]) = (hash, place);
    }

    private int Home(uint hash) => (int)(hash & (uint)(places.Length - 1));

    private int Next(int slot) => (slot + 1) & (places.Length - 1);
}
