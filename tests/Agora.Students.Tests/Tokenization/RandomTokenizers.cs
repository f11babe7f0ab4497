using System.Text.Json.Nodes;
using Agora.Tests.Fuzzing;

namespace Agora.Tests.Tokenization;

/// <summary>Descriptions of tokenizers put together at random from what tokenizer.json knows, and texts to try them on.</summary>
internal sealed class RandomTokenizers(int seed)
{
    private static readonly string[] Snippets =
    [
        "the cat", " sat", "  ", " ", "\n", "\n\n", "\t", "\r\n", "It's", "don't WE'LL", "12345", "3.14", "½²x", "Ⅻ", "a-b", "...", "?!", "--", "(x)", "$5", "é", "e\u0301", "ﬁ", "Å", "ｆｕｌｌ", "日本語", "中文字", "한국어", "どこで", "ß İ ǆ", "ΑΣ σας", "😀", "👩‍👩‍👧", "🇩🇪", "\u200d", "\u200b",
        "\u0000", "\u0007", "\u0085", "\u00a0", "\u2028", "\ufeff", "\ufffd", "▁", "▁▁the", "<s>", "</s>", "<unk>", "[MASK]", "zz", "yesterday", " Yesterday ", "zzz", "<0x0A>", "##at", "Ġthe", "x</w>", "_", "a_b", "नमस्ते", "مرحبا", "שלום", "ไทย", "ａ１", "™", "\u0301", "\u034f", "\ud83c", "don’t", "ſ 'ſ", "K", "the cat sat on the mat", "THE", "Hello, World", "0", "00", "user@example.com", "a\u0327\u0301b", "\u1e9b\u0323",
    ];

    private static readonly string[] Normalizers =
    [
        """{"type":"NFC"}""", """{"type":"NFD"}""", """{"type":"NFKC"}""", """{"type":"NFKD"}""", """{"type":"Lowercase"}""", """{"type":"Prepend","prepend":"▁"}""", """{"type":"Replace","pattern":{"String":" "},"content":"▁"}""",
        """{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}""", """{"type":"Replace","pattern":{"Regex":"[\\w]"},"content":"w"}""", """{"type":"Replace","pattern":{"Regex":"\\s+$"},"content":""}""", """{"type":"Replace","pattern":{"Regex":"^[a-z]"},"content":"A"}""",
        """{"type":"Strip","strip_left":true,"strip_right":true}""", """{"type":"Strip","strip_left":false,"strip_right":true}""", """{"type":"Strip","strip_left":true,"strip_right":false}""", """{"type":"StripAccents"}""", """{"type":"Nmt"}""", """{"type":"ByteLevel"}""",
        """{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true}""", """{"type":"BertNormalizer","clean_text":false,"handle_chinese_chars":true,"strip_accents":true,"lowercase":false}""",
        """{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":false,"strip_accents":false,"lowercase":true}""", """{"type":"Replace","pattern":{"String":"``"},"content":"\""}""",
        $$"""{"type":"Precompiled","precompiled_charsmap":"{{CharacterTable.Base64(("\t", " "), ("ﬁ", "fi"), ("e\u0301", "é"), ("e", "3"), ("½", "1/2"), ("\r", " "), ("👩", "w"), ("\u0301", ""), ("日", "Sun"))}}"}""",
    ];

    private static readonly string[] PreTokenizers =
    [
        """{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}""", """{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true}""", """{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false,"use_regex":false}""",
        """{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}""", """{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true}""", """{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}""",
        """{"type":"Metaspace","replacement":"▁","prepend_scheme":"never","split":true}""", """{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":false}""", """{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":false}""", """{"type":"Metaspace","replacement":"_","add_prefix_space":true}""",
        """{"type":"WhitespaceSplit"}""", """{"type":"Whitespace"}""", """{"type":"BertPreTokenizer"}""", """{"type":"Digits","individual_digits":true}""", """{"type":"Digits","individual_digits":false}""", """{"type":"CharDelimiterSplit","delimiter":"-"}""",
        """{"type":"Split","pattern":{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"behavior":"Isolated","invert":false}""",
        """{"type":"Split","pattern":{"Regex":"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"behavior":"Removed","invert":true}""",
        """{"type":"Split","pattern":{"Regex":"[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"behavior":"Isolated","invert":false}""",
        """{"type":"Split","pattern":{"Regex":"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},"behavior":"Isolated","invert":false}""",
        """{"type":"Split","pattern":{"Regex":"[一-龥぀-ゟ゠-ヿ]+"},"behavior":"Isolated","invert":false}""", """{"type":"Split","pattern":{"Regex":"\\p{N}{1,3}"},"behavior":"Isolated","invert":false}""", """{"type":"Split","pattern":{"Regex":"\\w+|[^\\w\\s]+"},"behavior":"Removed","invert":true}""",
        """{"type":"Split","pattern":{"Regex":"\\d+"},"behavior":"MergedWithPrevious","invert":false}""", """{"type":"Split","pattern":{"Regex":"\\s"},"behavior":"MergedWithNext","invert":false}""", """{"type":"Split","pattern":{"String":"a"},"behavior":"Contiguous","invert":false}""", """{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithNext","invert":false}""",
        """{"type":"Split","pattern":{"String":"."},"behavior":"MergedWithPrevious","invert":true}""", """{"type":"Split","pattern":{"Regex":"[\\r\\n]"},"behavior":"Isolated","invert":false}""", """{"type":"Split","pattern":{"Regex":"\\s?\\p{L}+"},"behavior":"Isolated","invert":false}""", """{"type":"Split","pattern":{"Regex":"[^\\w]"},"behavior":"Removed","invert":false}""",
        """{"type":"Split","pattern":{"Regex":"\\W"},"behavior":"Removed","invert":false}""", """{"type":"Split","pattern":{"Regex":" ?[^(\\s|[.,!?…。，、।۔،])]+"},"behavior":"Isolated","invert":false}""", """{"type":"Split","pattern":{"Regex":"[0-9][0-9][0-9]"},"behavior":"Isolated","invert":false}""", """{"type":"Punctuation","behavior":"Isolated"}""", """{"type":"Punctuation","behavior":"Contiguous"}""", """{"type":"Punctuation","behavior":"MergedWithNext"}""", """{"type":"Punctuation","behavior":"Removed"}""", """{"type":"FixedLength","length":3}""",
    ];

    private static readonly string[] Decoders =
    [
        """{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}""", """{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true}""", """{"type":"Metaspace","replacement":"▁","prepend_scheme":"never","split":true}""", """{"type":"WordPiece","prefix":"##","cleanup":true}""",
        """{"type":"WordPiece","prefix":"##","cleanup":false}""", """{"type":"BPEDecoder","suffix":"</w>"}""", """{"type":"CTC","pad_token":"<pad>","word_delimiter_token":"|","cleanup":true}""", """{"type":"CTC","pad_token":"a","word_delimiter_token":"t","cleanup":false}""", """{"type":"Fuse"}""", """{"type":"ByteFallback"}""",
        """{"type":"Replace","pattern":{"String":"▁"},"content":" "}""", """{"type":"Strip","content":" ","start":1,"stop":0}""", """{"type":"Replace","pattern":{"Regex":"a+"},"content":"A"}""",
        """{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}""",
        """{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true}]}""",
    ];

    private static readonly string[] Contents = ["<s>", "</s>", "<unk>", "[MASK]", "zz", "Yesterday", " yes", "\n\n", "  ", "the", "日本", "é", "<0x0A>", "a", "zzz"];

    private readonly Random random = new(seed);

    public int Seed { get; } = seed;

    public string Text() => string.Concat(Enumerable.Range(0, random.Next(0, 12)).Select(_ => Pick(Snippets))).Replace('\ud83c', 'x');

    public string Description()
    {
        var vocabulary = new List<string>();
        var normalizer = Stage(Normalizers, "normalizers", random.Next(4));
        var preTokenizer = Stage(PreTokenizers, "pretokenizers", random.Next(4))?.ToJsonString();
        // Where a normalizer took the start of the text away, or put something there, the reference says of other pieces, too, or of none, that they come first.
        if (normalizer is not null || preTokenizer?.Contains("\"add_prefix_space\":true,\"trim", StringComparison.Ordinal) == true || preTokenizer?.Split("Metaspace").Length > 2)
            preTokenizer = preTokenizer?.Replace("\"first\"", "\"always\"");
        var model = Pick<Func<List<string>, JsonObject>>(BytePairs, BytePairs, BytePairs, Unigram, WordPieces, WordLevel)(vocabulary);
        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = Added(vocabulary, normalizer?.ToJsonString().Contains(@"\\w", StringComparison.Ordinal) != true),
            ["normalizer"] = normalizer,
            ["pre_tokenizer"] = preTokenizer is null ? null : JsonNode.Parse(preTokenizer),
            ["post_processor"] = PostProcessor(vocabulary),
            ["decoder"] = random.Next(8) == 0 ? null : JsonNode.Parse(Pick(Decoders)),
            ["model"] = model,
        }.ToJsonString();
    }

    private T Pick<T>(params ReadOnlySpan<T> items) => items[random.Next(items.Length)];

    private bool Chance(int of) => random.Next(of) == 0;

    private JsonNode? Stage(string[] kinds, string members, int count) => count switch
    {
        0 => null,
        1 => JsonNode.Parse(Pick(kinds)),
        _ => new JsonObject { ["type"] = "Sequence", [members] = new JsonArray([.. Enumerable.Range(0, count).Select(_ => JsonNode.Parse(Pick(kinds)))]) },
    };

    /// <param name="mayNormalize">No two contents become the same.</param>
    private JsonArray Added(List<string> vocabulary, bool mayNormalize)
    {
        var next = vocabulary.Count;
        var added = new JsonArray();
        // The reference aborts on tokens of white space that another one has stripped, or gives them twice; and aborts on those of which a normalizer leaves nothing.
        var strips = Chance(2);
        foreach (var content in Contents.Where(content => Chance(3) && !(strips && content.Any(char.IsWhiteSpace))))
            added.Add(new JsonObject
            {
                ["id"] = vocabulary.IndexOf(content) is >= 0 and var known ? known : next++,
                ["content"] = content,
                ["single_word"] = Chance(4),
                ["lstrip"] = strips && Chance(3),
                ["rstrip"] = strips && Chance(3),
                ["normalized"] = mayNormalize && Chance(3) && !string.IsNullOrWhiteSpace(content),
                ["special"] = Chance(2),
            });
        return added;
    }

    private JsonObject? PostProcessor(List<string> vocabulary)
    {
        var token = vocabulary[random.Next(vocabulary.Count)];
        var id = vocabulary.IndexOf(token);
        JsonObject Special() => new() { ["SpecialToken"] = new JsonObject { ["id"] = token, ["type_id"] = 0 } };
        JsonObject Sequence(string name) => new() { ["Sequence"] = new JsonObject { ["id"] = name, ["type_id"] = 0 } };
        JsonObject Template() => new()
        {
            ["type"] = "TemplateProcessing",
            ["single"] = Chance(2) ? new JsonArray(Special(), Sequence("A")) : new JsonArray(Sequence("A"), Special()),
            ["pair"] = new JsonArray(Special(), Sequence("A"), Special(), Sequence("B"), Special()),
            ["special_tokens"] = new JsonObject { [token] = new JsonObject { ["id"] = token, ["ids"] = new JsonArray(id), ["tokens"] = new JsonArray(token) } },
        };
        JsonObject Around(string type) => type == "BertProcessing"
            ? new() { ["type"] = type, ["sep"] = new JsonArray(token, id), ["cls"] = new JsonArray(token, id) }
            : new() { ["type"] = type, ["sep"] = new JsonArray(token, id), ["cls"] = new JsonArray(token, id), ["trim_offsets"] = true, ["add_prefix_space"] = false };
        return random.Next(6) switch
        {
            0 => Template(),
            1 => Around("BertProcessing"),
            2 => Around("RobertaProcessing"),
            3 => new JsonObject { ["type"] = "Sequence", ["processors"] = new JsonArray(new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = true, ["trim_offsets"] = false, ["use_regex"] = true }, Template()) },
            4 => new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = true, ["trim_offsets"] = false, ["use_regex"] = true },
            _ => null,
        };
    }

    /// <summary>Characters of the snippets, some of them left out; in the byte alphabet as well.</summary>
    private List<string> Characters()
    {
        var all = Snippets.Where(snippet => !snippet.Contains('\ud83c')).SelectMany(snippet => snippet.EnumerateRunes()).Select(rune => rune.ToString()).Distinct();
        var some = Chance(3) ? all : all.Where(_ => !Chance(6));
        var bytes = Enumerable.Range(0, 256).Select(value => Agora.Students.Tokenization.ByteAlphabet.CharacterOf((byte)value).ToString());
        return [.. some.Concat(Chance(4) ? bytes.Where(_ => !Chance(10)) : bytes).Distinct()];
    }

    private void AddSpecials(List<string> vocabulary)
    {
        vocabulary.AddRange(["<unk>", "<s>"]);
        if (Chance(2))
            vocabulary.AddRange(Enumerable.Range(0, 256).Where(value => value < 128 || !Chance(10)).Select(value => $"<0x{value:X2}>"));
    }

    private JsonObject BytePairs(List<string> vocabulary)
    {
        AddSpecials(vocabulary);
        var (prefix, suffix) = (Chance(8) ? "##" : null, Chance(8) ? "</w>" : null);
        var symbols = Characters();
        symbols = [.. symbols.Concat(prefix is null ? [] : symbols.Select(symbol => prefix + symbol)).Concat(suffix is null ? [] : symbols.Select(symbol => symbol + suffix))];
        vocabulary.AddRange(symbols.Where(symbol => !vocabulary.Contains(symbol)));
        var known = vocabulary.ToHashSet();
        // Pairs from what the snippets hold next to each other, so that merges come to pass.
        var merges = new List<(string Left, string Right)>();
        for (var count = random.Next(300); count > 0; count--)
        {
            var snippet = Pick(Snippets);
            snippet = Chance(2) ? snippet.Replace(' ', '▁') : Agora.Students.Tokenization.ByteAlphabet.Spell(System.Text.Encoding.UTF8.GetBytes((Chance(2) ? " " : "") + snippet));
            var at = random.Next(snippet.Length);
            var left = snippet[at..(at + random.Next(0, Math.Min(4, snippet.Length - at) + 1))];
            at += left.Length;
            var right = snippet[at..(at + random.Next(0, Math.Min(4, snippet.Length - at) + 1))];
            if (prefix is not null)
                right = prefix + right;
            if (suffix is not null && Chance(2))
                right += suffix;
            var merged = left + right[(prefix?.Length ?? 0)..];
            if (!known.Contains(left) || !known.Contains(right) || merges.Contains((left, right)))
                continue;
            merges.Add((left, right));
            if (known.Add(merged))
                vocabulary.Add(merged);
        }
        // Some whole words without merges, for ignore_merges.
        foreach (var word in (string[])["Ġthe", "the", "▁sat", "日本語"])
            if (Chance(2) && known.Add(word))
                vocabulary.Add(word);
        var asText = Chance(2) && !merges.Any(merge => merge.Left.Contains(' ') || merge.Right.Contains(' '));
        return new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = Chance(2) ? "<unk>" : null,
            ["continuing_subword_prefix"] = prefix,
            ["end_of_word_suffix"] = suffix,
            ["fuse_unk"] = Chance(2),
            ["byte_fallback"] = Chance(2),
            ["ignore_merges"] = Chance(3),
            ["vocab"] = Ids(vocabulary),
            ["merges"] = new JsonArray([.. merges.Select(merge => asText ? (JsonNode)$"{merge.Left} {merge.Right}" : new JsonArray(merge.Left, merge.Right))]),
        };
    }

    /// <summary>Parts of the snippets, in each of the alphabets.</summary>
    private IEnumerable<string> Parts(int count) => Enumerable.Range(0, count).Select(_ =>
    {
        var snippet = Pick(Snippets).Replace("\ud83c", "");
        snippet = random.Next(3) switch { 0 => "▁" + snippet.Replace(' ', '▁'), 1 => snippet, _ => Agora.Students.Tokenization.ByteAlphabet.Spell(System.Text.Encoding.UTF8.GetBytes(snippet)) };
        var runes = snippet.EnumerateRunes().ToList();
        var at = random.Next(runes.Count + 1);
        return string.Concat(runes.Skip(at).Take(random.Next(1, 6)).Select(rune => rune.ToString()));
    }).Where(part => part.Length > 0);

    private JsonObject Unigram(List<string> vocabulary)
    {
        AddSpecials(vocabulary);
        vocabulary.AddRange(Characters().Concat(Parts(300)).Distinct().Where(token => !vocabulary.Contains(token)).ToList());
        // Few values, so that there are ties.
        var few = Chance(2);
        return new JsonObject
        {
            ["type"] = "Unigram",
            ["unk_id"] = 0,
            ["byte_fallback"] = Chance(2),
            ["vocab"] = new JsonArray([.. vocabulary.Select(token => (JsonNode)new JsonArray(token, few ? -random.Next(1, 5) : -10 * random.NextDouble()))]),
        };
    }

    private JsonObject WordPieces(List<string> vocabulary)
    {
        AddSpecials(vocabulary);
        var parts = Characters().Concat(Parts(300)).Distinct().ToList();
        vocabulary.AddRange(parts.Where(_ => !Chance(5)).Concat(parts.Where(_ => !Chance(5)).Select(part => "##" + part)).Distinct().Where(token => !vocabulary.Contains(token)).ToList());
        return new JsonObject { ["type"] = "WordPiece", ["unk_token"] = "<unk>", ["continuing_subword_prefix"] = "##", ["max_input_chars_per_word"] = Pick(100, 5, 12), ["vocab"] = Ids(vocabulary) };
    }

    private JsonObject WordLevel(List<string> vocabulary)
    {
        AddSpecials(vocabulary);
        vocabulary.AddRange(Characters().Concat(Snippets.Where(snippet => !snippet.Contains('\ud83c'))).Distinct().Where(token => !vocabulary.Contains(token)).ToList());
        return new JsonObject { ["type"] = "WordLevel", ["unk_token"] = "<unk>", ["vocab"] = Ids(vocabulary) };
    }

    private static JsonObject Ids(List<string> vocabulary) => new(vocabulary.Select((token, id) => KeyValuePair.Create(token, (JsonNode?)id)));
}
