using System.Text;
using System.Text.Json;
using Agora.Experiments;
using Agora.Students.Checkpoints;

namespace Agora.Students.Tokenization;

/// <summary>Reads a tokenizer.json as the Hugging Face hub ships it.</summary>
internal static class TokenizerFile
{
    /// <exception cref="AgoraException">The file is missing, broken or has a part that is not supported.</exception>
    public static TokenizerParts Read(string path)
    {
        if (!File.Exists(path))
            throw new AgoraException("the model folder has no tokenizer", path, "copy the model's tokenizer.json there");
        try
        {
            using var document = JsonDocument.Parse(BoundedFile.Read(path, BoundedFile.Tables));
            return Read(new JsonAt(document.RootElement, path, ""));
        }
        catch (JsonException exception)
        {
            throw Broken(exception);
        }
        catch (InvalidOperationException exception) when (exception.Source?.StartsWith("System.Text.Json", StringComparison.Ordinal) == true)
        {
            // An escaped half of a surrogate pair shows only when the string is read.
            throw Broken(exception);
        }

        AgoraException Broken(Exception exception) =>
            new($"the file is not valid JSON: {exception.Message}", path, "copy the model's tokenizer.json again; the copy may be cut short", exception);
    }

    // The sections truncation and padding are passed over, as Transformers does: they hold what the last caller of a training script had set, not the model's way with text.
    private static TokenizerParts Read(JsonAt root)
    {
        TokenizerStages.CheckGrowth(root["normalizer"], "normalizers");
        TokenizerStages.CheckGrowth(root["decoder"], "decoders");
        var normalizer = root["normalizer"] is { Exists: true } normalizerAt ? TokenizerStages.Normalizer(normalizerAt) : null;
        var preTokenizer = root["pre_tokenizer"] is { Exists: true } preTokenizerAt ? TokenizerStages.PreTokenizer(preTokenizerAt) : null;
        var byteLevel = root["pre_tokenizer"].Exists && TokenizerStages.EndsInBytes(root["pre_tokenizer"]);
        var model = root["model"];
        // Files older than the field's introduction have only byte-pair models in the styles read here.
        if (model["type"].Text(absent: "BPE") != "BPE")
            throw model.Unsupported($"a tokenizer of type {model["type"].Text()}");
        var ids = ReadIds(model["vocab"]);
        var added = ReadAdded(root["added_tokens"], ids);
        var vocabulary = new Vocabulary(ids, added);
        var (prefix, suffix) = ReadPostProcessor(root["post_processor"], vocabulary);
        return new TokenizerParts(
            vocabulary,
            new AddedTokens(added.Where(token => !token.Normalized).Select(token => (token.Content, token))),
            new AddedTokens(added.Where(token => token.Normalized).Select(token => (normalizer?.Apply(token.Content) ?? token.Content, token))),
            normalizer, preTokenizer, ReadModel(model, ids, byteLevel), prefix, suffix,
            TokenizerStages.Decoder(root["decoder"]), byteLevel);
    }

    private static Dictionary<string, int> ReadIds(JsonAt vocabulary)
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

    private static List<AddedToken> ReadAdded(JsonAt list, Dictionary<string, int> ids)
    {
        var added = new List<AddedToken>();
        var byId = ids.ToDictionary(entry => entry.Value, entry => entry.Key);
        foreach (var item in list.Exists ? list.Items() : [])
        {
            var token = new AddedToken(
                item["id"].Id(), item["content"].Text(), item["single_word"].Flag(), item["lstrip"].Flag(), item["rstrip"].Flag(),
                item["normalized"].Flag(absent: !item["special"].Flag()), item["special"].Flag());
            if (byId.TryGetValue(token.Id, out var other) && other != token.Content)
                throw item.Fault($"gives the id {token.Id} to {Quote(token.Content)}, which is that of {Quote(other)}");
            byId[token.Id] = token.Content;
            added.Add(token);
        }
        return added;
    }

    private static BytePairModel ReadModel(JsonAt model, Dictionary<string, int> ids, bool byteLevel)
    {
        if (model["dropout"] is { Exists: true, Value: var dropout } && !(dropout.TryGetDouble(out var rate) && rate == 0))
            throw model["dropout"].Unsupported("dropout of merges");
        foreach (var affix in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
            if (model[affix].Text(absent: "").Length > 0)
                throw model[affix].Unsupported($"a {affix}");
        int? unknown = null;
        if (model["unk_token"] is { Exists: true } unknownToken)
            unknown = ids.TryGetValue(unknownToken.Text(), out var id) ? id : throw unknownToken.Fault($"is {Quote(unknownToken.Text())}, which the vocabulary lacks");
        var merges = ReadMerges(model["merges"], ids, out var crossMark);
        return new BytePairModel(ids, merges, new BytePairOptions(
            byteLevel, model["byte_fallback"].Flag(), unknown, model["fuse_unk"].Flag(), model["ignore_merges"].Flag(), crossMark));
    }

    private static PairMerges ReadMerges(JsonAt list, Dictionary<string, int> ids, out bool crossMark)
    {
        crossMark = false;
        var merges = new PairMerges(list.Value.ValueKind == JsonValueKind.Array ? list.Value.GetArrayLength() : 0);
        var rank = 0;
        foreach (var item in list.Items())
        {
            var (left, right) = ReadMerge(item);
            if (left.Length == 0 || right.Length == 0)
                throw item.Fault("joins an empty token, so that merging would never end");
            var merged = left + right;
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

    private static (IReadOnlyList<int> Prefix, IReadOnlyList<int> Suffix) ReadPostProcessor(JsonAt at, Vocabulary vocabulary)
    {
        var prefix = new List<int>();
        var suffix = new List<int>();
        if (at.Exists)
            AddPostProcessor(at, vocabulary, prefix, suffix);
        return (prefix, suffix);
    }

    private static void AddPostProcessor(JsonAt at, Vocabulary vocabulary, List<int> prefix, List<int> suffix)
    {
        switch (at["type"].Text())
        {
            case "ByteLevel":      // moves offsets only
                break;
            case "BertProcessing" or "RobertaProcessing":
                prefix.Insert(0, ProcessingId(at["cls"], vocabulary));
                suffix.Add(ProcessingId(at["sep"], vocabulary));
                break;
            case "Sequence":
                foreach (var step in at["processors"].Items())
                    AddPostProcessor(step, vocabulary, prefix, suffix);
                break;
            case "TemplateProcessing":
                var seen = false;
                var before = new List<int>();
                foreach (var piece in at["single"].Items())
                    if (piece["SpecialToken"] is { Exists: true } special)
                        (seen ? suffix : before).AddRange(SpecialIds(at, special, vocabulary));
                    else if (!seen && piece["Sequence"].Exists)
                        seen = true;
                    else
                        throw piece.Fault("must be a special token, or the one place of the text");
                if (!seen)
                    throw at["single"].Fault("has no place for the text");
                prefix.InsertRange(0, before);
                break;
            case var other:
                throw at.Unsupported($"a post-processor of type {other}");
        }
    }

    /// <summary>["token", id].</summary>
    private static int ProcessingId(JsonAt at, Vocabulary vocabulary)
    {
        if (at.Items().ToList() is not [_, var id])
            throw at.Fault("must be a token and its id");
        return vocabulary.TokenOf(id.Id()) is not null ? id.Id() : throw at.Fault($"adds the id {id.Id()}, which no token has");
    }

    private static List<int> SpecialIds(JsonAt processor, JsonAt special, Vocabulary vocabulary)
    {
        var name = special["id"].Text();
        var ids = processor["special_tokens"][name]["ids"].Items().Select(id => id.Id()).ToList();
        foreach (var id in ids)
            if (vocabulary.TokenOf(id) is null)
                throw processor.Fault($"adds the id {id} for {Quote(name)}, which no token has");
        return ids;
    }

    private static string Quote(string token) => JsonSerializer.Serialize(token.Length <= 60 ? token : token[..60] + "…", QuoteOptions.Relaxed);

    private static class QuoteOptions
    {
        public static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    }
}
