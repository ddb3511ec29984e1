#!/usr/bin/env python3
"""What half precision changes on a real volume: trains an expert's network on one labelled volume for some minutes, so that it has something to say, lets
the engine segment that volume in fp32 and in bf16 (or another precision) and prints the Dice of the two label maps, and of each with the labels.

    tests/bench/trained_dice.py ENGINE EXPERTS DATA WORK --network vista3d|brats [--minutes M] [--precision bf16] [--device cpu]

EXPERTS is resources/experts; DATA holds ct_chest_abdomen and mr_brats of the test data. WORK keeps the weights (a later run goes on from them), the
expert's folder and the masks. The network is trained by MONAI's code on the volume that it is tried on: how well it would do on another is not asked.
Random weights say less: where all logits are alike, rounding alone decides. Needs torch, monai 1.5.0, nibabel.
"""
import argparse
import json
import math
import pathlib
import shutil
import subprocess
import time

import nibabel
import numpy
import torch

SIDE = {"vista3d": 64, "brats": 80}
SEQUENCES = ("t1c", "t1", "t2", "fla")


def words(name):
    """'urinary_bladder' and 'bladder' are one name, 'kidney_left' and 'left kidney' too."""
    return frozenset(name.lower().replace("_", " ").replace("urinary ", "").split())


class Ct:
    """The CT on the network's grid, and where each class is that both name."""

    def __init__(self, data, expert):
        folder = data / "ct_chest_abdomen"
        image, labels = (nibabel.load(folder / name) for name in ("example_ct.nii.gz", "segmentation.nii.gz"))
        self.reference, names = numpy.asarray(labels.dataobj), json.loads((folder / "labels.json").read_text())
        classes = {words(label["name"]): label["value"] for label in expert["labels"]}
        table = numpy.zeros(256, numpy.uint8)
        for value, name in names.items():
            table[int(value)] = classes.get(words(name), 0)
        self.reference = table[self.reference]
        scan = torch.from_numpy(numpy.asarray(image.dataobj, numpy.float32))[None, None]
        larger = [2 * n for n in scan.shape[2:]]        # 3 mm to 1.5
        scan = torch.nn.functional.interpolate(scan, size=larger, mode="trilinear", align_corners=True)
        self.scan = ((scan + 963.8247715525971) / 2017.5024492568657).clamp(0, 1)
        self.labels = torch.nn.functional.interpolate(torch.from_numpy(self.reference)[None, None].float(), size=larger, mode="nearest")[0, 0].to(torch.uint8)
        self.places = {int(value): (self.labels == value).nonzero() for value in self.labels.unique() if value}
        self.absent = sorted(set(expert["arguments"]["everything"]) - set(self.places))
        self.inputs, self.modality = [folder / "example_ct.nii.gz"], "CT"

    def network(self):
        from monai.networks.nets import vista3d132
        return vista3d132(encoder_embed_dim=48, in_channels=1)

    def example(self, random):
        """A window, classes that are asked for, and where they are."""
        present = [int(v) for v in random.choice(list(self.places), 6, replace=False)]
        centre = self.places[present[0]][random.integers(len(self.places[present[0]]))]
        at = tuple(slice(first, first + SIDE["vista3d"]) for first in first_of(centre, self.labels.shape, SIDE["vista3d"], random))
        labels = self.labels[at]
        asked = sorted({int(v) for v in labels.unique() if v} | set(present) | {int(v) for v in random.choice(self.absent, 2)})
        return self.scan[(..., *at)], asked, torch.stack([labels == v for v in asked])[:, None].float()

    def forward(self, network, window, asked):
        return network(window, class_vector=torch.tensor(asked)[:, None])


class Brain:
    """The four sequences, and the three nested regions of the tumour."""

    def __init__(self, data, expert):
        folder = data / "mr_brats"
        self.inputs, self.modality = [folder / (name + ".nii.gz") for name in SEQUENCES], "MR"
        channels = []
        for path in self.inputs:
            image = numpy.asarray(nibabel.load(path).dataobj, numpy.float32)
            inside = image != 0
            image[inside] = (image[inside] - image[inside].mean()) / image[inside].std()
            channels.append(torch.from_numpy(image))
        self.scan = torch.stack(channels)[None]
        self.reference = numpy.asarray(nibabel.load(folder / "tumour_seg.nii.gz").dataobj).astype(numpy.uint8)
        labels = torch.from_numpy(self.reference)
        self.regions = torch.stack([(labels == 1) | (labels == 4), labels > 0, labels == 4]).float()
        self.tumour, self.brain = (labels > 0).nonzero(), (self.scan[0, 0] != 0).nonzero()

    def network(self):
        from monai.networks.nets import SegResNet
        return SegResNet(blocks_down=[1, 2, 2, 4], blocks_up=[1, 1, 1], init_filters=16, in_channels=4, out_channels=3, dropout_prob=0.2)

    def example(self, random):
        places = self.tumour if random.random() < 0.7 else self.brain
        at = tuple(slice(first, first + SIDE["brats"]) for first in first_of(places[random.integers(len(places))], self.regions.shape[1:], SIDE["brats"], random))
        return self.scan[(..., *at)], None, self.regions[(slice(None), *at)][None]

    def forward(self, network, window, asked):
        return network(window)


def first_of(centre, shape, side, random):
    return [int(numpy.clip(int(c) - side // 2 + random.integers(-side // 4, side // 4 + 1), 0, n - side)) for c, n in zip(centre, shape)]


def loss_of(logits, truth):
    both = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth)
    p = logits.sigmoid()
    axes = (-3, -2, -1)
    dice = 1 - (2 * (p * truth).sum(axes) + 1) / (p.sum(axes) + truth.sum(axes) + 1)
    return both + dice.mean()


def train(case, weights, minutes):
    network = case.network()
    if weights.exists():
        network.load_state_dict(torch.load(weights, weights_only=True))
    if minutes <= 0:
        return
    network.train()
    random = numpy.random.default_rng()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=1e-5)
    start = told = time.monotonic()
    losses, step = [], 0
    while (part := (time.monotonic() - start) / (60 * minutes)) < 1:
        optimizer.param_groups[0]["lr"] = 1e-3 * min(1, (step + 1) / 10) * (0.02 + 0.98 * (1 + math.cos(math.pi * part)) / 2)
        window, asked, truth = case.example(random)
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            logits = case.forward(network, window, asked)
        loss = loss_of(logits.float(), truth)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1)
        optimizer.step()
        losses.append(float(loss.detach()))
        step += 1
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"step {step}, loss {numpy.mean(losses[-20:]):.3f}", flush=True)
            torch.save(network.state_dict(), weights)
    torch.save(network.state_dict(), weights)
    print(f"{step} steps, loss {numpy.mean(losses[-20:]):.3f}", flush=True)


def dice(a, b):
    both = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / both if both else math.nan


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine")
    parser.add_argument("experts", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--network", required=True, choices=list(SIDE))
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--device", default="cpu")
    a = parser.parse_args()
    folder = a.work / a.network
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(a.experts / a.network / "expert.json", folder)
    expert = json.loads((folder / "expert.json").read_text())
    case = (Ct if a.network == "vista3d" else Brain)(a.data, expert)
    train(case, folder / "model.pt", a.minutes)
    masks = {}
    for precision in ("fp32", a.precision):
        out = a.work / f"{a.network}-{precision}.nii.gz"
        start = time.monotonic()
        subprocess.run([a.engine, "segment", "--expert", folder, "--modality", case.modality, "--accept-licence", "--device", a.device, "--precision", precision,
                        *case.inputs, out], check=True, capture_output=True, text=True)
        masks[precision] = numpy.asarray(nibabel.load(out).dataobj)
        print(f"{precision}: {time.monotonic() - start:.1f} s", flush=True)
    exact, half = masks["fp32"], masks[a.precision]
    names = {label["value"]: label["name"] for label in expert["labels"]}
    rows = []
    for value in sorted(int(v) for v in numpy.union1d(numpy.unique(exact), numpy.unique(case.reference)) if v):
        rows.append((dice(exact == value, half == value), int((exact == value).sum()), dice(exact == value, case.reference == value), dice(half == value, case.reference == value), names[value]))
        print(f"{names[value]:40} {rows[-1][1]:8} voxels  {a.precision} against fp32 {rows[-1][0]:.4f}  with the labels: fp32 {rows[-1][2]:.4f}, {a.precision} {rows[-1][3]:.4f}")
    found = [row for row in rows if row[2] >= 0.5]
    if not found:
        print(f"none of {len(rows)} labels was learned: more minutes are needed")
        return
    print(f"{len(found)} of {len(rows)} labels were learned (0.5 or more with the labels): {a.precision} against fp32 mean {numpy.mean([r[0] for r in found]):.4f}, "
          f"least {min(found)[0]:.4f} ({min(found)[4]}, {min(found)[1]} voxels); all voxels the same {(exact == half).mean():.5f}, of those that either marks {(exact == half)[(exact > 0) | (half > 0)].mean():.5f}")


main()
