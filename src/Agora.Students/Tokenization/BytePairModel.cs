using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;

namespace Agora.Students.Tokenization;

/// <param name="ByteLevel">Symbols are bytes (GPT-2's alphabet), else characters (SentencePiece).</param>
/// <param name="ByteFallback">A character that the vocabulary lacks is spelled as tokens like &lt;0x0A&gt;.</param>
/// <param name="UnknownId">Stands for what can be spelled in no other way; null: it is dropped, as the reference does.</param>
/// <param name="FuseUnknown">Neighbouring unknown characters become one unknown token.</param>
/// <param name="IgnoreMerges">A piece that is itself a token is that token, also where merges do not lead to it.</param>
/// <param name="MergesCrossMark">Some merge joins a character and a ▁ after it.</param>
internal sealed record BytePairOptions(bool ByteLevel, bool ByteFallback, int? UnknownId, bool FuseUnknown, bool IgnoreMerges, bool MergesCrossMark);

/// <summary>Turns pieces of text into token ids by byte-pair encoding, over bytes or over characters. Safe for concurrent use.</summary>
internal sealed class BytePairModel
{
    /// <summary>SentencePiece's visible space.</summary>
    public const char SpaceMark = '▁';

    // A word is looked up far more often than it is merged. Bounded, so that a stream of unseen words cannot fill the memory.
    private const int CachedPieces = 1 << 16;
    private const int CachedLength = 48;

    private readonly PairMerges merges;
    private readonly BytePairOptions options;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> ids;
    private readonly int[] byteIds;          // by byte; -1 where the vocabulary has none
    private readonly bool hasAllBytes;
    private readonly bool cutsBeforeMark;
    private readonly ConcurrentDictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> cache =
        new ConcurrentDictionary<string, int[]>(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
    private int cachedPieces;

    public BytePairModel(Dictionary<string, int> ids, PairMerges merges, BytePairOptions options)
    {
        this.ids = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        this.merges = merges;
        this.options = options;
        byteIds = new int[256];
        for (var value = 0; value < 256; value++)
            byteIds[value] = ids.GetValueOrDefault(options.ByteLevel ? ByteAlphabet.CharacterOf((byte)value).ToString() : $"<0x{value:X2}>", -1);
        hasAllBytes = !byteIds.Contains(-1);
        // Without a pre-tokenizer the whole text is one piece. Where no merge can join anything to a ▁ after it, cutting there changes
        // nothing, and words can be looked up.
        // A character that is dropped, though, leaves its neighbours side by side.
        cutsBeforeMark = !options.ByteLevel && !options.MergesCrossMark && ids.ContainsKey(SpaceMark.ToString()) && (options.UnknownId is not null || (options.ByteFallback && hasAllBytes));
    }

    public void Encode(ReadOnlySpan<char> piece, List<int> output)
    {
        if (!cutsBeforeMark)
        {
            EncodeWord(piece, output);
            return;
        }
        if (options.IgnoreMerges && ids.TryGetValue(piece, out var whole))
        {
            output.Add(whole);
            return;
        }
        while (piece.Length > 0)
        {
            var end = 1;
            while (end < piece.Length && !(piece[end] == SpaceMark && piece[end - 1] != SpaceMark))
                end++;
            EncodeWord(piece[..end], output);
            piece = piece[end..];
        }
    }

    private void EncodeWord(ReadOnlySpan<char> word, List<int> output)
    {
        if (word.Length > CachedLength)
        {
            output.AddRange(Merge(word));
            return;
        }
        if (!cache.TryGetValue(word, out var found))
        {
            found = Merge(word).ToArray();
            if (Volatile.Read(ref cachedPieces) < CachedPieces && cache.TryAdd(word, found))
                Interlocked.Increment(ref cachedPieces);
        }
        output.AddRange(found);
    }

    private ReadOnlySpan<int> Merge(ReadOnlySpan<char> word)
    {
        var symbols = options.ByteLevel ? ByteSymbols(word, out var whole) : CharacterSymbols(word, out whole);
        if (whole is { } id)
            return new int[] { id };
        return symbols[..merges.Apply(symbols)];
    }

    /// <param name="whole">The id of the word where it is a token by itself and merges are to be ignored.</param>
    private Span<int> ByteSymbols(ReadOnlySpan<char> word, out int? whole)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(word)];
        Encoding.UTF8.GetBytes(word, bytes);
        whole = options.IgnoreMerges && ids.TryGetValue(ByteAlphabet.Spell(bytes), out var id) ? id : null;
        var symbols = new SymbolList(bytes.Length, options);
        foreach (var value in bytes)
            symbols.Add(byteIds[value]);
        return symbols.Symbols;
    }

    private Span<int> CharacterSymbols(ReadOnlySpan<char> word, out int? whole)
    {
        whole = options.IgnoreMerges && ids.TryGetValue(word, out var id) ? id : null;
        var symbols = new SymbolList(word.Length, options);
        Span<byte> bytes = stackalloc byte[4];
        Span<char> character = stackalloc char[2];
        foreach (var rune in word.EnumerateRunes())
        {

            if (ids.TryGetValue(character[..rune.EncodeToUtf16(character)], out var known))
                symbols.Add(known);
            else if (options.ByteFallback && hasAllBytes)
                foreach (var value in bytes[..rune.EncodeToUtf8(bytes)])
                    symbols.Add(byteIds[value]);
            else
                symbols.Add(-1);
        }
        return symbols.Symbols;
    }

    private readonly struct SymbolList(int capacity, BytePairOptions options)
    {
        private readonly List<int> symbols = new(capacity);

        public Span<int> Symbols => CollectionsMarshal.AsSpan(symbols);

        /// <param name="id">-1: unknown.</param>
        public void Add(int id)
        {
            if (id >= 0)
                symbols.Add(id);
            else if (options.UnknownId is { } unknown && !(options.FuseUnknown && symbols.Count > 0 && symbols[^1] == unknown))
                symbols.Add(unknown);
        }
    }
}
