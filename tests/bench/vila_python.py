#!/usr/bin/env python3
"""Speed of hounsfield-engine beside the Python reference (transformers' LlamaForCausalLM) on the same machine, shape and type, with random
weights: prints both and the ratios.

    tests/bench/vila_python.py ENGINE [--shape 3b|8b|13b] [--layers N] [--precision bf16|fp32] [--tokens N] [--device cpu|cuda] [--folder FOLDER]

--layers makes a model of fewer layers, where memory or time is short; both sides get it. Needs torch and transformers.
"""
import argparse
import json
import os
import subprocess
import time

kShapes = {"3b": (2560, 6912, 32, 20, 20, 32000), "8b": (4096, 14336, 32, 32, 8, 128257), "13b": (5120, 13824, 40, 40, 40, 32000)}
kRows = 700


def reference(shape, layers, precision, tokens, device):
    import torch
    import transformers
    torch.set_grad_enabled(False)
    hidden, inner, all_layers, heads, kv, vocabulary = kShapes[shape]
    config = transformers.LlamaConfig(hidden_size=hidden, intermediate_size=inner, num_hidden_layers=layers or all_layers, num_attention_heads=heads,
        num_key_value_heads=kv, vocab_size=vocabulary, max_position_embeddings=4096)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    torch.set_default_dtype(dtype)
    # First values are random numbers anyway; making them properly takes minutes on a CPU.
    torch.nn.init.normal_ = torch.nn.init.kaiming_uniform_ = lambda tensor, *_, **__: tensor
    with torch.device(device):
        model = transformers.LlamaForCausalLM(config).eval()
        noise = (torch.randn(1 << 22) * 0.02).to(dtype)
        rows = torch.randn(1, kRows, hidden).to(dtype)
    for p in model.parameters():
        flat = p.data.view(-1)
        for at in range(0, flat.numel(), noise.numel()):
            flat[at:at + noise.numel()] = noise[:flat.numel() - at]

    def seconds():
        if device != "cpu":
            torch.cuda.synchronize()
        return time.perf_counter()

    def decode(out, count):
        for _ in range(count):
            chosen = out.logits[:, -1:].argmax(-1)
            out = model(input_ids=chosen, past_key_values=out.past_key_values, use_cache=True)
            chosen.item()
        return out

    decode(model(inputs_embeds=rows, use_cache=True), 2)
    start = seconds()
    out = model(inputs_embeds=rows, use_cache=True)
    prefill = seconds() - start
    start = seconds()
    decode(out, tokens)
    return {"prefill_tokens_per_s": kRows / prefill, "decode_tokens_per_s": tokens / (seconds() - start)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine")
    parser.add_argument("--shape", default="3b", choices=kShapes)
    parser.add_argument("--layers", type=int, default=0)
    parser.add_argument("--precision", default="bf16", choices=("bf16", "fp32"))
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--folder", help="a checkpoint that `bench --keep` left or leaves there")
    a = parser.parse_args()
    command = [a.engine, "bench", "--shape", a.shape, "--precision", a.precision, "--layers", str(a.layers), "--tokens", str(a.tokens), "--device", a.device, "--json"]
    command += ["--folder", a.folder, "--keep"] if a.folder else []
    own = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    other = reference(a.shape, a.layers, a.precision, a.tokens, a.device)
    print(f"{own['device_name']}; load average before the end: {os.getloadavg()[0]:.1f}; bandwidth {own['bandwidth_gb_per_s']:.1f} GB/s, decode reads {own['decode_gb_per_s']:.1f} GB/s")
    for key in other:
        print(f"{key:22} engine {own[key]:8.2f}  Python reference {other[key]:8.2f}  ratio {own[key] / other[key]:.2f}")


main()
