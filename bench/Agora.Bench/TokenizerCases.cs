using System.Text.Json.Nodes;
using Agora.Students.Tokenization;

namespace Agora.Bench;

/// <summary>Small tokenizers of every kind of model, made from what byte pairs learn of the texts themselves: tokenizer.json files that nobody has to fetch.</summary>
internal static class TokenizerCases
{
    private const int Tokens = 4_000;
    private const char Space = '▁', SpaceInBytes = 'Ġ';
    private const string Unknown = "[UNK]";

    private const string Words = @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private static readonly string[] DeepSeek =
        [@"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"];

    /// <summary>Writes a model folder for each kind, named for it.</summary>
    /// <returns>The folders.</returns>
    public static IReadOnlyList<string> Write(string folder, IEnumerable<string> texts)
    {
        var trained = Path.Combine(folder, "byte pairs");
        BytePairTrainer.Train(texts, Tokens, TrainedTokenizer.ChatTokens).Save(trained, 4096);
        var file = JsonNode.Parse(File.ReadAllText(Path.Combine(trained, Tokenizer.FileName)))!;
        // Of the tokens those of ASCII alone, best first, with their spaces visible.
        string[] plain = [.. file["model"]!["vocab"]!.AsObject().OrderBy(token => token.Value!.GetValue<int>()).Select(token => token.Key.Replace(SpaceInBytes, Space)).Where(IsPlain)];
        return
        [
            trained,
            Save("GPT-4o's split", Split(file, Words)),
            Save("DeepSeek's split", Split(file, DeepSeek)),
            Save("byte fallback", Characters(file, plain)),
            Save("Unigram", Unigram(plain, Parse("""{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}"""), null)),
            Save("Unigram, unsplit", Unigram(plain, null, Parse("""{"type":"Replace","pattern":{"String":" "},"content":"▁"}"""))),
            Save("WordPiece", File_(
                Parse("""{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true}"""), Parse("""{"type":"BertPreTokenizer"}"""),
                Model("WordPiece", plain.SelectMany(token => token[0] == Space ? (string[])[token[1..]] : [token, "##" + token])))),
            Save("WordLevel", File_(null, Parse("""{"type":"Whitespace"}"""), Model("WordLevel", plain.Select(token => token.TrimStart(Space))))),
        ];

        string Save(string name, JsonNode tokenizer)
        {
            Directory.CreateDirectory(Path.Combine(folder, name));
            File.WriteAllText(Path.Combine(folder, name, Tokenizer.FileName), tokenizer.ToJsonString());
            return Path.Combine(folder, name);
        }
    }

    private static bool IsPlain(string token) => token.All(character => character is > ' ' and < '\u007F' or Space);

    private static JsonNode Parse(string json) => JsonNode.Parse(json)!;

    private static JsonObject File_(JsonNode? normalizer, JsonNode? preTokenizer, JsonObject model) => new()
    {
        ["version"] = "1.0",
        ["added_tokens"] = new JsonArray(),
        ["normalizer"] = normalizer,
        ["pre_tokenizer"] = preTokenizer,
        ["post_processor"] = null,
        ["decoder"] = null,
        ["model"] = model,
    };

    private static JsonObject Split(JsonNode trained, params IEnumerable<string> patterns)
    {
        var file = trained.DeepClone().AsObject();
        file["pre_tokenizer"] = new JsonObject
        {
            ["type"] = "Sequence",
            ["pretokenizers"] = new JsonArray(
            [
                .. patterns.Select(pattern => new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = pattern }, ["behavior"] = "Isolated", ["invert"] = false }),
                Parse("""{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}"""),
            ]),
        };
        return file;
    }

    /// <summary>As Llama 2 and Mistral: characters and merges of them, bytes for what the vocabulary lacks, and no pre-tokenizer.</summary>
    private static JsonObject Characters(JsonNode trained, string[] plain)
    {
        var known = plain.ToHashSet();
        var merges = trained["model"]!["merges"]!.AsArray().Select(merge => merge!.GetValue<string>().Replace(SpaceInBytes, Space))
            .Where(merge => merge.Split(' ').Append(merge.Replace(" ", "", StringComparison.Ordinal)).All(known.Contains));
        var model = Model("BPE", [.. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>"), .. plain]);
        model["merges"] = new JsonArray([.. merges.Select(merge => (JsonNode)merge)]);
        model["byte_fallback"] = true;
        model["fuse_unk"] = true;
        return File_(Parse("""{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}"""), null, model);
    }

    // By Zipf's law: the n-th best token is n times as rare as the first.
    private static JsonObject Unigram(string[] plain, JsonNode? preTokenizer, JsonNode? normalizer) => File_(normalizer, preTokenizer, new JsonObject
    {
        ["type"] = "Unigram",
        ["unk_id"] = 0,
        ["vocab"] = new JsonArray([.. plain.Prepend(Unknown).Select((token, rank) => new JsonArray(token, -Math.Log(rank + 1)))]),
    });

    private static JsonObject Model(string type, IEnumerable<string> tokens)
    {
        var vocabulary = new JsonObject();
        foreach (var token in tokens.Where(token => token.Length > 0).Prepend(Unknown).Distinct())
            vocabulary.Add(token, vocabulary.Count);
        var model = new JsonObject { ["type"] = type, ["unk_token"] = Unknown, ["vocab"] = vocabulary };
        if (type == "WordPiece")
            (model["continuing_subword_prefix"], model["max_input_chars_per_word"]) = ("##", 100);
        return model;
    }
}
