"""Reads a model folder by the published formats alone, with nothing of Agora's: the oracle for its checkpoints.

usage: independent_reader.py FOLDER logits [TOKEN...]    JSON: logits at the last token, or the score, computed in float64 as Hugging Face's modelling code does
       independent_reader.py FOLDER llama.cpp [TOKEN...] the same, over the tensors as llama.cpp's converter would rename, permute and rotate them
       independent_reader.py FOLDER tensors              JSON: name -> [dtype, shape, SHA-256 of the stored bytes]

Plain Python, as the models are tiny: no package is needed.
"""
import array
import hashlib
import json
import math
import os
import struct
import sys


def load_file(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    assert header.pop("__metadata__")["format"] == "pt"
    assert (8 + length) % 8 == 0, "data must be aligned"
    body = memoryview(data)[8 + length:]
    covered = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        assert set(entry) == {"dtype", "shape", "data_offsets"}, name
        assert entry["data_offsets"][0] == covered, name
        covered = entry["data_offsets"][1]
    assert covered == len(body)
    return {name: (entry["dtype"], entry["shape"], bytes(body[slice(*entry["data_offsets"])])) for name, entry in header.items()}


def load_folder(folder):
    index = os.path.join(folder, "model.safetensors.index.json")
    single = os.path.join(folder, "model.safetensors")
    if not os.path.exists(index):
        return load_file(single)
    assert not os.path.exists(single), "a folder is sharded or not"
    with open(index) as file:
        index = json.load(file)
    tensors = {}
    for shard in sorted(set(index["weight_map"].values())):
        assert os.path.dirname(shard) == ""
        part = load_file(os.path.join(folder, shard))
        for name in part:
            assert index["weight_map"][name] == shard and name not in tensors
        tensors.update(part)
    assert set(tensors) == set(index["weight_map"])
    assert index["metadata"]["total_size"] == sum(len(data) for _, _, data in tensors.values())
    return tensors


def widen(dtype, data):
    if dtype == "F32":
        return list(struct.unpack("<%df" % (len(data) // 4), data))
    if dtype == "F16":
        return list(struct.unpack("<%de" % (len(data) // 2), data))
    assert dtype == "BF16"
    return list(struct.unpack("<%df" % (len(data) // 2), b"".join(b"\0\0" + data[i:i + 2] for i in range(0, len(data), 2))))


class Matrix:
    def __init__(self, dtype, shape, data):
        values = array.array("d", widen(dtype, data))
        self.shape = shape
        width = shape[-1]
        self.rows = [values[i:i + width] for i in range(0, len(values), width)]

    def times(self, x):
        return [sum(map(float.__mul__, row, x)) for row in self.rows]


def permute(matrix, heads):
    """llama.cpp's LlamaModel.permute: reshape(heads, 2, size / 2, width).swapaxes(1, 2)."""
    size = len(matrix.rows) // heads
    matrix.rows = [matrix.rows[h * size + part * (size // 2) + i] for h in range(heads) for i in range(size // 2) for part in (0, 1)]
    return matrix


class Model:
    def __init__(self, folder, llama_cpp):
        with open(os.path.join(folder, "config.json")) as file:
            self.config = config = json.load(file)
        tensors = {name: Matrix(*entry) for name, entry in load_folder(folder).items()}
        self.family = config["model_type"]
        self.heads = config["num_attention_heads"]
        # The modelling code's own defaults.
        self.kv_heads = config.get("num_key_value_heads") or self.heads
        self.size = config.get("head_dim") or config["hidden_size"] // self.heads
        self.eps = config["rms_norm_eps"]
        self.layers = config["num_hidden_layers"]
        theta = config.get("rope_theta", 10000.0)
        self.inverse = [scaled(theta ** (-2 * i / self.size), config.get("rope_scaling")) for i in range(self.size // 2)]
        self.neighbours = llama_cpp and self.family in ("llama", "mistral")
        if self.neighbours:     # the other families keep their layout there, and rotate halves
            for layer in range(self.layers):
                for part, heads in (("q_proj", self.heads), ("k_proj", self.kv_heads)):
                    for kind in ("weight", "bias"):
                        name = "model.layers.%d.self_attn.%s.%s" % (layer, part, kind)
                        if name in tensors and kind == "weight":
                            permute(tensors[name], heads)
                        elif name in tensors:
                            column = tensors[name]
                            column.rows = [[value] for value in column.rows[0]]
                            permute(column, heads)
                            column.rows = [[row[0] for row in column.rows]]
        self.tensors = tensors

    def window(self, layer):
        config = self.config
        if self.family == "mistral":
            return config.get("sliding_window")
        if self.family in ("qwen2", "qwen3") and config.get("use_sliding_window") and layer >= config.get("max_window_layers", 28):
            return config.get("sliding_window")
        return None

    def norm(self, name, x):
        scale = 1 / math.sqrt(sum(value * value for value in x) / len(x) + self.eps)
        return [value * scale * weight for value, weight in zip(x, self.tensors[name].rows[0])]

    def linear(self, name, x):
        y = self.tensors[name + ".weight"].times(x)
        bias = self.tensors.get(name + ".bias")
        return [a + b for a, b in zip(y, bias.rows[0])] if bias else y

    def head(self, prefix, norm, x, position):
        if self.family == "qwen3":
            x = self.norm(prefix + norm + ".weight", x)
        out = [0.0] * self.size
        half = self.size // 2
        for i in range(half):
            angle = position * self.inverse[i]
            a, b = (2 * i, 2 * i + 1) if self.neighbours else (i, i + half)
            out[a] = x[a] * math.cos(angle) - x[b] * math.sin(angle)
            out[b] = x[b] * math.cos(angle) + x[a] * math.sin(angle)
        return out

    def split(self, x):
        return [x[i:i + self.size] for i in range(0, len(x), self.size)]

    def run(self, tokens):
        embedding = self.tensors["model.embed_tokens.weight"]
        stream = [list(embedding.rows[token]) for token in tokens]
        for layer in range(self.layers):
            prefix = "model.layers.%d." % layer
            attention = prefix + "self_attn."
            normed = [self.norm(prefix + "input_layernorm.weight", x) for x in stream]
            queries = [[self.head(attention, "q_norm", h, t) for h in self.split(self.linear(attention + "q_proj", x))] for t, x in enumerate(normed)]
            keys = [[self.head(attention, "k_norm", h, t) for h in self.split(self.linear(attention + "k_proj", x))] for t, x in enumerate(normed)]
            values = [self.split(self.linear(attention + "v_proj", x)) for x in normed]
            window = self.window(layer)
            for t in range(len(tokens)):
                mixed = []
                seen = range(max(0, t - window + 1) if window else 0, t + 1)
                for h in range(self.heads):
                    shared = h // (self.heads // self.kv_heads)
                    scores = [sum(map(float.__mul__, queries[t][h], keys[s][shared])) / math.sqrt(self.size) for s in seen]
                    top = max(scores)
                    weights = [math.exp(score - top) for score in scores]
                    total = sum(weights)
                    mixed += [sum(w * values[s][shared][d] for w, s in zip(weights, seen)) / total for d in range(self.size)]
                stream[t] = [a + b for a, b in zip(stream[t], self.linear(attention + "o_proj", mixed))]
            for t, x in enumerate(stream):
                x = self.norm(prefix + "post_attention_layernorm.weight", x)
                gate = self.linear(prefix + "mlp.gate_proj", x)
                up = self.linear(prefix + "mlp.up_proj", x)
                down = self.linear(prefix + "mlp.down_proj", [g / (1 + math.exp(-g)) * u for g, u in zip(gate, up)])
                stream[t] = [a + b for a, b in zip(stream[t], down)]
        last = self.norm("model.norm.weight", stream[-1])
        if self.config["architectures"][0].endswith("ForSequenceClassification"):
            return self.tensors["score.weight"].times(last)
        return (embedding if self.config.get("tie_word_embeddings") else self.tensors["lm_head.weight"]).times(last)


def scaled(frequency, scaling):
    if not scaling or (scaling.get("rope_type") or scaling.get("type")) == "default":
        return frequency
    assert (scaling.get("rope_type") or scaling.get("type")) == "llama3"
    length = 2 * math.pi / frequency
    low = scaling["original_max_position_embeddings"] / scaling["low_freq_factor"]
    high = scaling["original_max_position_embeddings"] / scaling["high_freq_factor"]
    if length < high:
        return frequency
    if length > low:
        return frequency / scaling["factor"]
    smooth = (scaling["original_max_position_embeddings"] / length - scaling["low_freq_factor"]) / (scaling["high_freq_factor"] - scaling["low_freq_factor"])
    return (1 - smooth) * frequency / scaling["factor"] + smooth * frequency


if __name__ == "__main__":
    folder, what = sys.argv[1], sys.argv[2]
    if what == "tensors":
        print(json.dumps({name: [dtype, shape, hashlib.sha256(data).hexdigest()] for name, (dtype, shape, data) in load_folder(folder).items()}))
    else:
        print(json.dumps(Model(folder, what == "llama.cpp").run([int(token) for token in sys.argv[3:]])))
