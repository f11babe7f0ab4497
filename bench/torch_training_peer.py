#!/usr/bin/env python3
"""Trains a Llama with eager PyTorch on the CPU: the peer of "Agora.Bench training", which starts it.

    torch_training_peer.py MODEL_FOLDER BATCHES STEPS THREADS

MODEL_FOLDER holds config.json and float32 weights in model.safetensors, BATCHES one JSON object: "rows", lists of token ids of one length with -1 where a row is padded, "perStep", "learningRate", and
"targets", lists of the same length that say which tokens count in the loss (all, where there is none). Steps go round the batches. Prints one JSON object: seconds of every step, losses, versions, peak resident memory.

What makes it a fair peer: it starts from the same weights and sees the same batches, so that the losses must agree; OpenBLAS is told the processor's type, which it does not recognise on virtual machines (a
fifth of the speed otherwise); the OpenMP build of OpenBLAS does not contend with torch's own threads; AdamW runs over all parameters at once (foreach). Needs Debian's python3-torch and libopenblas0-openmp.
"""
import json
import os
import resource
import struct
import sys
import time


def core_type():
    with open("/proc/cpuinfo") as info:
        flags = next((line.split() for line in info if line.startswith("flags")), [])
    return "SkylakeX" if "avx512bw" in flags else "Haswell" if "avx2" in flags else None


def main(folder, batches, steps, threads):
    if core_type():
        os.environ.setdefault("OPENBLAS_CORETYPE", core_type())
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    try:
        import numpy
        import torch
        from torch.nn import functional as F
    except ImportError as missing:
        print(f"{missing}; apt-get install python3-torch python3-numpy libopenblas0-openmp, and run with /usr/bin/python3", file=sys.stderr)
        return 3
    torch.set_num_threads(threads)

    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    weights = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        if entry["dtype"] == "BF16":      # the upper half of a float32
            values = (numpy.frombuffer(data[begin:end], dtype="<u2").astype("<u4") << 16).view("<f4").reshape(entry["shape"])
        else:
            values = numpy.frombuffer(data[begin:end], dtype={"F32": "<f4", "F16": "<f2"}[entry["dtype"]]).astype("<f4").reshape(entry["shape"])
        weights[name] = torch.nn.Parameter(torch.from_numpy(values.copy()))
    if config.get("tie_word_embeddings"):
        weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    heads, key_value_heads = config["num_attention_heads"], config["num_key_value_heads"]
    head_size = config.get("head_dim") or config["hidden_size"] // heads
    with open(batches) as file:
        given = json.load(file)
    rows = torch.tensor(given["rows"])
    labels = rows.masked_fill(~torch.tensor(given["targets"]), -1) if given.get("targets") else rows
    per_step = given["perStep"]
    width = rows.shape[1]
    inverse = config["rope_theta"] ** (-torch.arange(0, head_size, 2).float() / head_size)
    angles = torch.arange(width).float()[:, None] * inverse
    cos, sin = angles.cos(), angles.sin()
    mask = torch.full((width, width), float("-inf")).triu(1)

    def norm(x, weight):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + config["rms_norm_eps"]) * weight

    def rotate(x):
        u, v = x.chunk(2, -1)
        return torch.cat([u * cos - v * sin, v * cos + u * sin], -1)

    def forward(ids):
        batch = ids.shape[0]
        x = F.embedding(ids.clamp(min=0), weights["model.embed_tokens.weight"])
        for layer in range(config["num_hidden_layers"]):
            part = f"model.layers.{layer}."

            def linear(name, values, part=part):
                return F.linear(values, weights[part + name + ".weight"])

            def split(values, count, batch=batch):
                return values.view(batch, width, count, head_size).transpose(1, 2)

            h = norm(x, weights[part + "input_layernorm.weight"])
            q = rotate(split(linear("self_attn.q_proj", h), heads))
            k = rotate(split(linear("self_attn.k_proj", h), key_value_heads))
            v = split(linear("self_attn.v_proj", h), key_value_heads)
            if key_value_heads != heads:
                k, v = (z.repeat_interleave(heads // key_value_heads, 1) for z in (k, v))
            w = (q @ k.transpose(-1, -2) / head_size**0.5 + mask).softmax(-1)
            x = x + linear("self_attn.o_proj", (w @ v).transpose(1, 2).reshape(batch, width, heads * head_size))
            h = norm(x, weights[part + "post_attention_layernorm.weight"])
            x = x + linear("mlp.down_proj", F.silu(linear("mlp.gate_proj", h)) * linear("mlp.up_proj", h))
        return F.linear(norm(x, weights["model.norm.weight"]), weights["lm_head.weight"])

    parameters = list({id(weight): weight for weight in weights.values()}.values())
    optimizer = torch.optim.AdamW(parameters, lr=given["learningRate"], betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, foreach=True)
    seconds, losses = [], []
    for step in range(steps):
        first = step * per_step % len(rows)
        ids = rows[first:first + per_step]
        started = time.perf_counter()
        logits = forward(ids)
        loss = F.cross_entropy(logits[:, :-1].reshape(-1, logits.shape[-1]), labels[first:first + per_step, 1:].reshape(-1), ignore_index=-1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - started)
    with open("/proc/self/maps") as maps:
        blas = sorted({os.path.basename(os.path.dirname(line.split()[-1])) for line in maps if "/libblas.so" in line or "/libopenblas" in line})
    print(json.dumps({
        "seconds": seconds, "losses": losses, "torch": torch.__version__, "blas": ", ".join(blas), "coreType": os.environ.get("OPENBLAS_CORETYPE"),
        "parameters": sum(parameter.numel() for parameter in parameters), "peakMebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }))
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
