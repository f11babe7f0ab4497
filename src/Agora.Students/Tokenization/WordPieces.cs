using System.Text;
using Agora.Experiments;

namespace Agora.Students.Tokenization;

/// <summary>BERT's tokenizer: words and signs, each cut into the longest pieces of a vocabulary (arXiv:1810.04805; Wu et al., arXiv:1609.08144). Safe for concurrent use.</summary>
/// <remarks>The rules are those of Hugging Face's BertNormalizer, BertPreTokenizer and WordPiece, against which it is tested. Special tokens that a text spells are text.</remarks>
internal sealed class WordPieces
{
    private const int LongestWord = 100;
    private const string Continuing = "##";

    private readonly Dictionary<string, int> numbers;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup;
    private readonly int longestPiece;
    private readonly WordPieceRules rules;
    private readonly int unknown;

    /// <param name="pieces">By number.</param>
    /// <param name="file">For messages.</param>
    /// <exception cref="AgoraException">One of [UNK], [CLS], [SEP] is missing.</exception>
    public WordPieces(IReadOnlyList<string> pieces, WordPieceRules rules, string file)
    {
        numbers = new Dictionary<string, int>(pieces.Count, StringComparer.Ordinal);
        foreach (var (number, piece) in pieces.Index())
            numbers[piece] = number;        // of two that are alike the last one counts, as where the file is read into a table
        lookup = numbers.GetAlternateLookup<ReadOnlySpan<char>>();
        longestPiece = pieces.Select(piece => piece.Length).DefaultIfEmpty().Max();
        this.rules = rules;
        unknown = Special("[UNK]");
        First = Special("[CLS]");
        Last = Special("[SEP]");

        int Special(string piece) => numbers.TryGetValue(piece, out var number) ? number
            : throw new AgoraException($"no vocabulary of WordPiece: {piece} is missing", file, "take a model of the BERT family, such as all-MiniLM-L6-v2 or bge-small-en, with the file that came with it");
    }

    /// <summary>[CLS], which begins a sequence.</summary>
    public int First { get; }
    /// <summary>[SEP], which ends it.</summary>
    public int Last { get; }

    /// <returns>Numbers of the text's pieces, without special tokens.</returns>
    public List<int> Encode(string text)
    {
        var ids = new List<int>();
        var normal = Normalize(text);
        var start = -1;
        var place = 0;
        foreach (var rune in normal.EnumerateRunes())
        {
            var (white, sign) = (Rune.IsWhiteSpace(rune), ReferenceCategories.IsPunctuation(rune));
            if ((white || sign) && start >= 0)
            {
                Cut(normal.AsSpan(start..place), ids);
                start = -1;
            }
            if (sign)
                Cut(normal.AsSpan(place, rune.Utf16SequenceLength), ids);
            else if (!white && start < 0)
                start = place;
            place += rune.Utf16SequenceLength;
        }
        if (start >= 0)
            Cut(normal.AsSpan(start), ids);
        return ids;
    }

    private string Normalize(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value is 0 or 0xfffd || IsControl(rune))
                continue;
            if (Rune.IsWhiteSpace(rune))
                clean.Append(' ');
            else if (rules.SeparatesIdeographs && IsIdeograph(rune.Value))
                clean.Append(' ').Append(rune).Append(' ');
            else
                clean.Append(rune);
        }
        var normal = clean.ToString();
        if (rules.StripsAccents)
        {
            clean.Clear();
            foreach (var rune in CanonicalNormalization.Decompose(normal).EnumerateRunes())
                if (!ReferenceCategories.IsNonSpacingMark(rune))
                    clean.Append(rune);
            normal = clean.ToString();
        }
        return rules.Lowers ? new LowerCase().Apply(normal) : normal;
    }

    // The longest piece that the rest begins with, again and again; a word that cannot be cut to its end is unknown as a whole.
    private void Cut(ReadOnlySpan<char> word, List<int> ids)
    {
        if (Runes(word) > LongestWord)
        {
            ids.Add(unknown);
            return;
        }
        var before = ids.Count;
        Span<char> piece = stackalloc char[Continuing.Length + word.Length];
        Continuing.CopyTo(piece);
        word.CopyTo(piece[Continuing.Length..]);
        for (var start = 0; start < word.Length;)
        {
            var end = Math.Min(word.Length, start + longestPiece);
            int number;
            while (true)
            {
                if (end == start)
                {
                    ids.RemoveRange(before, ids.Count - before);
                    ids.Add(unknown);
                    return;
                }
                // Behind the start of the word, the mark of continuing stands where the piece before ended.
                Span<char> candidate = start == 0 ? piece[Continuing.Length..(Continuing.Length + end)] : piece[start..(Continuing.Length + end)];
                if (start > 0)
                    Continuing.CopyTo(candidate);
                if (lookup.TryGetValue(candidate, out number))
                    break;
                end--;
            }
            ids.Add(number);
            start = end;
        }
    }

    private static int Runes(ReadOnlySpan<char> word)
    {
        var count = 0;
        foreach (var _ in word.EnumerateRunes())
            count++;
        return count;
    }

    // Tabs and ends of lines are white space.
    private static bool IsControl(Rune rune) => rune.Value is not ('\t' or '\n' or '\r') && ReferenceCategories.IsControl(rune);

    private static bool IsIdeograph(int value) => value is (>= 0x4e00 and <= 0x9fff) or (>= 0x3400 and <= 0x4dbf) or (>= 0x20000 and <= 0x2a6df) or (>= 0x2a700 and <= 0x2b73f)
        or (>= 0x2b740 and <= 0x2b81f) or (>= 0x2b920 and <= 0x2ceaf) or (>= 0xf900 and <= 0xfaff) or (>= 0x2f800 and <= 0x2fa1f);
}

/// <summary>How BERT's tokenizer reads a text before it cuts words.</summary>
/// <param name="Lowers">Letters.</param>
/// <param name="StripsAccents">Marks above and below letters.</param>
/// <param name="SeparatesIdeographs">Each Chinese character is a word.</param>
internal sealed record WordPieceRules(bool Lowers, bool StripsAccents, bool SeparatesIdeographs);
