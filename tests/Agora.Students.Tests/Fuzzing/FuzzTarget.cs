using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Students.ChatTemplates;
using Agora.Students.Checkpoints;
using Agora.Students.Tokenization;
using Agora.Tests.Inference;

namespace Agora.Tests.Fuzzing;

/// <summary>A reader of files that anybody may have written, and where to begin.</summary>
/// <param name="Words">Of the format.</param>
/// <param name="Seeds">Valid inputs.</param>
/// <param name="Read">Reads the input and uses what was read as the product would.</param>
internal sealed record FuzzTarget(string Name, IReadOnlyList<string> Words, IReadOnlyList<byte[]> Seeds, Action<byte[]> Read)
{
    public static IReadOnlyList<string> Names { get; } = ["safetensors", "index", "config", "tokenizer", "template"];

    /// <param name="folder">For the files that the readers read.</param>
    public static FuzzTarget Make(string name, string folder) => name switch
    {
        "safetensors" => Safetensors(folder),
        "index" => Index(folder),
        "config" => Config(folder),
        "tokenizer" => TokenizerFile(folder),
        "template" => Template(),
        _ => throw new ArgumentException($"no reader is called {name}; there are {string.Join(", ", Names)}"),
    };

    private static FuzzTarget Safetensors(string folder)
    {
        var path = Path.Combine(folder, "fuzzed.safetensors");
        SafetensorsWriter.Write(path,
            [TensorToSave.Of("a", [2, 3], FloatType.F32, new float[6]), TensorToSave.Of("b", [4], FloatType.BF16, new float[4]), TensorToSave.Of("c", [], FloatType.F16, new float[1])]);
        var whole = File.ReadAllBytes(path);
        var header = Encoding.UTF8.GetString(whole.AsSpan(8, (int)BinaryPrimitives.ReadInt64LittleEndian(whole)));
        // The header's length is set right for most inputs, as no mutation of the header would get past it otherwise.
        return new FuzzTarget("safetensors",
            ["{", "}", "[", "]", "\"dtype\":\"F32\"", "\"shape\":[", "\"data_offsets\":[0,0]", "\"__metadata__\":{}", "F64", "BF16", "F8_E4M3", ",", ":", "\"\"", "null", "\\ud800", "[0,", "{\"a\":"],
            [whole, Encoding.UTF8.GetBytes(header), "{}"u8.ToArray(), """{"x":{"dtype":"F32","shape":[0,9],"data_offsets":[0,0]}}"""u8.ToArray()],
            input =>
            {
                var isText = input.Length > 0 && input[0] == '{';
                var bytes = input;
                if (isText)
                {
                    bytes = new byte[8 + input.Length + 34];
                    BinaryPrimitives.WriteInt64LittleEndian(bytes, input.Length);
                    input.CopyTo(bytes, 8);
                }
                File.WriteAllBytes(path, bytes);
                using var file = SafetensorsFile.Open(path);
                foreach (var tensor in file.Tensors.Values.Where(tensor => FloatType.Named(tensor.Type) is not null))
                {
                    if (file.Read(tensor).Length != tensor.Elements)
                        throw new InvalidOperationException("not as many elements as the shape says");
                }
                foreach (var tensor in file.Tensors.Values)
                    file.ReadStored(tensor, 0, new byte[tensor.Length]);
            });
    }

    private static FuzzTarget Index(string folder)
    {
        RandomModel.Write(folder);
        using (var checkpoint = CheckpointFolder.Open(folder))
        {
            var copy = Path.Combine(folder, "sharded");
            CheckpointWriter.SaveLike(folder, copy, [.. checkpoint.Config.Tensors().Select(tensor =>
                TensorToSave.Of(tensor.Name, tensor.Shape, FloatType.BF16, checkpoint.Read(tensor.Name)))], maxShardBytes: 40_000);
            folder = copy;
        }
        var path = Path.Combine(folder, "model.safetensors.index.json");
        return new FuzzTarget("index",
            ["\"weight_map\"", "\"metadata\"", "model-00001-of-00004.safetensors", "..", "/", "\\u0000", "\\ud800", "{", "}", "[", "]", ":", ",", "null", "\"\"", "config.json", "model.norm.weight"],
            [File.ReadAllBytes(path), """{"weight_map":{"model.norm.weight":"model-00001-of-00004.safetensors"}}"""u8.ToArray()],
            input =>
            {
                File.WriteAllBytes(path, input);
                using var checkpoint = CheckpointFolder.Open(folder);
                checkpoint.Read("model.norm.weight");
            });
    }

    private static FuzzTarget Config(string folder)
    {
        var path = Path.Combine(folder, "config.json");
        var copy = Path.Combine(folder, "copy.json");
        JsonObject With(string more)
        {
            var json = RandomModel.Config(320);
            foreach (var (key, value) in JsonNode.Parse(more)!.AsObject())
                json[key] = value?.DeepClone();
            return json;
        }
        return new FuzzTarget("config",
            [
                "null", "true", "[]", "{}", "\"\"", "-1", "\"llama\"", "\"qwen2\"", "\"qwen3\"", "\"mistral\"", "\"LlamaForCausalLM\"", "\"Qwen3ForSequenceClassification\"", "\"rope_parameters\":", "\"rope_scaling\":",
                "\"layer_types\":[\"sliding_attention\"],", "\"id2label\":{\"0\":\"a\"},", "\"sliding_window\":7,", "\"use_sliding_window\":true,", "\"head_dim\":", "\"torch_dtype\":\"float16\",", "\"auto_map\":{},",
                "\"quantization_config\":{},", "\\ud800", ",", ":", "{", "}", "[", "]",
            ],
            [
                Encoding.UTF8.GetBytes(With("{}").ToJsonString()),
                Encoding.UTF8.GetBytes(With("""{"rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":64},"eos_token_id":[1,2],"pad_token_id":-1}""").ToJsonString()),
                Encoding.UTF8.GetBytes(With("""{"model_type":"mistral","architectures":["MistralForCausalLM"],"sliding_window":9,"head_dim":null}""").ToJsonString()),
                Encoding.UTF8.GetBytes(With("""{"model_type":"qwen3","architectures":["Qwen3ForSequenceClassification"],"id2label":{"0":"x"},"layer_types":["full_attention","sliding_attention"],"use_sliding_window":true}""").ToJsonString()),
            ],
            input =>
            {
                File.WriteAllBytes(path, input);
                var config = TransformerConfigFile.Read(path);
                if (config.Tensors().Any(tensor => tensor.Shape.Any(size => size <= 0)))
                    throw new InvalidOperationException("a tensor without elements");
                if (config.RopeFrequencies().Any(frequency => !float.IsFinite(frequency)))
                    throw new InvalidOperationException("a frequency that is no number");
                GenerationConfig.Read(folder, config);
                TransformerConfigFile.Copy(path, FloatType.BF16, copy);
                TransformerConfigFile.Read(copy);
            });
    }

    private static FuzzTarget TokenizerFile(string folder)
    {
        RandomModel.Tokenizer(280).Save(folder, 64);
        var path = Path.Combine(folder, Tokenizer.FileName);
        string[] texts = ["", "the cat sat on the mat and 12 dogs", "  two  spaces\n\nand a line", "ünïcødé 日本語 😀x", "<s>▁a<0x0A></s>", new string('a', 3000), string.Concat(Enumerable.Repeat("<s", 500)), "\ud800 half"];
        return new FuzzTarget("tokenizer",
            [
                "null", "true", "false", "[]", "{}", "\"\"", "\"a\"", "\"▁\"", "\\ud800", ",", ":", "{", "}", "[", "]",
                .. (string[])["Sequence", "NFC", "NFKC", "NFD", "Lowercase", "Prepend", "Replace", "Strip", "ByteLevel", "Split", "Digits", "Metaspace", "Fuse", "ByteFallback", "TemplateProcessing", "BPE", "Whitespace", "Punctuation", "Unigram", "WordPiece", "WordLevel", "BertNormalizer", "Nmt", "StripAccents", "Precompiled", "FixedLength", "CTC", "BPEDecoder", "BertPreTokenizer"],
                "\"normalizer\":{\"type\":\"NFC\"},", "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"(a+)+$\"},\"content\":\"aa\"},", "\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"▁\"},",
                "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\s+\"},\"behavior\":\"MergedWithNext\",\"invert\":true},", "\"decoder\":{\"type\":\"Fuse\"},", "\"decoder\":{\"type\":\"Strip\",\"content\":\"a\",\"start\":1,\"stop\":1},",
                "\"ignore_merges\":true,", "\"byte_fallback\":true,", "\"fuse_unk\":true,", "\"unk_token\":\"<unk>\",", "\"lstrip\":true,", "\"single_word\":true,", "\"normalized\":true,",
                "\"continuing_subword_prefix\":\"##\",", "\"end_of_word_suffix\":\"</w>\",", "\"unk_id\":0,", "\"precompiled_charsmap\":\"\",", "\"pattern\":{\"Regex\":\"[^(\\\\s|[.,])]+\"},",
            ],
            [
                File.ReadAllBytes(path),
                """
                {"added_tokens":[{"id":0,"content":"<unk>","special":true},{"id":1,"content":"<s>","special":true,"lstrip":true},{"id":9,"content":"zz","special":false,"normalized":true,"single_word":true}],
                "normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]},"pre_tokenizer":null,
                "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]}}},
                "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
                "model":{"type":"BPE","unk_token":"<unk>","fuse_unk":true,"byte_fallback":true,"vocab":{"<unk>":0,"<s>":1,"<0x0A>":2,"▁":3,"a":4,"t":5,"▁a":6,"at":7,"▁at":8},"merges":["▁ a","a t",["▁a","t"]]}}
                """u8.ToArray(),
                """
                {"normalizer":{"type":"Lowercase"},"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}]},
                "decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"},"model":{"vocab":{"a":0,"b":1,"ab":2,"▁":3,"1":4},"merges":["a b"]}}
                """u8.ToArray(),
                Encoding.UTF8.GetBytes($$$"""
                {"normalizer":{"type":"Sequence","normalizers":[{"type":"Precompiled","precompiled_charsmap":"{{{CharacterTable.Base64(("\t", " "), ("ﬁ", "fi"), ("e\u0301", "é"))}}}"},{"type":"Nmt"},{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}]},
                "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"},"decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always"},
                "model":{"type":"Unigram","unk_id":0,"byte_fallback":true,"vocab":[["<unk>",0],["▁",-1.5],["▁a",-2.5],["t",-2],["at",-3],["<0x0A>",-9],["▁the",-4]]}}
                """),
                """
                {"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},"decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
                "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":20,"vocab":{"[UNK]":0,"a":1,"##a":2,"the":3,"##t":4}}}
                """u8.ToArray(),
                """
                {"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"ByteLevel","add_prefix_space":true},{"type":"FixedLength","length":3}]},"decoder":{"type":"BPEDecoder","suffix":"</w>"},
                "model":{"type":"BPE","unk_token":"a","continuing_subword_prefix":"##","end_of_word_suffix":"</w>","vocab":{"a":0,"##a":1,"a</w>":2,"##a</w>":3,"aa":4,"aa</w>":5},"merges":[["a","##a"],["a","##a</w>"]]}}
                """u8.ToArray(),
            ],
            input =>
            {
                File.WriteAllBytes(path, input);
                var tokenizer = Tokenizer.Load(folder);
                foreach (var text in texts)
                {
                    var ids = tokenizer.Encode(text, addSpecialTokens: true);
                    if (ids.Length > 10_000 + 1024 * 4 * text.Length)
                        throw new InvalidOperationException("more tokens than bytes");
                    if (ids.Any(id => id < 0 || id >= tokenizer.VocabularySize))
                        throw new InvalidOperationException("an id outside the vocabulary");
                    tokenizer.Decode(ids, skipSpecialTokens: true);
                }
                for (var id = -1; id < Math.Min(20, tokenizer.VocabularySize + 1); id++)
                    tokenizer.TokenBytes(id);
            });
    }

    private static FuzzTarget Template()
    {
        var variables = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>("""
            {"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":" Hi\n<there> "},{"role":"assistant","content":null,"tool_calls":[{"id":"abc","function":{"name":"f","arguments":{"x":1.5,"y":[true,null]}}}]}],
            "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{"x":{"type":"number"}},"required":["x"]}}}],"add_generation_prompt":true}
            """)!;
        string[] seeds =
        [
            TrainedTokenizer.ChatTemplate,
            "{% set ns = namespace(n=0) %}{% for m in messages if m.role != 'system' %}{% set ns.n = ns.n + 1 %}{{ loop.index0 }}{{ m['content'] | trim | default('x', true) }}{% else %}none{% endfor %}{{ ns.n }}",
            "{% macro show(t, depth=0) %}{{ '  ' * depth }}{{ t.name | upper }}{{ t | tojson(indent=4) }}{% endmacro %}{% for tool in tools %}{{ show(tool.function, depth=1) }}{% endfor %}",
            "{%- if messages[0].role == 'system' and messages | length > 1 -%}{{ messages[0]['content'].split(' ')[-1][::-1] }}{%- elif not tools is defined -%}a{%- else -%}{{ raise_exception('no ' ~ 1) }}{%- endif -%}",
            "{{ range(3) | map('string') | join(', ') }}{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | list | first }}{{ {'a': [1, 2.5], **{}} if false else (1, 'x') }}",
            "{% filter upper %}{{ strftime_now('%d %b %Y') }}{% endfilter %}{% generation %}{{ 'a%sb' % 3 }}{{ '{:>5}'.format('x') }}{% endgeneration %}{% raw %}{{ }}{% endraw %}{# note #}{{ 7 // 2 ** 2 % 3 - -1 }}",
            "{% for k, v in {'b': 1, 'a': 2}.items() %}{{ k }}={{ v }}{% if not loop.last %}, {% endif %}{% if loop.index > 5 %}{% break %}{% endif %}{% endfor %}{% call(x) (1) %}{% endcall %}",
        ];
        return new FuzzTarget("template",
            [
                "{{", "}}", "{%", "%}", "{%-", "-%}", "{#", "#}", "(", ")", "[", "]", "|", ".", "'", "\"", " if ", " else ", " for x in ", "endfor", "endif", "set x = ", "macro f(a)", "endmacro", "loop.", "namespace(", "not ", " in ", " is ",
                " and ", "~", "*", "**", "//", "%", "+", "-", "<", "==", "messages", "tools", "range(99999)", "'x' * 99999999", "9999999999999999999", "1e308", "tojson", "length", "join", "map(", "sort", "unique", "replace('', 'xx')", "split()",
                "batch(3)", "groupby('role')", "format(", "indent(999999999)", "center(99999999)", "[::-1]", "[1:", "{'a': 1}", "none", "true", "recursive", "break", "continue", "raw", "endraw", "call", "filter", "include 'x'", "import",
            ],
            [.. seeds.Select(Encoding.UTF8.GetBytes)],
            input => ChatTemplate.Parse(Encoding.UTF8.GetString(input), "fuzzed", new Dictionary<string, string> { ["bos_token"] = "<s>" }).Render(variables));
    }
}
