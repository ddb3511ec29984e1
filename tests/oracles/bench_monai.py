#!/usr/bin/env python3
"""Times MONAI's VISTA3D and BRATS networks, or TorchXRayVision's DenseNet, and the engine's on the same machine, weights and window, one after the other, and
prints the ratios. bench_monai.py ENGINE [--network vista3d|brats|densenet121] [--side 128] [--passes 2]. Needs torch, monai 1.5.0, torchxrayvision."""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import time

import torch

parser = argparse.ArgumentParser()
parser.add_argument("engine")
parser.add_argument("--network", default="vista3d", choices=["vista3d", "brats", "densenet121"])
parser.add_argument("--side", type=int, default=128)
parser.add_argument("--passes", type=int, default=2)
options = parser.parse_args()

if options.network == "vista3d":
    from monai.networks.nets import vista3d132
    network, channels = vista3d132(encoder_embed_dim=48, in_channels=1).eval(), 1
    prompts = torch.arange(1, 118).reshape(-1, 1)
    forward = lambda x: network(x, class_vector=prompts)
elif options.network == "densenet121":
    import torchxrayvision
    network, channels = torchxrayvision.models.DenseNet(num_classes=18, in_channels=1).eval(), 1
    network.op_threshs = None
    forward = network
else:
    from monai.networks.nets import SegResNet
    network, channels = SegResNet(3, in_channels=4, out_channels=3, init_filters=16, blocks_down=(1, 2, 2, 4), blocks_up=(1, 1, 1), dropout_prob=0.2).eval(), 4
    forward = network
flat = options.network == "densenet121"
x = torch.rand(1, 1, 224, 224) * 2048 - 1024 if flat else torch.rand(1, channels, options.side, options.side, options.side)
last = torch.channels_last if flat else torch.channels_last_3d


def monai_ms(kind):
    network.to(memory_format=last if kind.endswith("channels_last") else torch.contiguous_format)
    data = x.to(memory_format=last) if kind.endswith("channels_last") else x
    times = []
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled="bf16" in kind):
        for _ in range(options.passes):
            begin = time.perf_counter()
            forward(data)
            times.append(1000 * (time.perf_counter() - begin))
    return min(times)


def engine_ms(weights, precision):
    text = subprocess.run([options.engine, "bench", "experts", "--network", options.network, "--weights", weights, "--side", str(options.side), "--passes", str(options.passes),
                           "--precision", precision, "--json"], check=True, capture_output=True, text=True).stdout
    return json.loads(text)


with tempfile.TemporaryDirectory() as temporary:
    weights = str(pathlib.Path(temporary) / "w.pt")
    torch.save(network.state_dict(), weights)
    result = {"network": options.network, "side": options.side, "threads": torch.get_num_threads(), "load_before": os.getloadavg()[0]}
    for kind in ("fp32", "bf16", "bf16 channels_last"):
        result[f"monai {kind} ms"] = round(monai_ms(kind), 1)
    result["monai peak_rss_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for precision in ("exact", "fp32", "bf16"):
        measured = engine_ms(weights, precision)
        result[f"engine {precision} ms"] = round(measured["window_ms_best"], 1)
        result[f"engine {precision} peak_rss_bytes"] = measured["peak_rss_bytes"]
    result["load_after"] = os.getloadavg()[0]
    result["ratio to monai fp32"] = round(result["monai fp32 ms"] / result["engine bf16 ms"], 2)
    result["ratio to monai's best bf16"] = round(min(result["monai bf16 ms"], result["monai bf16 channels_last ms"]) / result["engine bf16 ms"], 2)
    result["ratio fp32 to fp32"] = round(result["monai fp32 ms"] / min(result["engine fp32 ms"], result["engine exact ms"]), 2)
    print(json.dumps(result, indent=1))
