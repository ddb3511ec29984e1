#!/usr/bin/env python3
"""One window of an expert's network on the processor: MONAI's or TorchXRayVision's eager PyTorch beside the engine's, same shape, random weights: prints
times, peak memory and ratios.

    tests/bench/window_monai.py ENGINE [--network vista3d|brats|densenet121 ...] [--passes N] [--threads N]

PyTorch runs in fp32, under bf16 autocast, and under bf16 autocast with the network and the window in the memory format channels-last; VISTA3D and BRATS
by MONAI's sliding_window_inference of a volume that is one window. Each figure is of a process of its own, the best of its passes, without the first
one. Needs torch, monai 1.5.0, torchxrayvision.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import time

SHAPES = {"vista3d": (1, 1, 128, 128, 128), "brats": (1, 4, 128, 128, 128), "densenet121": (1, 1, 224, 224)}
MODES = ("fp32", "bf16", "bf16 channels-last")


def forward_of(name):
    """The network, and what runs a window through it."""
    from monai.inferers import sliding_window_inference
    if name == "densenet121":
        import torchxrayvision
        network = torchxrayvision.models.DenseNet(weights=None)
        return network, network
    if name == "brats":
        from monai.networks.nets import SegResNet
        network = SegResNet(blocks_down=[1, 2, 2, 4], blocks_up=[1, 1, 1], init_filters=16, in_channels=4, out_channels=3, dropout_prob=0.2)
        predict = network
    else:
        import torch
        from monai.networks.nets import vista3d132
        network = vista3d132(encoder_embed_dim=48, in_channels=1)
        prompt = torch.tensor([[1]])
        def predict(window):
            return network(window, class_vector=prompt)
    return network, lambda x: sliding_window_inference(x, x.shape[2:], 1, predict)


def measure(name, mode, passes, threads):
    import torch
    torch.set_grad_enabled(False)
    torch.set_num_threads(threads)
    network, forward = forward_of(name)
    network.eval()
    x = torch.rand(SHAPES[name])
    if mode.endswith("channels-last"):
        layout = torch.channels_last_3d if x.dim() == 5 else torch.channels_last
        network, x = network.to(memory_format=layout), x.to(memory_format=layout)
    times = []
    with torch.autocast("cpu", torch.bfloat16, enabled=mode != "fp32"):
        for _ in range(passes + 1):
            start = time.perf_counter()
            forward(x)
            times.append(time.perf_counter() - start)
    return {"window_ms": 1000 * min(times[1:]), "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def engine(program, name, precision, passes):
    command = [program, "bench", "experts", "--network", name, "--precision", precision, "--passes", str(passes), "--device", "cpu", "--json"]
    result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {"window_ms": result["window_ms_best"], "peak_rss_bytes": result["peak_rss_bytes"], "input": result["input"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine")
    parser.add_argument("--network", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.measure:
        print(json.dumps(measure(a.network[0], a.measure, a.passes, a.threads)))
        return
    for name in a.network:
        theirs, ours = {}, {}
        for mode in MODES:
            command = [sys.executable, __file__, a.engine, "--network", name, "--measure", mode, "--passes", str(a.passes), "--threads", str(a.threads)]
            theirs[mode] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
            print(f"{name:12} PyTorch {mode:19} {theirs[mode]['window_ms']:9.1f} ms  {theirs[mode]['peak_rss_bytes'] / 2**30:5.2f} GiB", flush=True)
        for precision in ("fp32", "bf16"):
            ours[precision] = engine(a.engine, name, precision, a.passes)
            assert tuple(ours[precision]["input"]) == SHAPES[name], (ours[precision]["input"], SHAPES[name])
            print(f"{name:12} engine  {precision:19} {ours[precision]['window_ms']:9.1f} ms  {ours[precision]['peak_rss_bytes'] / 2**30:5.2f} GiB", flush=True)
        best = min(MODES[1:], key=lambda mode: theirs[mode]["window_ms"])
        ratio = lambda mode, precision: theirs[mode]["window_ms"] / ours[precision]["window_ms"]
        print(f"{name:12} ratios: fp32 {ratio('fp32', 'fp32'):.2f}; engine's bf16 against fp32 {ratio('fp32', 'bf16'):.2f}, against the best bf16 ({best}) {ratio(best, 'bf16'):.2f}; "
              f"memory of bf16 {ours['bf16']['peak_rss_bytes'] / theirs[best]['peak_rss_bytes']:.2f}; load average {os.getloadavg()[0]:.1f}", flush=True)


main()
