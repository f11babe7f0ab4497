using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Agora.Experiments;

namespace Agora.Students.Checkpoints;

/// <summary>Reads config.json into a <see cref="TransformerConfig"/> and writes it back. What this engine does not compute is refused by name, never ignored.</summary>
public static class TransformerConfigFile
{
    private static readonly ImmutableDictionary<string, ModelFamily> Families = new Dictionary<string, ModelFamily>
    {
        ["llama"] = ModelFamily.Llama,
        ["mistral"] = ModelFamily.Mistral,
        ["qwen2"] = ModelFamily.Qwen2,
        ["qwen3"] = ModelFamily.Qwen3,
    }.ToImmutableDictionary();

    /// <exception cref="AgoraException">All faults and unsupported options of the file at once.</exception>
    public static TransformerConfig Read(string path)
    {
        var json = ConfigJson.Open(path);
        var config = Read(json);
        json.ThrowIfFaulty();
        return config!;
    }

    private static TransformerConfig? Read(ConfigJson json)
    {
        var familyName = json.Text("model_type");
        if (familyName is null || !Families.TryGetValue(familyName, out var family))
        {
            json.Fault($"model_type is {familyName ?? "absent"}; supported are {string.Join(", ", Families.Keys.Order(StringComparer.Ordinal))}");
            return null;
        }
        if (ReadHead(json, family) is not { } head)
            return null;
        RefuseUnsupported(json);

        var hidden = json.RequiredSize("hidden_size");
        var layers = json.RequiredSize("num_hidden_layers");
        var heads = json.RequiredSize("num_attention_heads");
        // A key may be null, which means as many as query heads; where it is absent, each family has its own default.
        var keyValueHeads = json.Has("num_key_value_heads")
            ? json.Size("num_key_value_heads") ?? heads
            : family switch { ModelFamily.Llama => heads, ModelFamily.Mistral => 8, _ => 32 };
        var headSize = json.Size("head_dim") ?? (family == ModelFamily.Qwen3 && !json.Has("head_dim") ? 128 : heads > 0 ? hidden / heads : 0);
        var attentionBias = family is ModelFamily.Llama or ModelFamily.Qwen3 && json.Flag("attention_bias", false);
        var config = new TransformerConfig
        {
            Family = family,
            Head = head,
            VocabularySize = json.RequiredSize("vocab_size"),
            HiddenSize = hidden,
            IntermediateSize = json.RequiredSize("intermediate_size"),
            Layers = layers,
            Heads = heads,
            KeyValueHeads = keyValueHeads,
            HeadSize = headSize,
            MaxPositions = json.Size("max_position_embeddings") ?? family switch { ModelFamily.Llama => 2048, ModelFamily.Mistral => 131072, _ => 32768 },
            NormEpsilon = json.Number("rms_norm_eps") ?? 1e-6,
            RopeTheta = RopeNumber(json, "rope_theta") ?? 10000,
            RopeScaling = ReadRopeScaling(json),
            TieEmbeddings = head == ModelHead.LanguageModel && json.Flag("tie_word_embeddings", false),
            QueryKeyValueBias = family == ModelFamily.Qwen2 || attentionBias,
            AttentionOutputBias = attentionBias,
            FeedForwardBias = family == ModelFamily.Llama && json.Flag("mlp_bias", false),
            QueryKeyNorm = family == ModelFamily.Qwen3,
            AttentionWindows = ReadWindows(json, family, layers),
            BeginOfSequenceId = json.TokenIds("bos_token_id") is [var begin, ..] ? begin : null,
            EndOfSequenceIds = json.TokenIds("eos_token_id"),
            PaddingId = json.TokenIds("pad_token_id") is [var padding, ..] ? padding : null,
            InitializerRange = json.Number("initializer_range") ?? 0.02,
        };
        const int MaxLayers = 10_000;       // a hostile number would be billions of tensor names
        if (layers > MaxLayers)
            json.Fault($"num_hidden_layers {layers} is above {MaxLayers}");
        if (keyValueHeads > 0 && heads % keyValueHeads != 0)
            json.Fault($"num_attention_heads {heads} is not a multiple of num_key_value_heads {keyValueHeads}");
        const long MaxWidth = 1 << 24;
        if ((long)heads * headSize > MaxWidth)
            json.Fault($"{heads} heads of {headSize} are wider than {MaxWidth}");
        if (config.NormEpsilon is < 0 or > 1)
            json.Fault($"rms_norm_eps must lie between 0 and 1, got {config.NormEpsilon}");
        if (config.RopeTheta < 1)
            json.Fault($"rope_theta must be at least 1, got {config.RopeTheta}");
        if (config.InitializerRange < 0)
            json.Fault($"initializer_range must not be negative, got {config.InitializerRange}");
        if (headSize <= 0 || headSize % 2 != 0)
            json.Fault($"head size {headSize} must be even and above 0 (head_dim, or hidden_size / num_attention_heads)");
        else if (!json.Has("head_dim") && hidden % Math.Max(heads, 1) != 0)
            json.Fault($"hidden_size {hidden} is not a multiple of num_attention_heads {heads}, and head_dim is absent");
        return config;
    }

    private static ModelHead? ReadHead(ConfigJson json, ModelFamily family)
    {
        var architectures = json.Texts("architectures");
        if (architectures.Length > 1)
        {
            json.Fault($"architectures names {architectures.Length} models ({string.Join(", ", architectures.Take(4))}); one is expected");
            return null;
        }
        var architecture = architectures is [var only] ? only : $"{family}ForCausalLM";
        if (architecture == $"{family}ForCausalLM")
            return ModelHead.LanguageModel;
        if (architecture == $"{family}ForSequenceClassification")
        {
            // The number of labels is often written only as the length of id2label; with neither, transformers means two.
            var labels = json.Size("num_labels") ?? json.Members("id2label") ?? 2;
            if (labels != 1)
                json.Fault($"{architecture} with {labels} labels; only one (a reward model) is supported");
            return ModelHead.Score;
        }
        json.Fault($"architecture {architecture} is not supported; {family}ForCausalLM and {family}ForSequenceClassification are");
        return null;
    }

    /// <summary>Options of these and of related families that change what is computed, with the value at which they change nothing (null: only null does).</summary>
    private static readonly (string Name, double? Neutral)[] OtherMaths =
    [
        ("attention_dropout", 0), ("partial_rotary_factor", 1), ("rotary_pct", 1), ("embedding_multiplier", 1), ("residual_multiplier", 1), ("logits_scaling", 1), ("logit_scale", 1),
        ("attention_multiplier", null), ("query_pre_attn_scalar", null), ("attn_logit_softcapping", null), ("final_logit_softcapping", null), ("clip_qkv", null),
        ("attention_chunk_size", null), ("no_rope_layer_interval", 0), ("num_experts", 0), ("num_local_experts", 0), ("n_routed_experts", 0), ("rope_local_base_freq", null),
    ];

    private static void RefuseUnsupported(ConfigJson json)
    {
        if (json.Text("hidden_act") is { } activation && activation is not ("silu" or "swish"))
            json.Fault($"hidden_act {activation} is not supported; silu is");
        foreach (var quantised in (string[])["quantization_config", "compression_config"])
        {
            if (json.Has(quantised) && !json.IsNull(quantised))
                json.Fault($"quantised weights ({quantised}{(json.Child(quantised)?.Text("quant_method") is { } method ? " with quant_method " + method : "")}) are not supported");
        }
        foreach (var (name, neutral) in OtherMaths)
        {
            if (json.Number(name) is { } value && value != neutral)
                json.Fault($"{name} {value} is not supported{(neutral is { } harmless ? $"; {harmless} is" : "")}");
        }
        foreach (var name in (string[])["is_encoder_decoder", "add_cross_attention", "rope_interleaved", "use_parallel_residual", "alibi"])
        {
            if (json.Flag(name, false))
                json.Fault($"{name} is not supported");
        }
        if (json.Numbers("no_rope_layers") is { Count: > 0 } rotated && rotated.Contains(0))
            json.Fault("no_rope_layers: layers without rotation are not supported");
        // Code of the repository's own replaces the family's; what it computes is unknown, and it is never run here.
        if (json.MemberNames("auto_map").FirstOrDefault(name => name.StartsWith("AutoModel", StringComparison.Ordinal)) is { } custom)
            json.Fault($"the model brings code of its own (auto_map, {custom}), which is not supported");
    }

    // Transformers 5 writes rope_parameters with rope_theta inside; before, both stood beside each other.
    private static double? RopeNumber(ConfigJson json, string name) => json.Number(name) ?? json.Child("rope_parameters")?.Number(name);

    private static RopeScaling? ReadRopeScaling(ConfigJson json)
    {
        if ((json.Child("rope_scaling") ?? json.Child("rope_parameters")) is not { } rope)
            return null;
        var type = rope.Text("rope_type") ?? rope.Text("type") ?? "default";
        if (type == "default")
        {
            if (rope.Number("factor") is { } factor && factor != 1)
                json.Fault($"rope type default with factor {factor} contradicts itself");
            return null;
        }
        if (type != "llama3")
        {
            json.Fault($"rope type {type} is not supported; default and llama3 are");
            return null;
        }
        var scaling = new RopeScaling(
            rope.RequiredNumber("factor"), rope.RequiredNumber("low_freq_factor"), rope.RequiredNumber("high_freq_factor"),
            rope.RequiredSize("original_max_position_embeddings"));
        if (scaling.Factor < 1 || scaling.LowFrequencyFactor < 0 || scaling.HighFrequencyFactor <= scaling.LowFrequencyFactor)
            json.Fault("rope type llama3 needs a factor of at least 1 and high_freq_factor above low_freq_factor, neither negative");
        return scaling;
    }

    // Qwen's configs carry a sliding_window that counts only with use_sliding_window, and then only from layer max_window_layers on.
    private static ImmutableArray<int?> ReadWindows(ConfigJson json, ModelFamily family, int layers)
    {
        var window = json.Has("sliding_window") ? json.Size("sliding_window") : family == ModelFamily.Llama ? null : 4096;
        if (family == ModelFamily.Llama || (family != ModelFamily.Mistral && !json.Flag("use_sliding_window", false)))
            window = null;
        var firstWindowed = family == ModelFamily.Mistral ? 0 : json.Count("max_window_layers") ?? 28;
        var kinds = json.Texts("layer_types");
        if (kinds.Length > 0 && kinds.Length != layers)
            json.Fault($"layer_types has {kinds.Length} entries for {layers} layers");
        foreach (var kind in kinds.Distinct().Where(kind => kind is not ("full_attention" or "sliding_attention")))
            json.Fault($"layer type {kind} is not supported");
        return [.. Enumerable.Range(0, Math.Max(layers, 0)).Select(layer =>
            (kinds.Length == layers ? kinds[layer] == "sliding_attention" : layer >= firstWindowed) ? window : null)];
    }

    /// <summary>A config.json for a model made here; one that came from a checkpoint keeps its own file.</summary>
    public static void Write(TransformerConfig config, FloatType type, string path)
    {
        if (config.Family != ModelFamily.Llama || config.AttentionWindows.Any(window => window is not null) || config.QueryKeyValueBias != config.AttentionOutputBias)
            throw new InvalidOperationException($"a new config.json is written for plain Llama models only, not for {config.Family}");
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray(config.Head == ModelHead.Score ? "LlamaForSequenceClassification" : "LlamaForCausalLM"),
            ["attention_bias"] = config.QueryKeyValueBias,
            ["attention_dropout"] = 0.0,
            ["bos_token_id"] = config.BeginOfSequenceId,
            ["eos_token_id"] = config.EndOfSequenceIds switch
            {
                [] => null,
                [var only] => only,
                var several => new JsonArray([.. several.Select(id => (JsonNode)id)]),
            },
            ["head_dim"] = config.HeadSize,
            ["hidden_act"] = "silu",
            ["hidden_size"] = config.HiddenSize,
            ["initializer_range"] = config.InitializerRange,
            ["intermediate_size"] = config.IntermediateSize,
            ["max_position_embeddings"] = config.MaxPositions,
            ["mlp_bias"] = config.FeedForwardBias,
            ["model_type"] = "llama",
            ["num_attention_heads"] = config.Heads,
            ["num_hidden_layers"] = config.Layers,
            ["num_key_value_heads"] = config.KeyValueHeads,
            ["pad_token_id"] = config.PaddingId,
            ["rms_norm_eps"] = config.NormEpsilon,
            ["rope_scaling"] = config.RopeScaling is { } rope
                ? new JsonObject
                {
                    ["factor"] = rope.Factor,
                    ["high_freq_factor"] = rope.HighFrequencyFactor,
                    ["low_freq_factor"] = rope.LowFrequencyFactor,
                    ["original_max_position_embeddings"] = rope.OriginalContext,
                    ["rope_type"] = "llama3",
                }
                : null,
            ["rope_theta"] = config.RopeTheta,
            ["tie_word_embeddings"] = config.TieEmbeddings,
            ["torch_dtype"] = type.ConfigName,
            ["use_cache"] = true,
            ["vocab_size"] = config.VocabularySize,
        };
        if (config.Head == ModelHead.Score)
            json["id2label"] = new JsonObject { ["0"] = "LABEL_0" };
        File.WriteAllText(path, json.ToJsonString(Indented) + "\n");
    }

    /// <summary>Copies a config.json, changing nothing but the type that the weights are stored in.</summary>
    public static void Copy(string from, FloatType type, string to)
    {
        var json = JsonNode.Parse(BoundedFile.Read(from, BoundedFile.Settings))!.AsObject();
        json[json.ContainsKey("dtype") ? "dtype" : "torch_dtype"] = type.ConfigName;
        File.WriteAllText(to, json.ToJsonString(Indented) + "\n");
    }

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
}
