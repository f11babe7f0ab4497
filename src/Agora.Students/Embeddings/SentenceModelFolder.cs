using System.Text.Json;
using Agora.Experiments;
using Agora.Students.Checkpoints;
using Agora.Students.Tokenization;

namespace Agora.Students.Embeddings;

/// <summary>Which hidden states make a text's vector.</summary>
internal enum SentencePooling
{
    /// <summary>The mean over the text's tokens.</summary>
    Mean,
    /// <summary>That of the first token, [CLS].</summary>
    First,
}

/// <summary>A folder as sentence-transformers exports it to ONNX: the model, its tokenizer, pooling.</summary>
/// <param name="Model">onnx/model.onnx or model.onnx.</param>
/// <param name="Lowers">Texts are put in lower case before anything else, whatever the tokenizer does (sentence_bert_config.json).</param>
/// <param name="MostTokens">Longer texts are cut, as sentence-transformers cuts them; special tokens included.</param>
/// <param name="OtherModules">What modules.json puts after the model beside pooling and scaling, such as Dense: not here unless the ONNX file has it.</param>
internal sealed record SentenceModelFolder(string Model, Tokenizer Tokenizer, bool Lowers, SentencePooling Pooling, int MostTokens, IReadOnlyList<string> OtherModules)
{
    // BERT's positions.
    private const int UsualTokens = 512;

    /// <summary>Files below the folder that decide its vectors.</summary>
    public static IReadOnlyList<string> Files { get; } =
        ["model.onnx", "onnx/model.onnx", "model.onnx_data", "onnx/model.onnx_data", "vocab.txt", "tokenizer.json", "tokenizer_config.json", "sentence_bert_config.json", "modules.json", "1_Pooling/config.json"];

    /// <summary>Whether the folder holds an ONNX model.</summary>
    public static bool IsAt(string folder) => ModelOf(folder) is not null;

    /// <exception cref="AgoraException">A file is missing or bad, or asks for something that is not supported; it is named.</exception>
    public static SentenceModelFolder Read(string folder)
    {
        var model = ModelOf(folder) ?? throw new AgoraException("no ONNX model", folder, "give a folder with onnx/model.onnx or model.onnx");
        var tokenizer = Json(folder, "tokenizer_config.json");
        var limits = Json(folder, "sentence_bert_config.json");
        var most = limits is { } own && own["max_seq_length"].Exists ? own["max_seq_length"].Number()
            : tokenizer is { } usual && usual["model_max_length"].Value is { ValueKind: JsonValueKind.Number } length && length.TryGetInt32(out var given) ? Math.Min(given, UsualTokens) : UsualTokens;
        if (most is < 3 or > 1 << 20)
            throw new AgoraException($"the longest text must have from 3 to {1 << 20} tokens, got {most}", Path.Combine(folder, limits is null ? "tokenizer_config.json" : "sentence_bert_config.json"), "take the file that came with the model");
        return new SentenceModelFolder(model, Tokenizing(folder, tokenizer), limits is { } lowers && lowers["do_lower_case"].Flag(), PoolingOf(folder), most, ModulesOf(folder));
    }

    private static string? ModelOf(string folder) => ((string[])[Path.Combine(folder, "onnx", "model.onnx"), Path.Combine(folder, "model.onnx")]).FirstOrDefault(File.Exists);

    private static JsonAt? Json(string folder, string file, int limit = BoundedFile.Settings)
    {
        var path = Path.Combine(folder, file);
        if (!File.Exists(path))
            return null;
        try
        {
            using var document = JsonDocument.Parse(BoundedFile.Read(path, limit));
            return new JsonAt(document.RootElement.Clone(), path, "");
        }
        catch (JsonException fault)
        {
            throw new AgoraException($"no JSON: {fault.Message}", path, "take the file that came with the model", fault);
        }
    }

    private static SentencePooling PoolingOf(string folder)
    {
        if (Json(folder, "1_Pooling/config.json") is not { } pooling)
            return SentencePooling.Mean;
        string[] modes = [.. pooling.Members().Where(member => member.Name.StartsWith("pooling_mode_", StringComparison.Ordinal) && member.Value.Flag()).Select(member => member.Name)];
        return modes switch
        {
            ["pooling_mode_mean_tokens"] => SentencePooling.Mean,
            ["pooling_mode_cls_token"] => SentencePooling.First,
            _ => throw new AgoraException($"pooling by {(modes.Length == 0 ? "nothing" : string.Join(" and ", modes))} is not supported", pooling.File, "take a model that pools by the mean of its tokens or by [CLS]"),
        };
    }

    private static IReadOnlyList<string> ModulesOf(string folder) => Json(folder, "modules.json") is not { } modules ? []
        : [.. modules.Items().Select(module => module["type"].Text().Split('.')[^1]).Where(type => type is not ("Transformer" or "Pooling" or "Normalize"))];

    private static Tokenizer Tokenizing(string folder, JsonAt? config)
    {
        var (path, vocabulary) = (Path.Combine(folder, Tokenizer.FileName), Path.Combine(folder, "vocab.txt"));
        if (!File.Exists(path))
            return File.Exists(vocabulary) ? BertVocabularyFile.Read(vocabulary, Rules(config, null))
                : throw new AgoraException($"neither {Tokenizer.FileName} nor vocab.txt", folder, "add the tokenizer's file that came with the model");
        var parts = TokenizerFile.Read(path);
        // BERT's classes of Transformers put what the config says in the place of what the file says.
        return new Tokenizer(Json(folder, Tokenizer.FileName, BoundedFile.Tables)!.Value["normalizer"] is { Exists: true } normalizer && normalizer["type"].Text() == "BertNormalizer"
            ? parts with { Normalizer = Rules(config, normalizer).Normalizer() } : parts);
    }

    private static BertRules Rules(JsonAt? config, JsonAt? normalizer)
    {
        bool Flag(string inConfig, string inFile, bool absent) =>
            config is { } given && given[inConfig].Exists ? given[inConfig].Flag() : normalizer is { } own ? own[inFile].Flag(absent) : absent;
        var lowers = Flag("do_lower_case", "lowercase", absent: true);
        // BERT strips accents where it lowers letters, unless a file says otherwise.
        return new BertRules(lowers, Flag("strip_accents", "strip_accents", absent: lowers), Flag("tokenize_chinese_chars", "handle_chinese_chars", absent: true), normalizer is not { } file || file["clean_text"].Flag(absent: true));
    }
}
