using System.Text.Json;
using Agora.Experiments;
using Agora.Students.Embeddings;
using Agora.Students.Inference;
using Agora.Tests;
using Microsoft.Extensions.AI;

namespace Agora.Students.Tests.Embeddings;

/// <summary>A sentence model of one attention layer, in real ONNX, against the same arithmetic in plain loops; WordPiece against Hugging Face's own tokenizers.</summary>
public sealed class OnnxSentenceModelTests : IDisposable
{
    private const int Width = 8, Positions = 16;

    private static readonly string[] Pieces =
    [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "what", "is", "the", "sum", "of", "un", "##aff", "##able", "three", "##s", "cafe", "naive", "+", "=", "?", ".", ",", "1", "2", "##2", "'", "-", "def", "add", "(", ")", "a", "##b", "b", ":",
        "return", "你", "好", "!", "w", "##ord", "##5",
    ];

    private readonly TemporaryFolder folder = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Vectors_are_the_mean_of_the_hidden_states_scaled_to_length_1(bool withTypes)
    {
        Write(withTypes);
        using var model = OnnxSentenceModel.Load(folder.Path, parallel: 2);
        string[] texts = ["What is the sum of 1 and 2?", "unaffable", "", "Three cafés"];
        var vectors = await model.GenerateAsync(texts, cancellationToken: Stop);
        foreach (var (text, vector) in texts.Zip(vectors))
        {
            var expected = Naive(model.Tokens(text), SentencePooling.Mean);
            Assert.Equal(expected.Length, vector.Vector.Length);
            Assert.All(expected.Zip(vector.Vector.ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
            Assert.Equal(1, vector.Vector.ToArray().Sum(value => (double)value * value), 1e-5);
        }
        Assert.Equal(texts.Sum(text => model.Tokens(text).Length), vectors.Usage!.InputTokenCount);
    }

    [Fact]
    public async Task Pooling_by_the_first_token_is_read_from_the_folder()
    {
        Write();
        File_("1_Pooling/config.json", """{"word_embedding_dimension": 8, "pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}""");
        using var model = OnnxSentenceModel.Load(folder.Path, parallel: 1);
        var vector = (await model.GenerateAsync(["the sum of three"], cancellationToken: Stop))[0].Vector.ToArray();
        Assert.All(Naive(model.Tokens("the sum of three"), SentencePooling.First).Zip(vector), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    [Fact]
    public async Task A_text_has_the_same_bits_alone_and_among_others()
    {
        Write();
        using var model = OnnxSentenceModel.Load(folder.Path, parallel: 2);
        string[] texts = [.. Enumerable.Range(1, 60).Select(i => string.Join(' ', Enumerable.Range(0, i % 13).Select(j => Pieces[5 + (i * j) % 30])))];
        var together = (await model.GenerateAsync(texts, cancellationToken: Stop)).Select(vector => vector.Vector.ToArray()).ToArray();
        foreach (var (text, vector) in texts.Zip(together))
            Assert.Equal((await model.GenerateAsync([text], cancellationToken: Stop))[0].Vector.ToArray(), vector);
    }

    [Fact]
    public async Task A_text_that_is_too_long_is_cut_to_what_the_model_takes()
    {
        Write();
        using var model = OnnxSentenceModel.Load(folder.Path, parallel: 1);
        var tokens = model.Tokens(string.Join(' ', Enumerable.Repeat("sum", 100)));
        Assert.Equal((Positions, 2L, 3L), (tokens.Length, tokens[0], tokens[^1]));
        Assert.Single(await model.GenerateAsync([string.Join(' ', Enumerable.Repeat("sum", 100))], cancellationToken: Stop));
    }

    public static TheoryData<string> Texts =>
    [
        "What is the sum of 1 and 2?", "UNAFFABLE unaffables", "Cafés naïve CAFÉ", "def add(a, b): return a+b", "你好!三", "12 22 1,2 w5 word5", "  tabs\tand\nlines\u00a0here ", "it's-three", "", "ﬁ Ⅷ ß İ", "x\u0000y\u200bz \ufffd", "[CLS] sum [MASK] [SEP]",
        "e\u0301 o\u0308", "😀 sum😀", new string('a', 150),
    ];

    [Theory]
    [MemberData(nameof(Texts))]
    public void Tokens_are_those_of_hugging_faces_tokenizer(string text)
    {
        foreach (var lower in (bool[])[true, false])
        {
            Write(lower: lower);
            using var other = new Tokenizers.DotNet.Tokenizer(vocabPath: Path_("tokenizer.json"));
            long[] expected = [.. other.Encode(text).Select(id => (long)id)];
            Assert.Equal(expected, Tokens(text));
            File.Delete(Path_("tokenizer.json"));
            Assert.Equal(expected, Tokens(text));        // vocab.txt says the same
        }
    }

    // As multilingual-e5 and paraphrase-multilingual have them.
    [Theory]
    [InlineData("What is the sum?")]
    [InlineData("  the sum is \n")]
    [InlineData("the  sum</s>of")]
    [InlineData("")]
    public void Tokenizers_of_other_kinds_serve_as_well(string text)
    {
        Write();
        File_("tokenizer.json", UnigramTokenizer);
        using var other = new Tokenizers.DotNet.Tokenizer(vocabPath: Path_("tokenizer.json"));
        Assert.Equal(other.Encode(text.Trim()).Select(id => (long)id), Tokens(text));
        Assert.Equal((0L, 2L), (Tokens(text)[0], Tokens(text)[^1]));
    }

    [Fact]
    public async Task A_model_with_another_tokenizer_gives_vectors_and_cuts_long_texts()
    {
        Write();
        File_("tokenizer.json", UnigramTokenizer);
        var text = string.Join(' ', Enumerable.Repeat("sum", 100));
        Assert.Equal((Positions, 0L, 2L), (Tokens(text).Length, Tokens(text)[0], Tokens(text)[^1]));
        using var model = OnnxSentenceModel.Load(folder.Path, parallel: 1);
        var vector = (await model.GenerateAsync(["the sum"], cancellationToken: Stop))[0].Vector.ToArray();
        Assert.All(Naive(model.Tokens("the sum"), SentencePooling.Mean).Zip(vector), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    [Fact]
    public void The_config_has_the_last_word_on_letters_and_accents()
    {
        Write(lower: true);
        File_("tokenizer_config.json", """{"do_lower_case": false}""");
        Assert.Equal(1, Tokens("What")[1]);     // unknown
        File_("tokenizer_config.json", """{"do_lower_case": true, "strip_accents": false}""");
        Assert.Equal((5L, 1L), (Tokens("What")[1], Tokens("café")[1]));
        File_("tokenizer_config.json", "{}");
        Assert.Equal((5L, 15L), (Tokens("What")[1], Tokens("café")[1]));
    }

    [Fact]
    public void Texts_are_lowered_where_the_sentence_model_asks_for_it()
    {
        Write(lower: false);
        Assert.Equal(1, Tokens("WHAT")[1]);
        File_("sentence_bert_config.json", $$"""{"max_seq_length": {{Positions}}, "do_lower_case": true}""");
        Assert.Equal(5, Tokens("WHAT")[1]);
    }

    [Fact]
    public void A_module_after_the_pooling_is_refused_by_name()
    {
        Write();
        File_("modules.json", """[{"type":"sentence_transformers.models.Transformer"},{"type":"sentence_transformers.models.Pooling"},{"type":"sentence_transformers.models.Normalize"}]""");
        OnnxSentenceModel.Load(folder.Path, parallel: 1).Dispose();
        File_("modules.json", """[{"type":"sentence_transformers.models.Transformer"},{"type":"sentence_transformers.models.Pooling"},{"type":"sentence_transformers.models.Dense"}]""");
        Assert.Contains("a module Dense after its pooling", Assert.Throws<AgoraException>(() => OnnxSentenceModel.Load(folder.Path, parallel: 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Models_are_told_apart_by_their_files()
    {
        Write();
        using var models = new EmbeddedModels(1, DeviceChoice.Cpu);
        var spec = new ModelSpec { Provider = ModelSpec.Embedded, Path = folder.Path };
        var first = await models.IdentifyAsync(spec, Stop);
        File_("1_Pooling/config.json", """{"pooling_mode_cls_token": true}""");
        Assert.NotEqual(first, await models.IdentifyAsync(spec, Stop));
    }

    [Theory]
    [InlineData("onnx/model.onnx", "no protobuf at all", "no ONNX model that can be run")]
    [InlineData("onnx/model.onnx", "", "no ONNX model that can be run")]
    [InlineData("vocab.txt", "just\nwords\n", "no vocabulary of WordPiece")]
    [InlineData("1_Pooling/config.json", """{"pooling_mode_max_tokens": true}""", "pooling by pooling_mode_max_tokens is not supported")]
    [InlineData("1_Pooling/config.json", "{", "no JSON")]
    [InlineData("sentence_bert_config.json", """{"max_seq_length": 0}""", "the longest text must have")]
    public void A_bad_file_is_named(string file, string content, string what)
    {
        Write();
        if (file == "vocab.txt")
            File.Delete(Path_("tokenizer.json"));
        File_(file, content);
        var fault = Assert.Throws<AgoraException>(() => OnnxSentenceModel.Load(folder.Path, parallel: 1));
        Assert.Contains(what, fault.Message, StringComparison.Ordinal);
        Assert.Contains(System.IO.Path.GetFileName(file), fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_with_fewer_positions_than_the_folder_says_fails_clearly()
    {
        Write();
        File_("sentence_bert_config.json", """{"max_seq_length": 500}""");
        using var model = OnnxSentenceModel.Load(folder.Path, parallel: 1);
        var fault = await Assert.ThrowsAsync<AgoraException>(() => model.GenerateAsync([string.Join(' ', Enumerable.Repeat("sum", 100))], cancellationToken: Stop));
        Assert.Contains("102 tokens", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_a_vocabulary_says_so()
    {
        Write();
        File.Delete(Path_("vocab.txt"));
        File_("tokenizer.json", """{"model": {"type": "Unigram", "vocab": []}}""");
        Assert.Contains("model.vocab is empty", Assert.Throws<AgoraException>(() => OnnxSentenceModel.Load(folder.Path, parallel: 1)).Message, StringComparison.Ordinal);
        File.Delete(Path_("tokenizer.json"));
        Assert.Contains("neither tokenizer.json nor vocab.txt", Assert.Throws<AgoraException>(() => OnnxSentenceModel.Load(folder.Path, parallel: 1)).Message, StringComparison.Ordinal);
    }

    private const string UnigramTokenizer = """
        {"version":"1.0","normalizer":{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "},
         "added_tokens":[{"id":0,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},{"id":2,"content":"</s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
         "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},
         "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"</s>","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":0}}],
           "special_tokens":{"<s>":{"id":"<s>","ids":[0],"tokens":["<s>"]},"</s>":{"id":"</s>","ids":[2],"tokens":["</s>"]}}},
         "decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"},
         "model":{"type":"Unigram","unk_id":3,"vocab":[["<s>",0],["<pad>",0],["</s>",0],["<unk>",0],["▁the",-2.5],["▁s",-3],["um",-3.5],["▁sum",-5],["▁is",-3],["▁",-4],["▁What",-6],["?",-5],["o",-6],["f",-6]]}}
        """;

    // Embedding of piece and position; one head of attention over the places that the mask lets through; a residual sum.
    private void Write(bool withTypes = true, bool lower = true)
    {
        var file = new OnnxFile()
            .Input("input_ids").Input("attention_mask")
            .Weights("words", [Pieces.Length, Width], Words).Weights("positions", [Positions, Width], Places).Weights("query", [Width, Width], Query).Weights("key", [Width, Width], Key).Weights("value", [Width, Width], Value)
            .Integers("zero", [], 0).Integers("one", [], 1).Integers("axis", [1], 1).Weights("far", [1], [-10000]).Weights("unit", [1], [1])
            .Node("Gather", ["words", "input_ids"], "worded");
        if (withTypes)
            file.Input("token_type_ids").Weights("types", [2, Width], new float[2 * Width]).Node("Gather", ["types", "token_type_ids"], "typed").Node("Add", ["worded", "typed"], "embedded");
        else
            file.Node("Identity", ["worded"], "embedded");
        file.Node("Shape", ["input_ids"], "shape").Node("Gather", ["shape", "one"], "length").Node("Range", ["zero", "length", "one"], "places").Node("Gather", ["positions", "places"], "placed")
            .Node("Add", ["embedded", "placed"], "x")
            .Node("MatMul", ["x", "query"], "q").Node("MatMul", ["x", "key"], "k").Node("MatMul", ["x", "value"], "v")
            .Node("Transpose", ["k"], "kt", ("perm", [0, 2, 1])).Node("MatMul", ["q", "kt"], "scores")
            .Node("Cast", ["attention_mask"], "let", ("to", [1])).Node("Sub", ["unit", "let"], "hidden").Node("Mul", ["hidden", "far"], "away").Node("Unsqueeze", ["away", "axis"], "bias")
            .Node("Add", ["scores", "bias"], "biased").Node("Softmax", ["biased"], "shares").Node("MatMul", ["shares", "v"], "attended")
            .Node("Add", ["x", "attended"], "last_hidden_state")
            .Output("last_hidden_state", "batch", "length", $"{Width}")
            .Save(System.IO.Path.Combine(folder.Path, "onnx", "model.onnx"));
        File_("vocab.txt", string.Join('\n', Pieces) + "\n");
        File_("tokenizer_config.json", JsonSerializer.Serialize(new { do_lower_case = lower, model_max_length = Positions }));
        File_("tokenizer.json", JsonSerializer.Serialize(new
        {
            version = "1.0",
            added_tokens = Pieces.Index().Where(piece => piece.Item[0] == '[').Select(piece => new { id = piece.Index, content = piece.Item, single_word = false, lstrip = false, rstrip = false, normalized = false, special = true }),
            normalizer = new { type = "BertNormalizer", clean_text = true, handle_chinese_chars = true, strip_accents = (bool?)null, lowercase = lower },
            pre_tokenizer = new { type = "BertPreTokenizer" },
            post_processor = new { type = "BertProcessing", cls = new object[] { "[CLS]", 2 }, sep = new object[] { "[SEP]", 3 } },
            model = new { type = "WordPiece", unk_token = "[UNK]", continuing_subword_prefix = "##", max_input_chars_per_word = 100, vocab = Pieces.Index().ToDictionary(entry => entry.Item, entry => entry.Index) },
        }));
    }

    private static readonly float[] Words = Values(1, Pieces.Length * Width), Places = Values(2, Positions * Width), Query = Values(3, Width * Width), Key = Values(4, Width * Width), Value = Values(5, Width * Width);

    private static double[] Naive(long[] tokens, SentencePooling pooling)
    {
        double[][] x = [.. tokens.Index().Select(token => Enumerable.Range(0, Width).Select(entry => (double)Words[token.Item * Width + entry] + Places[token.Index * Width + entry]).ToArray())];
        double[] Times(double[] row, float[] matrix) => [.. Enumerable.Range(0, Width).Select(column => Enumerable.Range(0, Width).Sum(entry => row[entry] * matrix[entry * Width + column]))];
        double[][] states = [.. x.Select(row =>
        {
            var query = Times(row, Query);
            double[] weights = [.. x.Select(other => Math.Exp(Times(other, Key).Zip(query, (one, two) => one * two).Sum()))];
            return row.Select((entry, place) => entry + x.Select((other, index) => weights[index] / weights.Sum() * Times(other, Value)[place]).Sum()).ToArray();
        })];
        double[] pooled = pooling == SentencePooling.First ? states[0] : [.. Enumerable.Range(0, Width).Select(entry => states.Average(state => state[entry]))];
        var length = Math.Sqrt(pooled.Sum(entry => entry * entry));
        return [.. pooled.Select(entry => entry / length)];
    }

    private static float[] Values(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5))];
    }

    private long[] Tokens(string text)
    {
        using var model = OnnxSentenceModel.Load(folder.Path, parallel: 1);
        return model.Tokens(text);
    }

    private string Path_(string name) => System.IO.Path.Combine(folder.Path, name);

    private void File_(string name, string content)
    {
        var path = System.IO.Path.Combine(folder.Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content);
    }
}
