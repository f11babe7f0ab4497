using System.Runtime.InteropServices;
using System.Text;

namespace Agora.Students.Tokenization;

/// <param name="ByteLevel">Symbols are bytes (GPT-2's alphabet), else characters (SentencePiece).</param>
/// <param name="ByteFallback">A character that the vocabulary lacks is spelled as tokens like &lt;0x0A&gt;.</param>
/// <param name="UnknownId">Stands for what can be spelled in no other way; null: it is dropped, as the reference does.</param>
/// <param name="FuseUnknown">Neighbouring unknown characters become one unknown token.</param>
/// <param name="IgnoreMerges">A piece that is itself a token is that token, also where merges do not lead to it.</param>
/// <param name="MergesCrossMark">Some merge joins a character and a ▁ after it.</param>
/// <param name="ContinuingPrefix">Stands before every character of a piece but the first, as the vocabulary spells them; empty as a rule.</param>
/// <param name="EndSuffix">Stands after the last character of a piece; empty as a rule.</param>
internal sealed record BytePairOptions(
    bool ByteLevel, bool ByteFallback, int? UnknownId, bool FuseUnknown, bool IgnoreMerges, bool MergesCrossMark, string ContinuingPrefix = "", string EndSuffix = "")
{
    /// <summary>A character is spelled by its place in the piece.</summary>
    public bool HasAffixes => ContinuingPrefix.Length > 0 || EndSuffix.Length > 0;
}

/// <summary>Turns pieces of text into token ids by byte-pair encoding, over bytes or over characters. Safe for concurrent use.</summary>
internal sealed class BytePairModel : TokenModel
{
    /// <summary>SentencePiece's visible space.</summary>
    public const char SpaceMark = '▁';

    private readonly PairMerges merges;
    private readonly BytePairOptions options;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> ids;
    private readonly int[] byteIds;          // by byte; -1 where the vocabulary has none
    private readonly bool hasAllBytes;
    private readonly bool cutsBeforeMark;
    private readonly PieceCache cache = new();

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
        cutsBeforeMark = !options.ByteLevel && !options.HasAffixes && !options.MergesCrossMark && ids.ContainsKey(SpaceMark.ToString()) && (options.UnknownId is not null || (options.ByteFallback && hasAllBytes));
    }

    public override void Encode(ReadOnlySpan<char> piece, List<int> output)
    {
        if (!cutsBeforeMark)
        {
            EncodeWord(piece, output, options.IgnoreMerges);
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
            EncodeWord(piece[..end], output, isWhole: false);
            piece = piece[end..];
        }
    }

    /// <param name="isWhole">A piece, not a part of one, which may be a token by itself where merges are to be ignored; always the same for one model.</param>
    private void EncodeWord(ReadOnlySpan<char> word, List<int> output, bool isWhole)
    {
        if (!PieceCache.Takes(word))
        {
            output.AddRange(Merge(word, isWhole));
            return;
        }
        if (!cache.TryGet(word, out var found))
            cache.Add(word, found = Merge(word, isWhole).ToArray());
        output.AddRange(found);
    }

    private ReadOnlySpan<int> Merge(ReadOnlySpan<char> word, bool isWhole)
    {
        if (isWhole && (options.ByteLevel ? ids.TryGetValue(SpelledInBytes(word), out var id) : ids.TryGetValue(word, out id)))
            return new int[] { id };
        var symbols = options.ByteLevel ? ByteSymbols(word) : CharacterSymbols(word);
        return symbols[..merges.Apply(symbols)];
    }

    private static string SpelledInBytes(ReadOnlySpan<char> word)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(word)];
        Encoding.UTF8.GetBytes(word, bytes);
        return ByteAlphabet.Spell(bytes);
    }

    private Span<int> ByteSymbols(ReadOnlySpan<char> word)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(word)];
        Encoding.UTF8.GetBytes(word, bytes);
        var symbols = new SymbolList(bytes.Length, options);
        foreach (var value in bytes)
            if (byteIds[value] >= 0)
                symbols.Add(byteIds[value]);
            else
                symbols.AddUnknown();
        return symbols.Complete();
    }

    private Span<int> CharacterSymbols(ReadOnlySpan<char> word)
    {
        var symbols = new SymbolList(word.Length, options);
        Span<char> spelled = stackalloc char[2];
        for (var at = 0; at < word.Length;)
        {
            Rune.DecodeFromUtf16(word[at..], out var rune, out var length);
            var isFirst = at == 0;
            at += length;
            ReadOnlySpan<char> symbol = spelled[..rune.EncodeToUtf16(spelled)];
            if (options.HasAffixes)
                symbol = string.Concat(isFirst ? "" : options.ContinuingPrefix, symbol, at == word.Length ? options.EndSuffix : "");
            if (ids.TryGetValue(symbol, out var known))
                symbols.Add(known);
            else if (!options.ByteFallback || !TryAddBytes(symbol, ref symbols))
                symbols.AddUnknown();
        }
        return symbols.Complete();
    }

    /// <returns>False where the vocabulary lacks one of the bytes; none is added then.</returns>
    private bool TryAddBytes(ReadOnlySpan<char> symbol, ref SymbolList symbols)
    {
        Span<byte> bytes = symbol.Length <= 16 ? stackalloc byte[48] : new byte[3 * symbol.Length];
        bytes = bytes[..Encoding.UTF8.GetBytes(symbol, bytes)];
        if (!hasAllBytes)
            foreach (var value in bytes)
                if (byteIds[value] < 0)
                    return false;
        foreach (var value in bytes)
            symbols.AddByte(byteIds[value]);
        return true;
    }

    private struct SymbolList(int capacity, BytePairOptions options)
    {
        private readonly List<int> symbols = new(capacity);
        private bool isUnknownOpen;

        public void Add(int id)
        {
            Close();
            symbols.Add(id);
        }

        /// <summary>The reference writes an unknown character down when the next known one comes, or another unknown one that does not join it; bytes that stand for a character go before it.</summary>
        public readonly void AddByte(int id) => symbols.Add(id);

        public void AddUnknown()
        {
            if (!options.FuseUnknown)
                Close();
            isUnknownOpen = true;
        }

        public Span<int> Complete()
        {
            Close();
            return CollectionsMarshal.AsSpan(symbols);
        }

        private void Close()
        {
            if (isUnknownOpen && options.UnknownId is { } unknown)
                symbols.Add(unknown);
            isUnknownOpen = false;
        }
    }
}
