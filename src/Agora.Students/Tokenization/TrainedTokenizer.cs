using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Agora.Students.Tokenization;

/// <summary>What <see cref="BytePairTrainer"/> has learned, to be written in Hugging Face's format.</summary>
/// <param name="Tokens">By id, in GPT-2's byte alphabet; the first 256 are the bytes.</param>
/// <param name="Merges">Ids, best first.</param>
/// <param name="SpecialTokens">Their ids follow those of the tokens.</param>
public sealed record TrainedTokenizer(IReadOnlyList<string> Tokens, IReadOnlyList<(int Left, int Right)> Merges, IReadOnlyList<string> SpecialTokens)
{
    public const string BeginOfText = "<|begin_of_text|>";
    public const string EndOfText = "<|end_of_text|>";
    public const string StartHeader = "<|start_header_id|>";
    public const string EndHeader = "<|end_header_id|>";
    public const string EndOfTurn = "<|eot_id|>";
    public const string Padding = "<|pad|>";

    /// <summary>The special tokens of a model that chats in the Llama 3 format.</summary>
    public static IReadOnlyList<string> ChatTokens { get; } = [BeginOfText, EndOfText, StartHeader, EndHeader, EndOfTurn, Padding];

    /// <summary>Llama 3's chat format at its barest: no default system message, no date, no tools.</summary>
    public const string ChatTemplate =
        "{{- bos_token }}\n"
        + "{%- for message in messages %}\n"
        + "    {{- '" + StartHeader + "' + message['role'] + '" + EndHeader + "\\n\\n' + (message['content'] | trim) + '" + EndOfTurn + "' }}\n"
        + "{%- endfor %}\n"
        + "{%- if add_generation_prompt %}\n"
        + "    {{- '" + StartHeader + "assistant" + EndHeader + "\\n\\n' }}\n"
        + "{%- endif %}\n";

    // Relaxed: the files are read by programs and people, never pasted into HTML.
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" };

    public int VocabularySize => Tokens.Count + SpecialTokens.Count;

    /// <summary>Writes tokenizer.json and tokenizer_config.json, with <see cref="ChatTemplate"/>, into the folder.</summary>
    public void Save(string modelFolder, int contextLength)
    {
        Directory.CreateDirectory(modelFolder);
        Write(Path.Combine(modelFolder, Tokenizer.FileName), TokenizerJson());
        Write(Path.Combine(modelFolder, "tokenizer_config.json"), ConfigJson(contextLength));
    }

    private static void Write(string path, JsonNode json) => File.WriteAllText(path, json.ToJsonString(Readable) + "\n");

    private JsonObject TokenizerJson() => new()
    {
        ["version"] = "1.0",
        ["truncation"] = null,
        ["padding"] = null,
        ["added_tokens"] = new JsonArray([.. SpecialTokens.Select((token, index) => AddedToken(Tokens.Count + index, token))]),
        ["normalizer"] = null,
        ["pre_tokenizer"] = new JsonObject
        {
            ["type"] = "Sequence",
            ["pretokenizers"] = new JsonArray(
                new JsonObject
                {
                    ["type"] = "Split",
                    ["pattern"] = new JsonObject { ["Regex"] = WordScanner.SingleDigits },
                    ["behavior"] = "Isolated",
                    ["invert"] = false,
                },
                ByteLevel()),
        },
        ["post_processor"] = SpecialTokens.Contains(BeginOfText) ? BeginOfTextFirst() : null,
        ["decoder"] = ByteLevel(),
        ["model"] = new JsonObject
        {
            ["type"] = "BPE",
            ["dropout"] = null,
            ["unk_token"] = null,
            ["continuing_subword_prefix"] = null,
            ["end_of_word_suffix"] = null,
            ["fuse_unk"] = false,
            ["byte_fallback"] = false,
            ["ignore_merges"] = false,
            ["vocab"] = new JsonObject(Tokens.Select((token, id) => KeyValuePair.Create(token, (JsonNode?)id))),
            ["merges"] = new JsonArray([.. Merges.Select(merge => (JsonNode)$"{Tokens[merge.Left]} {Tokens[merge.Right]}")]),
        },
    };

    private static JsonObject ByteLevel() => new() { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = false };

    private JsonObject BeginOfTextFirst()
    {
        var id = Tokens.Count + SpecialTokens.ToList().IndexOf(BeginOfText);
        JsonObject Special(int type) => new() { ["SpecialToken"] = new JsonObject { ["id"] = BeginOfText, ["type_id"] = type } };
        JsonObject Text(string name, int type) => new() { ["Sequence"] = new JsonObject { ["id"] = name, ["type_id"] = type } };
        return new JsonObject
        {
            ["type"] = "TemplateProcessing",
            ["single"] = new JsonArray(Special(0), Text("A", 0)),
            ["pair"] = new JsonArray(Special(0), Text("A", 0), Special(1), Text("B", 1)),
            ["special_tokens"] = new JsonObject
            {
                [BeginOfText] = new JsonObject { ["id"] = BeginOfText, ["ids"] = new JsonArray(id), ["tokens"] = new JsonArray(BeginOfText) },
            },
        };
    }

    private static JsonObject AddedToken(int id, string content) => new()
    {
        ["id"] = id,
        ["content"] = content,
        ["single_word"] = false,
        ["lstrip"] = false,
        ["rstrip"] = false,
        ["normalized"] = false,
        ["special"] = true,
    };

    private JsonObject ConfigJson(int contextLength)
    {
        var config = new JsonObject
        {
            ["tokenizer_class"] = "PreTrainedTokenizerFast",
            ["model_max_length"] = contextLength,
            ["clean_up_tokenization_spaces"] = false,
        };
        foreach (var (role, token) in (ReadOnlySpan<(string, string)>)[("bos_token", BeginOfText), ("eos_token", EndOfTurn), ("pad_token", Padding)])
            if (SpecialTokens.Contains(token))
                config[role] = token;
        config["chat_template"] = ChatTemplate;
        return config;
    }
}
