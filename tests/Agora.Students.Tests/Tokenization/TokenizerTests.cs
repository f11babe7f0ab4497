using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Agora.Experiments;
using Agora.Students.Tokenization;
using CsCheck;

namespace Agora.Tests.Tokenization;

public sealed class TokenizerTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    // Letters, digits, all kinds of white space, marks, emoji, contractions, astral letters: what patterns trip over.
    private static readonly Gen<string> Texts = Gen.OneOf(
        Gen.String,
        Gen.OneOf("a", "Zé", "don't", "I'LL", "'ſ", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u0085", "1", "２", "Ⅷ", "½", "🙂", "👩‍👩", "𝐀", "e\u0301", "\u0301", "漢字", "!", "…", "<|eot_id|>", "_", "\0")
            .Array[0, 12].Select(string.Concat));

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Decoding_undoes_encoding()
    {
        var tokenizer = Trained();
        Texts.Where(IsWellFormed).Sample(text => tokenizer.Decode(tokenizer.Encode(text, addSpecialTokens: false), skipSpecialTokens: false) == text, iter: 2000);
    }

    [Fact]
    public void The_bound_that_needs_no_encoding_is_never_below_the_number_of_tokens()
    {
        var tokenizer = Trained();
        Assert.InRange(tokenizer.MostTokens("the cat sat"), 3, 100);
        Texts.Sample(text => tokenizer.Encode(text, addSpecialTokens: false).Length <= tokenizer.MostTokens(text), iter: 2000);
        Assert.Equal(int.MaxValue, Loaded(SentencePieceStyle()).MostTokens("a b"));     // one space is three bytes there
    }

    [Fact]
    public void The_scanner_splits_as_the_regular_expressions_do()
    {
        foreach (var pattern in (string[])[WordScanner.Gpt2, WordScanner.Llama3, WordScanner.SingleDigits])
        {
            var scanner = WordScanner.TryFor(pattern)!;
            // .NET does not know that the long s is an s in any other case; the reference's engine does.
            var regex = new RegexPattern(pattern.Replace("(?i:'s", "(?i:'s|'ſ", StringComparison.Ordinal));
            Texts.Where(IsWellFormed).Sample(text => Matches(scanner, text).SequenceEqual(Matches(regex, text)), iter: 2000);
        }
    }

    [Fact]
    public void The_heap_merges_as_the_plain_scan_does()
    {
        var merges = new PairMerges(8);
        foreach (var (left, right, rank) in (ReadOnlySpan<(int, int, int)>)[(0, 1, 0), (1, 1, 1), (1, 0, 2), (10, 0, 3), (11, 11, 4), (0, 0, 5), (15, 10, 6), (10, 10, 7)])
            merges.Add(left, right, rank, 10 + rank);
        Gen.Int[0, 2].Array[0, 60].Sample(symbols =>
        {
            var (plain, fast) = ((int[])symbols.Clone(), (int[])symbols.Clone());
            return plain.AsSpan(0, merges.ApplyByScanning(plain)).SequenceEqual(fast.AsSpan(0, merges.ApplyByHeap(fast)));
        }, iter: 2000);
    }

    // A run of one character looks up little else than twins: with Llama 3's merges in one chain of the table, a megabyte of spaces took 11 s.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(256)]
    public void Pairs_that_are_alike_stand_apart_in_the_table_of_merges(int distance) =>
        Assert.InRange(Enumerable.Range(0, 10_000).Select(token => new PairMerges.Pair(token, token ^ distance).GetHashCode()).Distinct().Count(), 9_900, 10_000);

    // Work is counted, in pairs looked at for each byte: a scan of up to 24 symbols looks at 13 for each at most, the heap at 3.
    [Theory]
    [InlineData("a")]
    [InlineData(" ")]
    [InlineData("\n ")]
    [InlineData("<|eot_id|")]
    [InlineData("ab")]
    [InlineData("e\u0301\u0323")]
    [InlineData("🙂")]
    public void No_text_takes_quadratic_work(string repeated)
    {
        var text = new StringBuilder().Insert(0, repeated, 500_000 / repeated.Length).ToString();
        foreach (var tokenizer in (Tokenizer[])[Trained(), Loaded(SentencePieceStyle())])
        {
            var before = PairMerges.Examined;
            var ids = tokenizer.Encode(text, addSpecialTokens: false);
            Assert.InRange(PairMerges.Examined - before, 0, 14L * Encoding.UTF8.GetByteCount(text));
            Assert.Equal(text.Length, tokenizer.Decode(ids, skipSpecialTokens: false).Length);
        }
    }

    [Theory]
    [InlineData("first", "▁a<s>b", "a<s>b")]
    [InlineData("always", "▁a<s>▁b", "a<s>b")]
    [InlineData("never", "a<s>b", "a<s>b")]
    public void Metaspace_marks_the_first_word_the_start_of_each_piece_or_nothing(string scheme, string tokens, string text)
    {
        var json = SentencePieceStyle();
        json["normalizer"] = null;
        json["pre_tokenizer"] = JsonNode.Parse($$"""{"type":"Metaspace","replacement":"▁","prepend_scheme":"{{scheme}}","split":true}""");
        var tokenizer = Loaded(json);
        Assert.Equal(tokens, string.Concat(tokenizer.Encode(text, addSpecialTokens: false).Select(tokenizer.TokenText)));
    }

    [Fact]
    public void A_character_that_the_vocabulary_lacks_falls_back_to_its_bytes_and_comes_back_whole()
    {
        var tokenizer = Loaded(SentencePieceStyle());
        var ids = tokenizer.Encode("é", addSpecialTokens: false);
        Assert.Equal(["▁", "<0xC3>", "<0xA9>"], ids.Select(tokenizer.TokenText));
        Assert.Equal("é", tokenizer.Decode(ids, skipSpecialTokens: false));
    }

    // Found by the fuzzer: the token's own id was beyond the table.
    [Fact]
    public void An_added_token_may_take_the_place_of_one_with_a_higher_id()
    {
        var tokenizer = Loaded(JsonNode.Parse("""{"model":{"vocab":{"b":0,"a":5},"merges":[]},"added_tokens":[{"id":1,"content":"a"}]}""")!.AsObject());
        Assert.Equal([1, 0], tokenizer.Encode("ab", addSpecialTokens: false));
        Assert.Equal("a", tokenizer.TokenText(5));
    }

    // With the reference's rule, written out, each of these tokens looks at all white space after it: 10^12 steps.
    // One that strips on both sides is gone with the white space of the one before.
    [Theory]
    [InlineData(false, 1_000_001)]
    [InlineData(true, 2)]
    public async Task White_space_that_added_tokens_strip_is_looked_at_once(bool stripLeft, int tokens)
    {
        var tokenizer = Loaded(JsonNode.Parse("""{"model":{"vocab":{"b":0},"merges":[]},"added_tokens":[{"id":1,"content":" ","rstrip":true}]}""")!.AsObject() is var json && (json["added_tokens"]![0]!["lstrip"] = stripLeft) is not null ? json : null!);
        var encoding = Task.Run(() => tokenizer.Encode(new string(' ', 1_000_000) + "b", addSpecialTokens: false), TestContext.Current.CancellationToken);
        Assert.Equal(tokens, (await encoding.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken)).Length);
    }

    // A backtracking engine needs 2^50 steps for the first, and is stopped by its clock.
    [Theory]
    [InlineData("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 0)]
    [InlineData("(a+)+$", "baaa", 1)]
    [InlineData(@"(\w+\s?)*!", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0)]
    public void A_pattern_that_would_backtrack_for_ever_is_matched_in_linear_time(string pattern, string text, int expected)
    {
        var matches = new List<TextRange>();
        new RegexPattern(pattern).Match(text, new TextRange(0, text.Length), matches);
        Assert.Equal(expected, matches.Count);
    }

    [Theory]
    [InlineData("a   b", "a|  | |b")]
    [InlineData("a b  ", "a| |b|  ")]
    [InlineData("  \n  b", "  \n| | |b")]
    [InlineData("🙂  🙂 ", "🙂| | |🙂| ")]
    public void All_but_the_last_space_before_a_word_is_one_piece(string text, string pieces)
    {
        var matches = new List<TextRange>();
        new RegexPattern(@"[^\s]+|\s*[\r\n]+|\s+(?!\S)|\s+").Match(text, new TextRange(0, text.Length), matches);
        Assert.Equal(pieces, string.Join('|', matches.Select(range => text[range.Start..range.End])));
    }

    [Theory]
    [InlineData("Removed", false, "a|b")]
    [InlineData("Isolated", false, "a|-|-|b")]
    [InlineData("MergedWithPrevious", false, "a-|-|b")]
    [InlineData("MergedWithNext", false, "a|-|-b")]
    [InlineData("Contiguous", false, "a|--|b")]
    [InlineData("Removed", true, "-|-")]
    public void Each_split_behaviour_is_as_documented(string behaviour, bool invert, string pieces)
    {
        var split = new PatternSplit(SplitPattern.FromText("-"), Enum.Parse<SplitBehavior>(behaviour), invert);
        var result = split.Apply(TextPieces.Whole("a--b", atStart: true));
        Assert.Equal(pieces, string.Join('|', result.Ranges.Select(range => result.Text[range.Start..range.End])));
    }

    [Fact]
    public void Half_of_a_character_is_held_back_while_streaming()
    {
        var tokenizer = Trained();
        var bytes = Encoding.UTF8.GetBytes("é").Select(value => tokenizer.TokenId(ByteAlphabet.CharacterOf(value).ToString())!.Value).ToArray();
        var decoder = new StreamingDecoder(tokenizer, skipSpecialTokens: true);
        Assert.Equal("", decoder.Add(bytes[0]));
        Assert.Equal("é", decoder.Add(bytes[1]));
        Assert.Equal("", decoder.Add(bytes[0]));
        Assert.Equal("\uFFFD", decoder.Complete());
    }

    // Files older than the field "type" are still about, such as those of T5 and BERT.
    [Theory]
    [InlineData("""{"vocab":{"a":0,"b":1,"ab":2},"merges":["a b"],"continuing_subword_prefix":"","max_input_chars_per_word":100,"unk_token":"a"}""", "ab", new[] { 2 })]
    [InlineData("""{"unk_id":0,"vocab":[["?",0.0],["a",-1.0],["b",-1.0],["ab",-1.5]]}""", "abb", new[] { 3, 2 })]
    [InlineData("""{"unk_token":"?","continuing_subword_prefix":"~","max_input_chars_per_word":9,"vocab":{"?":0,"a":1,"~b":2}}""", "ab", new[] { 1, 2 })]
    [InlineData("""{"unk_token":"?","vocab":{"?":0,"ab":1}}""", "ab", new[] { 1 })]
    public void A_model_without_its_type_is_told_by_its_fields(string model, string text, int[] ids) =>
        Assert.Equal(ids, Loaded(new JsonObject { ["model"] = JsonNode.Parse(model) }).Encode(text, addSpecialTokens: false));

    // .NET's own non-backtracking engine misses some matches of these.
    [Theory]
    [InlineData(@"\s?\p{L}+")]
    [InlineData(@"(?:\s|-)?a+")]
    [InlineData(@"(?:(?:\s|-)?)a")]
    [InlineData(@"(?:\s|-){0,1}a+")]
    [InlineData(@"(?:-|\s*)a+")]
    [InlineData(@"(?:-|)a+")]
    [InlineData(@"b*-*a+")]
    [InlineData(@"[]x-]*\s?a+")]
    [InlineData(@"(?:x|(?:-)?)a+")]
    public void Patterns_that_begin_with_what_may_be_missing_match_wherever_they_can(string pattern)
    {
        var random = new Random(3);
        var backtracking = new Regex(pattern.Replace("[]", @"[\]", StringComparison.Ordinal), RegexOptions.CultureInvariant);
        var regex = new RegexPattern(pattern);
        var matches = new List<TextRange>();
        for (var i = 0; i < 5_000; i++)
        {
            var text = string.Concat(random.GetItems("ab .-\n\rx]".AsSpan(), random.Next(1, 9)));
            matches.Clear();
            regex.Match(text, new TextRange(0, text.Length), matches);
            Assert.Equal(backtracking.Matches(text).Where(match => match.Length > 0).Select(match => new TextRange(match.Index, match.Index + match.Length)), matches);
        }
    }

    // Characters beyond U+FFFF are matched through others of their category, never through those that the pattern names.
    [Theory]
    [InlineData(@"[\uFFFF]")]
    [InlineData("[\uFFFF]")]
    [InlineData(@"[\uE000-\uF8FF]")]
    [InlineData(@"[!-\uA6E5]")]
    [InlineData(@"[\u2E80-\uA827\uA828]")]
    public void What_a_pattern_names_does_not_stand_for_other_characters(string pattern)
    {
        var matches = new List<TextRange>();
        new RegexPattern(pattern).Match("\U0010FFFF\U000F0000\U0001F600\U0001D4A1\U00020000", new TextRange(0, 10), matches);
        Assert.Empty(matches);
    }

    [Theory]
    [InlineData("{", "not valid JSON")]
    [InlineData("{}", "model")]
    [InlineData("""{"model":{"type":"SentencePiece","vocab":{"a":0}}}""", "a tokenizer of type SentencePiece is not supported")]
    [InlineData("""{"model":{"type":"Unigram","vocab":{}}}""", "must be a list")]
    [InlineData("""{"model":{"type":"Unigram","vocab":[]}}""", "is empty")]
    [InlineData("""{"model":{"type":"Unigram","vocab":[["a"]]}}""", "must be a token and its score")]
    [InlineData("""{"model":{"type":"Unigram","vocab":[["a",1e999]]}}""", "must be a token and its score")]
    [InlineData("""{"model":{"type":"Unigram","vocab":[["a",-1.0]]}}""", "without unk_id is not supported")]
    [InlineData("""{"model":{"type":"Unigram","unk_id":1,"vocab":[["a",-1.0]]}}""", "is 1, which no token has")]
    [InlineData("""{"model":{"type":"Unigram","unk_id":0,"vocab":[["a",-1.0],["LONG",-1.0]]}}""", "has 1025 characters")]
    [InlineData("""{"model":{"type":"WordPiece","unk_token":"a","vocab":{"a":0,"LONG":1}}}""", "has 1025 characters")]
    [InlineData("""{"model":{"type":"WordPiece","vocab":{"a":0}}}""", "\"[UNK]\", which the vocabulary lacks")]
    [InlineData("""{"model":{"continuing_subword_prefix":"##","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}""", "does not begin with the continuing_subword_prefix")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[]},"normalizer":{"type":"Precompiled","precompiled_charsmap":"AAA"}}""", "no table of SentencePiece")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[]},"normalizer":{"type":"Precompiled","precompiled_charsmap":"/////w=="}}""", "no table of SentencePiece")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"FixedLength","length":0}}""", "must be above 0")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[]},"decoder":{"type":"BPEDecoder","suffix":""}}""", "must not be empty")]
    [InlineData("""{"model":{"vocab":{"a":0,"b":0},"merges":[]}}""", "gives the id 0 to two tokens")]
    [InlineData("""{"model":{"vocab":{"a":-1},"merges":[]}}""", "token id from 0")]
    [InlineData("""{"model":{"vocab":{"a":999999999},"merges":[]}}""", "token id from 0")]
    [InlineData("""{"model":{"vocab":{"a":0,"b":1},"merges":["a b"]}}""", "\"ab\", which the vocabulary lacks")]
    [InlineData("""{"model":{"vocab":{"a":0,"":1},"merges":[["a",""]]}}""", "would never end")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":["a"]}}""", "two tokens with a space")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[]},"added_tokens":[{"id":0,"content":"x"}]}""", "which is that of \"a\"")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[]},"normalizer":{"type":"Replace","pattern":{"Regex":"(?<=a)b"},"content":""}}""", "look-around")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[]},"normalizer":{"type":"Replace","pattern":{"Regex":"[\\u0080-\\uFFFF]"},"content":""}}""", "every character of a category")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[]},"normalizer":{"type":"Replace","pattern":{"Regex":"(a)\\1"},"content":""}}""", "the regular expression")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\s+(?!\\S)|x"},"behavior":"Isolated"}}""", "before |")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[]},"normalizer":{"type":"Sequence","normalizers":[{"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},{"type":"Replace","pattern":{"Regex":"a"},"content":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}]}}""", "more than 1024 times")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[]},"decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},{"type":"Replace","pattern":{"String":"a"},"content":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}]}}""", "more than 1024 times")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[]},"normalizer":{"type":"Rot13"}}""", "a normalizer of type Rot13 is not supported")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\p{Han}+"},"behavior":"Isolated","invert":false}}""", "the regular expression")]
    [InlineData("""{"model":{"vocab":{"a":0},"merges":[],"dropout":0.1}}""", "dropout of merges is not supported")]
    public void A_broken_or_unsupported_file_is_refused_saying_what_and_where(string json, string what)
    {
        File.WriteAllText(folder.File("tokenizer.json"), json.Replace("LONG", new string('x', 1025), StringComparison.Ordinal));
        var error = Assert.Throws<AgoraException>(() => Tokenizer.Load(folder.Path));
        Assert.Contains(what, error.What, StringComparison.Ordinal);
        Assert.Contains("tokenizer.json", error.Where, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"tokenizer_class":"LlamaTokenizer","add_bos_token":true,"add_eos_token":true,"bos_token":"<s>","eos_token":{"content":"</s>"}}""", "<s>▁a</s>")]
    [InlineData("""{"tokenizer_class":"LlamaTokenizerFast","add_bos_token":false}""", "▁a")]
    [InlineData("""{"tokenizer_class":"LlamaTokenizer"}""", "<s>▁a")]
    [InlineData("""{"tokenizer_class":"PreTrainedTokenizerFast","add_bos_token":false,"add_eos_token":true,"eos_token":"</s>"}""", "<s>▁a")]
    public void Llamas_class_puts_the_tokens_around_a_text_that_its_settings_ask_for(string config, string tokens)
    {
        File.WriteAllText(folder.File("tokenizer_config.json"), config);
        var json = SentencePieceStyle();
        json["post_processor"] = JsonNode.Parse("""{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]}}}""");
        var tokenizer = Loaded(json);
        Assert.Equal(tokens, string.Concat(tokenizer.Encode("a", addSpecialTokens: true).Select(tokenizer.TokenText)));
        Assert.Equal("▁a", string.Concat(tokenizer.Encode("a", addSpecialTokens: false).Select(tokenizer.TokenText)));
    }

    [Theory]
    [InlineData("</s>", "▁a</s>", null)]
    [InlineData("<eos>", null, "\"<eos>\", which the vocabulary lacks")]
    public void The_token_that_the_settings_ask_for_may_be_named_in_the_map_of_special_tokens(string end, string? tokens, string? fault)
    {
        File.WriteAllText(folder.File("tokenizer_config.json"), """{"tokenizer_class":"LlamaTokenizer","add_eos_token":true}""");
        File.WriteAllText(folder.File("special_tokens_map.json"), $$"""{"eos_token":"{{end}}"}""");
        if (fault is null)
            Assert.Equal(tokens, string.Concat(Loaded(SentencePieceStyle()) is var tokenizer ? tokenizer.Encode("a", addSpecialTokens: true).Select(tokenizer.TokenText) : []));
        else
            Assert.Contains(fault, Assert.Throws<AgoraException>(() => Loaded(SentencePieceStyle())).What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{", "not valid JSON")]
    [InlineData("[]", "must be an object")]
    [InlineData("""{"tokenizer_class":"\ud800"}""", "not valid JSON")]
    [InlineData("""{"tokenizer_class":"LlamaTokenizer","add_bos_token":true,"bos_token":"\udfff"}""", "not valid JSON")]
    public void Broken_settings_are_named(string config, string what)
    {
        File.WriteAllText(folder.File("tokenizer_config.json"), config);
        var error = Assert.Throws<AgoraException>(() => Loaded(SentencePieceStyle()));
        Assert.Contains(what, error.What, StringComparison.Ordinal);
        Assert.Equal(folder.File("tokenizer_config.json"), error.Where);
    }

    [Fact]
    public void A_token_that_the_settings_ask_for_and_the_vocabulary_lacks_is_named()
    {
        File.WriteAllText(folder.File("tokenizer_config.json"), """{"tokenizer_class":"LlamaTokenizer","add_eos_token":true,"eos_token":"<eos>"}""");
        var error = Assert.Throws<AgoraException>(() => Loaded(SentencePieceStyle()));
        Assert.Contains("\"<eos>\", which the vocabulary lacks", error.What, StringComparison.Ordinal);
        Assert.Contains("tokenizer_config.json", error.Where, StringComparison.Ordinal);
    }

    // Each step spells every byte above 127 in two: a few dozen would fill any memory.
    [Theory]
    [InlineData("normalizer", "normalizers", """{"type":"ByteLevel"}""")]
    [InlineData("normalizer", "normalizers", """{"type":"Prepend","prepend":"aaaaaaaa"}""")]
    [InlineData("pre_tokenizer", "pretokenizers", """{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}""")]
    public void Steps_that_together_would_lengthen_a_text_without_end_are_refused(string part, string members, string step)
    {
        var json = SentencePieceStyle();
        json[part] = new JsonObject { ["type"] = "Sequence", [members] = new JsonArray([.. Enumerable.Range(0, 40).Select(_ => JsonNode.Parse(step))]) };
        Assert.Contains("more than 1024 times", Assert.Throws<AgoraException>(() => Loaded(json)).What, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_tokenizer_says_what_is_missing() =>
        Assert.Contains("no tokenizer", Assert.Throws<AgoraException>(() => Tokenizer.Load(folder.Path)).What, StringComparison.Ordinal);

    // Whatever is done to the file, it is read or refused; nothing else may come out.
    [Fact]
    public void A_damaged_file_is_read_or_refused_and_never_crashes()
    {
        var whole = SentencePieceStyle().ToJsonString();
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Int[1, 40], Gen.OneOf("", "\"", "{", "[", "]", "null", "-1", "99999999999", "\\ud800", ",", "true")).Sample((at, length, with) =>
        {
            var damaged = string.Concat(whole.AsSpan(0, at), with, whole.AsSpan(Math.Min(whole.Length, at + length)));
            File.WriteAllText(folder.File("tokenizer.json"), damaged);
            try
            {
                Tokenizer.Load(folder.Path).Encode("some text é", addSpecialTokens: true);
            }
            catch (AgoraException)
            {
            }
        }, iter: 500, threads: 1);
    }

    private static bool IsWellFormed(string text) => !text.EnumerateRunes().Any(rune => rune == Rune.ReplacementChar);

    private static List<TextRange> Matches(SplitPattern pattern, string text)
    {
        var matches = new List<TextRange>();
        pattern.Match(text, new TextRange(0, text.Length), matches);
        return matches;
    }

    private Tokenizer Trained()
    {
        BytePairTrainer.Train(Enumerable.Repeat("the cat sat on the mat; they don't like that. 12 + 34 = 46", 3), 320, TrainedTokenizer.ChatTokens).Save(folder.Path, 1024);
        return Tokenizer.Load(folder.Path);
    }

    private Tokenizer Loaded(JsonNode json)
    {
        File.WriteAllText(folder.File("tokenizer.json"), json.ToJsonString());
        return Tokenizer.Load(folder.Path);
    }

    /// <summary>In the style of Llama 2: ▁ for spaces, bytes for what is unknown.</summary>
    private static JsonObject SentencePieceStyle()
    {
        string[] tokens = ["<unk>", "<s>", "</s>", .. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>"), "▁", "a", "b", "▁a", "ab", "▁ab", "▁▁", "aa", "aaaa"];
        return new JsonObject
        {
            ["added_tokens"] = new JsonArray([.. new[] { "<unk>", "<s>", "</s>" }.Select((token, id) => new JsonObject { ["id"] = id, ["content"] = token, ["special"] = true })]),
            ["normalizer"] = JsonNode.Parse("""{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}"""),
            ["pre_tokenizer"] = null,
            ["post_processor"] = null,
            ["decoder"] = JsonNode.Parse("""{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}"""),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["unk_token"] = "<unk>",
                ["fuse_unk"] = true,
                ["byte_fallback"] = true,
                ["vocab"] = new JsonObject(tokens.Select((token, id) => KeyValuePair.Create(token, (JsonNode?)id))),
                ["merges"] = new JsonArray("a b", "▁ a", "▁ ab", "▁ ▁", "a a", "aa aa"),
            },
        };
    }
}
