using System.Globalization;
using System.Text.Json;

namespace Agora.Students.Tokenization;

/// <summary>Reads the section "model" of a tokenizer.json: the vocabulary, and what cuts a piece of text into its tokens.</summary>
internal static class ModelFile
{
    /// <param name="spells">The model itself spells pieces in bytes.</param>
    public static TokenModel Read(string type, JsonAt model, Dictionary<string, int> ids, bool spells) => type switch
    {
        "BPE" => ReadBytePairs(model, ids, spells),
        "Unigram" => ReadUnigram(model, ids),
        "WordPiece" => ReadWordPiece(model, ids),
        "WordLevel" => new WordLevelModel(ids, Unknown(model, ids, "<unk>")),
        _ => throw model.Unsupported($"a tokenizer of type {type}"),
    };

    /// <summary>The type of a model in a file older than the field: told by what it has, as the reference does.</summary>
    public static string TypeByFields(JsonAt model) =>
        model["merges"].Exists ? "BPE"
        : model["vocab"].Value.ValueKind == JsonValueKind.Array ? "Unigram"
        : model["continuing_subword_prefix"].Exists && model["max_input_chars_per_word"].Exists ? "WordPiece"
        : model["unk_token"].Exists ? "WordLevel"
        : "BPE";

    public static bool HasAffixes(JsonAt model) => model["continuing_subword_prefix"].Text(absent: "").Length + model["end_of_word_suffix"].Text(absent: "").Length > 0;

    public static Dictionary<string, int> ReadIds(JsonAt vocabulary)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        var taken = new HashSet<int>();
        foreach (var (token, value) in vocabulary.Members())
        {
            var id = value.Id();
            if (!ids.TryAdd(token, id))
                throw vocabulary.Fault($"names the token {Quote(token)} twice");
            if (!taken.Add(id))
                throw vocabulary.Fault($"gives the id {id} to two tokens, one of them {Quote(token)}");
        }
        return ids.Count > 0 ? ids : throw vocabulary.Fault("is empty");
    }

    /// <summary>Of a list of pairs of token and score, where places are ids; of two tokens that are alike the last one counts.</summary>
    public static Dictionary<string, int> ReadScoredIds(JsonAt vocabulary)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (id, pair) in vocabulary.Items().Index())
            ids[ScoredToken(pair).Token] = id;
        return ids.Count > 0 ? ids : throw vocabulary.Fault("is empty");
    }

    private static (string Token, double Score) ScoredToken(JsonAt pair) =>
        pair.Items().ToList() is [var token, { Value.ValueKind: JsonValueKind.Number } score] && Score(score.Value.GetRawText()) is var value && double.IsFinite(value)
            ? (token.Text(), value) : throw pair.Fault("must be a token and its score");

    // Digits as an integer, then a power of ten, as the reference reads them: not always the nearest number, and the last bit decides between cuts whose tokens are the same in another order.
    private static double Score(string written)
    {
        var (digits, exponent, at, cut) = (0UL, 0, 0, false);
        var isNegative = written[0] == '-';
        for (at = isNegative ? 1 : 0; at < written.Length && written[at] is not ('e' or 'E'); at++)
        {
            if (written[at] == '.')
            {
                cut = true;
                continue;
            }
            var isFull = digits > (ulong.MaxValue - 9) / 10;
            digits = isFull ? digits : 10 * digits + (ulong)(written[at] - '0');
            exponent += (cut, isFull) switch { (true, false) => -1, (false, true) => 1, _ => 0 };
        }
        if (at < written.Length)
            exponent += int.TryParse(written.AsSpan(at + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var power) && Math.Abs(power) < 400 ? power : written.Contains("e-", StringComparison.OrdinalIgnoreCase) ? -400 : 400;
        var value = (double)digits;
        for (; exponent < -308; exponent += 308)
            value /= 1e308;
        value = exponent < 0 ? value / double.Parse($"1e{-exponent}", CultureInfo.InvariantCulture) : value * Math.Pow(10, exponent);
        return isNegative ? -value : value;
    }

    private static UnigramModel ReadUnigram(JsonAt model, Dictionary<string, int> ids)
    {
        var tokens = model["vocab"].Items().Select(ScoredToken).ToList();
        if (!model["unk_id"].Exists)
            throw model.Unsupported("a Unigram model without unk_id");
        var unknown = model["unk_id"].Id();
        if (unknown >= tokens.Count)
            throw model["unk_id"].Fault($"is {unknown}, which no token has");
        if (PieceTrie.FaultOf(ids.Keys) is { } fault)
            throw model["vocab"].Fault(fault);
        return new UnigramModel(tokens, unknown, model["byte_fallback"].Flag() ? [.. Enumerable.Range(0, 256).Select(value => ids.GetValueOrDefault($"<0x{value:X2}>", -1))] : null);
    }

    private static WordPieceModel ReadWordPiece(JsonAt model, Dictionary<string, int> ids)
    {
        var unknown = Unknown(model, ids, "[UNK]");
        if (PieceTrie.FaultOf(ids.Keys) is { } fault)
            throw model["vocab"].Fault(fault);
        var longest = model["max_input_chars_per_word"].Exists ? model["max_input_chars_per_word"].Number() : WordPieceModel.UsualLongestWord;
        return new WordPieceModel(ids, unknown, model["continuing_subword_prefix"].Text(absent: WordPieceModel.UsualContinuing), longest);
    }

    private static int Unknown(JsonAt model, Dictionary<string, int> ids, string usual)
    {
        var token = model["unk_token"].Text(absent: usual);
        return ids.TryGetValue(token, out var id) ? id : throw model["unk_token"].Fault($"is {Quote(token)}, which the vocabulary lacks");
    }

    private static BytePairModel ReadBytePairs(JsonAt model, Dictionary<string, int> ids, bool spells)
    {
        if (model["dropout"] is { Exists: true, Value: var dropout } && !(dropout.TryGetDouble(out var rate) && rate == 0))
            throw model["dropout"].Unsupported("dropout of merges");
        int? unknown = null;
        if (model["unk_token"] is { Exists: true } unknownToken)
            unknown = ids.TryGetValue(unknownToken.Text(), out var id) ? id : throw unknownToken.Fault($"is {Quote(unknownToken.Text())}, which the vocabulary lacks");
        var prefix = model["continuing_subword_prefix"].Text(absent: "");
        var merges = ReadMerges(model["merges"], ids, prefix, out var crossMark);
        return new BytePairModel(ids, merges, new BytePairOptions(
            spells, model["byte_fallback"].Flag(), unknown, model["fuse_unk"].Flag(), model["ignore_merges"].Flag(), crossMark, prefix, model["end_of_word_suffix"].Text(absent: "")));
    }

    private static PairMerges ReadMerges(JsonAt list, Dictionary<string, int> ids, string prefix, out bool crossMark)
    {
        crossMark = false;
        var merges = new PairMerges(list.Value.ValueKind == JsonValueKind.Array ? list.Value.GetArrayLength() : 0);
        var rank = 0;
        foreach (var item in list.Items())
        {
            var (left, right) = ReadMerge(item);
            if (left.Length == 0 || right.Length == 0)
                throw item.Fault("joins an empty token, so that merging would never end");
            // What continues a piece is spelled with the prefix, which the joined token has once at most.
            if (prefix.Length > 0 && !right.StartsWith(prefix, StringComparison.Ordinal))
                throw item.Fault($"joins {Quote(right)} to what stands before it, though it does not begin with the continuing_subword_prefix {Quote(prefix)}");
            var merged = left + right[prefix.Length..];
            foreach (var token in (string[])[left, right, merged])
                if (!ids.ContainsKey(token))
                    throw item.Fault($"names {Quote(token)}, which the vocabulary lacks");
            merges.Add(ids[left], ids[right], rank++, ids[merged]);
            for (var at = merged.IndexOf(BytePairModel.SpaceMark, 1); at > 0 && !crossMark; at = merged.IndexOf(BytePairModel.SpaceMark, at + 1))
                crossMark = merged[at - 1] != BytePairModel.SpaceMark;
        }
        return merges;
    }

    /// <summary>Older files write "left right", newer ones ["left", "right"].</summary>
    private static (string Left, string Right) ReadMerge(JsonAt item)
    {
        if (item.Value.ValueKind == JsonValueKind.Array)
            return item.Items().ToList() is [var left, var right] ? (left.Text(), right.Text()) : throw item.Fault("must be a pair of tokens");
        var text = item.Text();
        var space = text.IndexOf(' ');
        return space >= 0 ? (text[..space], text[(space + 1)..]) : throw item.Fault("must be two tokens with a space between them");
    }

    public static string Quote(string token) => JsonSerializer.Serialize(token.Length <= 60 ? token : token[..60] + "…", QuoteOptions.Relaxed);

    private static class QuoteOptions
    {
        public static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    }
}
