#!/usr/bin/env python3
"""VISTA3D, 'everything', on a whole CT of noise on a GPU: MONAI's network and sliding window in eager PyTorch beside the engine's, same window, overlap and
size, random weights: prints both and the ratio.

    tests/bench/vista3d_monai.py ENGINE [--volume 512x512x300] [--spacing 1.49] [--device cuda]

MONAI's side resamples, normalises, runs the windows under fp16 autocast, joins 117 classes to a label map and puts that back on the CT's grid: what the
bundle does (reference experts.md 1.5), all of it on the device, without reading or writing files. Needs torch and monai 1.5.0.
"""
import argparse
import json
import subprocess
import time

import torch
from monai.inferers import sliding_window_inference
from monai.networks.nets import vista3d132

LEFT_OUT = {2, 16, 18, 20, 21, 23, 24, 25, 26, 27, 128, 129, 130, 131, 132}
SPACING = 1.5


def resampled(volume, size, mode):
    extra = {} if mode.startswith("nearest") else {"align_corners": True}
    return torch.nn.functional.interpolate(volume, size=size, mode=mode, **extra)


def run(network, ct, spacing, classes):
    size = [max(1, round(n * spacing / SPACING)) for n in ct.shape[2:]]
    scan = ((resampled(ct, size, "trilinear") + 963.8247715525971) / 2014.1018187512682).clamp(0, 1)
    prompts = torch.tensor(classes, device=ct.device).reshape(-1, 1)
    with torch.autocast(ct.device.type, torch.float16):
        logits = sliding_window_inference(scan, (128,) * 3, 1, lambda window: network(window, class_vector=prompts).transpose(0, 1), overlap=0.25)[0]
    best, index = logits.max(dim=0)
    del logits
    labels = torch.tensor(classes, device=ct.device, dtype=torch.uint8)[index] * (best > 0)
    return resampled(labels[None, None].to(torch.float16), ct.shape[2:], "nearest-exact")[0, 0].to(torch.uint8)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine")
    parser.add_argument("--volume", default="512x512x300")
    parser.add_argument("--spacing", type=float, default=1.49)
    parser.add_argument("--device", default="cuda")
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    device = torch.device(options.device)
    network = vista3d132(encoder_embed_dim=48, in_channels=1).eval().to(device)
    classes = [n for n in range(1, 133) if n not in LEFT_OUT]
    size = [int(n) for n in options.volume.split("x")]
    ct = torch.rand(1, 1, *size) * 2000 - 1000
    run(network, ct[:, :, :128, :128, :128].to(device), SPACING, classes)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    labels = run(network, ct.to(device), options.spacing, classes).cpu()
    seconds = time.perf_counter() - start
    result = {"volume": options.volume, "device": torch.cuda.get_device_name(), "monai_s": round(seconds, 2), "monai_labels": len(labels.unique()),
              "monai_peak_device_bytes": torch.cuda.max_memory_allocated()}
    del network, labels
    torch.cuda.empty_cache()
    text = subprocess.run([options.engine, "bench", "experts", "--volume", options.volume, "--everything", "--spacing", ",".join([str(options.spacing)] * 3),
                           "--device", options.device, "--json"], check=True, capture_output=True, text=True).stdout
    result["engine"] = json.loads(text)
    result["ratio"] = round(seconds / result["engine"]["seconds"], 2)
    print(json.dumps(result))


main()
