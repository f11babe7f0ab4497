using System.Text.Json;
using Agora.Experiments;
using Agora.Students.Checkpoints;

namespace Agora.Students.Tokenization;

/// <summary>Reads a tokenizer.json as the Hugging Face hub ships it.</summary>
internal static class TokenizerFile
{
    /// <exception cref="AgoraException">The file is missing, broken or has a part that is not supported.</exception>
    public static TokenizerParts Read(string path) => EndTokens.Apply(ReadFile(path), Path.Combine(Path.GetDirectoryName(path)!, "tokenizer_config.json"));

    private static TokenizerParts ReadFile(string path)
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
        TokenizerStages.CheckGrowth(root["pre_tokenizer"], "pretokenizers");
        TokenizerStages.CheckGrowth(root["decoder"], "decoders");
        var normalizer = root["normalizer"] is { Exists: true } normalizerAt ? TokenizerStages.Normalizer(normalizerAt) : null;
        var preTokenizer = root["pre_tokenizer"] is { Exists: true } preTokenizerAt ? TokenizerStages.PreTokenizer(preTokenizerAt) : null;
        var endsInBytes = root["pre_tokenizer"].Exists && TokenizerStages.EndsInBytes(root["pre_tokenizer"]);
        var isByteLevel = TokenizerStages.SpellsInBytes(root["pre_tokenizer"], "pretokenizers") || TokenizerStages.SpellsInBytes(root["normalizer"], "normalizers");
        var model = root["model"];
        var type = model["type"].Exists ? model["type"].Text() : ModelFile.TypeByFields(model);
        // A byte-pair model that looks at bytes alone goes from them to ids by itself, which is faster.
        var spells = type == "BPE" && endsInBytes && !ModelFile.HasAffixes(model) && !model["byte_fallback"].Flag();
        if (endsInBytes && !spells)
            preTokenizer = new PreTokenizerSequence([preTokenizer!, new SpellInBytes()]);
        var ids = type == "Unigram" ? ModelFile.ReadScoredIds(model["vocab"]) : ModelFile.ReadIds(model["vocab"]);
        var added = ReadAdded(root["added_tokens"], ids);
        var vocabulary = new Vocabulary(ids, added);
        var (prefix, suffix) = ReadPostProcessor(root["post_processor"], vocabulary);
        return new TokenizerParts(
            vocabulary,
            new AddedTokens(added.Where(token => !token.Normalized).Select(token => (token.Content, token))),
            new AddedTokens(added.Where(token => token.Normalized).Select(token => (normalizer?.Apply(token.Content) ?? token.Content, token))),
            normalizer, preTokenizer, ModelFile.Read(type, model, ids, spells), prefix, suffix,
            TokenizerStages.Decoder(root["decoder"]), isByteLevel);
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
                throw item.Fault($"gives the id {token.Id} to {ModelFile.Quote(token.Content)}, which is that of {ModelFile.Quote(other)}");
            byId[token.Id] = token.Content;
            added.Add(token);
        }
        return added;
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
                throw processor.Fault($"adds the id {id} for {ModelFile.Quote(name)}, which no token has");
        return ids;
    }
}
