#!/usr/bin/env python3
"""Speed of training by hounsfield-engine beside a plain PyTorch loop of the same model (transformers' SiglipVisionModel and LlamaForCausalLM, VILA's projector)
on the same machine, with random weights: conversations a second, and the share of the rate of a large matrix product that the engine measured.

    tests/bench/train_python.py ENGINE [--model FOLDER] [--precision bf16|fp32] [--batch N] [--rows N] [--steps N] [--checkpointing | --questions] [--threads N]

With --questions as the demo model learns on a CPU: the vision tower stays as it is, and the conversations are questions about one picture that begin alike, all
but their last quarter; the engine computes that beginning once, the loop, which is a plain one, for each of them (of the tower both compute it once).

Both run with the same number of threads, one after the other, twice in turn. Needs torch and transformers.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import time

root = pathlib.Path(__file__).parents[2]


def loop(folder, a):
    import torch
    import transformers
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    llm_config = transformers.LlamaConfig.from_dict(json.loads((folder / "llm/config.json").read_text()))
    vision_config = transformers.SiglipVisionConfig.from_dict(json.loads((folder / "vision_tower/config.json").read_text()))
    vision_config.num_hidden_layers -= 1     # the last layer is not used
    llm = transformers.LlamaForCausalLM(llm_config).float().train()
    vision = transformers.SiglipVisionModel(vision_config).float().train()
    nn, h = torch.nn, llm_config.hidden_size
    projector = nn.Sequential(nn.LayerNorm(4 * vision_config.hidden_size), nn.Linear(4 * vision_config.hidden_size, h), nn.GELU(), nn.Linear(h, h))
    if a.checkpointing:
        llm.gradient_checkpointing_enable()
        vision.gradient_checkpointing_enable()
    parameters = [p for m in (llm, projector) + (() if a.questions else (vision,)) for p in m.parameters()]
    vision.requires_grad_(not a.questions)
    optimizer = torch.optim.AdamW(parameters, lr=1e-5, weight_decay=0)
    pixels = torch.rand(a.batch, 3, vision_config.image_size, vision_config.image_size) * 2 - 1
    side = vision_config.image_size // vision_config.patch_size
    half = (side + 1) // 2
    ids = (torch.arange(half * half, a.rows) * 7919) % llm_config.vocab_size
    ids = ids[None].expand(a.batch, -1)
    learned = a.rows // 4

    def step():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=a.precision == "bf16"):
            seen = vision(pixels[:1]).last_hidden_state.expand(a.batch, -1, -1) if a.questions else vision(pixels).last_hidden_state
            grid = seen.reshape(a.batch, side, side, -1)
            if side % 2:
                grid = nn.functional.pad(grid, (0, 0, 0, 1, 0, 1))
            grid = grid.view(a.batch, half, 2, half, 2, -1).permute(0, 3, 1, 2, 4, 5).reshape(a.batch, half * half, -1)
            rows = torch.cat([projector(grid), llm.get_input_embeddings()(ids)], 1)
            hidden = llm.model(inputs_embeds=rows, use_cache=False).last_hidden_state
            logits = llm.lm_head(hidden[:, -learned - 1:-1]).float()
        nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, -learned:].flatten()).backward()
        optimizer.step()

    step()
    seconds = []
    for _ in range(a.steps):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return {"samples_per_s": a.batch / statistics.median(seconds), "parameters": sum(p.numel() for m in (llm, vision, projector) for p in m.parameters())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine")
    parser.add_argument("--model", default=str(root / "resources/models/demo"))
    parser.add_argument("--precision", default="fp32", choices=("bf16", "fp32"))
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument("--questions", action="store_true")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    a = parser.parse_args()
    command = [a.engine, "bench", "--training", "--json"]
    for name in ("model", "precision", "batch", "rows", "steps"):
        command += ["--" + name, str(getattr(a, name))]
    command += [option for option, given in (("--checkpointing", a.checkpointing), ("--questions", a.questions)) if given]
    print(f"load average before the start: {os.getloadavg()[0]:.1f}; {a.threads} threads")
    for _ in range(2):
        own = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": str(a.threads)}).stdout)
        other = loop(pathlib.Path(a.model), a)
        # What a shared beginning spares is no work that the loop does: of its rate no share is told then.
        share = own["share_of_gemm"] / own["samples_per_s"]
        told = "" if a.questions else f" ({share * other['samples_per_s']:.1%})"
        print(f"engine {own['samples_per_s']:8.2f} samples/s ({own['share_of_gemm']:.1%} of {own['gemm_gflops']:.0f} GFLOP/s)   PyTorch {other['samples_per_s']:8.2f} samples/s{told}   "
              f"ratio {own['samples_per_s'] / other['samples_per_s']:.2f}   weights {own['parameters']} and {other['parameters']}")


main()
