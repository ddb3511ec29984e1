#!/usr/bin/env python3
"""The VILA forward pass in NumPy on the embedded demo model, from its files alone (reference vila-m3.md 1.5 to 1.8, 2.4, 3.5)
-> tests/data/vila.json. Written against the specification, not against the C++ code.

    tests/oracles/record_vila.py [MODEL_FOLDER]
"""
import json
import math
import pathlib
import struct
import sys

import numpy as np

root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2] / "resources/models/demo"


def tensors(folder):
    raw = (folder / "model.safetensors").read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    out = {}
    for name, info in json.loads(raw[8:8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = info["data_offsets"]
        data = raw[8 + length + begin:8 + length + end]
        if info["dtype"] == "BF16":
            values = (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(data, {"F32": np.float32, "F16": np.float16}[info["dtype"]]).astype(np.float32)
        out[name] = values.reshape(info["shape"]).astype(np.float64)
    return out


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def layer_norm(x, w, b, eps):
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) * w + b


erf = np.vectorize(math.erf)


def siglip(pixels, t, c, select):
    p, size = c["patch_size"], c["image_size"]
    side = size // p
    patches = pixels[:, :side * p, :side * p].reshape(3, side, p, side, p).transpose(1, 3, 0, 2, 4).reshape(side * side, -1)
    w = t["vision_model.embeddings.patch_embedding.weight"]
    x = patches @ w.reshape(w.shape[0], -1).T + t["vision_model.embeddings.patch_embedding.bias"] + t["vision_model.embeddings.position_embedding.weight"]
    heads, width = c["num_attention_heads"], c["hidden_size"]
    d = width // heads
    for n in range(c["num_hidden_layers"] + 1 + select):
        k = f"vision_model.encoder.layers.{n}."
        lin = lambda name, v: v @ t[k + name + ".weight"].T + t[k + name + ".bias"]
        h = layer_norm(x, t[k + "layer_norm1.weight"], t[k + "layer_norm1.bias"], c["layer_norm_eps"])
        q, kk, v = (lin("self_attn." + m, h).reshape(-1, heads, d).transpose(1, 0, 2) for m in ("q_proj", "k_proj", "v_proj"))
        a = softmax(q @ kk.transpose(0, 2, 1) * d ** -0.5) @ v
        x = x + lin("self_attn.out_proj", a.transpose(1, 0, 2).reshape(-1, width))
        h = lin("mlp.fc1", layer_norm(x, t[k + "layer_norm2.weight"], t[k + "layer_norm2.bias"], c["layer_norm_eps"]))
        x = x + lin("mlp.fc2", 0.5 * h * (1 + np.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * h ** 3))))
    return x


def project(x, t):
    side = int(math.isqrt(len(x)))
    g = x.reshape(side, side, -1)
    if side % 2:
        g = np.pad(g, ((0, 1), (0, 1), (0, 0)))
    half = g.shape[0] // 2
    rows = [np.concatenate([g[2 * i, 2 * j], g[2 * i, 2 * j + 1], g[2 * i + 1, 2 * j], g[2 * i + 1, 2 * j + 1]]) for j in range(half) for i in range(half)]
    h = layer_norm(np.array(rows), t["layers.1.weight"], t["layers.1.bias"], 1e-5)
    h = h @ t["layers.2.weight"].T + t["layers.2.bias"]
    return (0.5 * h * (1 + erf(h / math.sqrt(2)))) @ t["layers.4.weight"].T + t["layers.4.bias"]


def rms(x, w, eps):
    return x / np.sqrt((x ** 2).mean(-1, keepdims=True) + eps) * w


def llama(x, t, c):
    heads, kv = c["num_attention_heads"], c["num_key_value_heads"]
    d = c["head_dim"]
    n = len(x)
    angle = np.outer(np.arange(n), c["rope_theta"] ** (-2 * np.arange(d // 2) / d))
    cos, sin = np.cos(np.concatenate([angle, angle], 1)), np.sin(np.concatenate([angle, angle], 1))
    turn = lambda v: v * cos + np.concatenate([-v[..., d // 2:], v[..., :d // 2]], -1) * sin
    mask = np.triu(np.full((n, n), -np.inf), 1)
    for layer in range(c["num_hidden_layers"]):
        k = f"model.layers.{layer}."
        lin = lambda name, v: v @ t[k + name + ".weight"].T
        h = rms(x, t[k + "input_layernorm.weight"], c["rms_norm_eps"])
        q = turn(lin("self_attn.q_proj", h).reshape(n, heads, d).transpose(1, 0, 2))
        kk = turn(lin("self_attn.k_proj", h).reshape(n, kv, d).transpose(1, 0, 2)).repeat(heads // kv, 0)
        v = lin("self_attn.v_proj", h).reshape(n, kv, d).transpose(1, 0, 2).repeat(heads // kv, 0)
        a = softmax(q @ kk.transpose(0, 2, 1) / math.sqrt(d) + mask) @ v
        x = x + lin("self_attn.o_proj", a.transpose(1, 0, 2).reshape(n, -1))
        h = rms(x, t[k + "post_attention_layernorm.weight"], c["rms_norm_eps"])
        g = lin("mlp.gate_proj", h)
        x = x + lin("mlp.down_proj", g / (1 + np.exp(-g)) * lin("mlp.up_proj", h))
    return rms(x[-1], t["model.norm.weight"], c["rms_norm_eps"]) @ t["lm_head.weight"].T


def main():
    config = json.loads((root / "config.json").read_text())
    vision, llm = (json.loads((root / part / "config.json").read_text()) for part in ("vision_tower", "llm"))
    tv, tp, tl = tensors(root / "vision_tower"), tensors(root / "mm_projector"), tensors(root / "llm")
    size = vision["image_size"]
    y, x, c = np.meshgrid(np.arange(size), np.arange(size), np.arange(3), indexing="ij")
    picture = ((x * 7 + y * 13 + (x * y) % 31 * 5 + c * 50 + (x // 9) * (y // 5) * 17) % 256).astype(np.uint8)
    preprocessor = json.loads((root / "vision_tower/preprocessor_config.json").read_text())
    pixels = ((picture.astype(np.float64) / 255 - preprocessor["image_mean"]) / preprocessor["image_std"]).transpose(2, 0, 1)
    rows = project(siglip(pixels, tv, vision, config["mm_vision_select_layer"]), tp)
    before, after = list(range(40, 60)), list(range(300, 330))
    table = tl["model.embed_tokens.weight"]
    logits = llama(np.concatenate([table[before], rows, table[after]]), tl, llm)
    weights = __import__("hashlib").sha256(b"".join((root / p / "model.safetensors").read_bytes() for p in ("llm", "vision_tower", "mm_projector"))).hexdigest()
    out = {"weights_sha256": weights, "before": before, "after": after, "rows": rows[:4, :8].tolist(), "rows_last": rows[-1, :8].tolist(), "logits": logits.tolist()}
    pathlib.Path(__file__).parents[1].joinpath("data/vila.json").write_text(json.dumps(out) + "\n")


main()
