#!/usr/bin/env python3
"""Writes small weight files with PyTorch -> tests/data/weights/*.pt, and what PyTorch says is in them -> tests/data/weights/expected.json.
Run `record_weights.py --check` to compare the committed files with what PyTorch reads from them, without writing any. Needs torch."""
import collections
import json
import pathlib
import sys

import torch

FOLDER = pathlib.Path(__file__).parents[1] / "data/weights"


class TinyBlock(torch.nn.Module):
    """A module whose class only this script knows: a reader that executed anything would fail."""

    def __init__(self):
        super().__init__()
        self.features = torch.nn.Sequential(collections.OrderedDict(conv0=torch.nn.Conv2d(1, 3, 3, bias=False), norm0=torch.nn.BatchNorm2d(3), relu0=torch.nn.ReLU()))
        self.classifier = torch.nn.Linear(3, 2)
        self.nothing = None
        self.register_buffer("kept", torch.arange(4.0))
        self.register_buffer("dropped", torch.arange(5.0), persistent=False)
        self.op_threshs = torch.tensor([0.1, float("nan")])     # a plain attribute is no part of the state


def tensors():
    torch.manual_seed(1)
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4) / 7
    shared = torch.randn(10)
    return collections.OrderedDict([
        ("float32", base), ("float64", base.double() * 3), ("float16", base.half()), ("bfloat16", base.bfloat16()),
        ("int64", torch.tensor([[-5, 1 << 40], [3, 4]])), ("int32", torch.tensor([-7, 8], dtype=torch.int32)), ("int16", torch.tensor([-300, 9], dtype=torch.int16)),
        ("int8", torch.tensor([-100, 100], dtype=torch.int8)), ("uint8", torch.tensor([200, 1], dtype=torch.uint8)), ("bool", torch.tensor([True, False, True])),
        ("transposed", base.permute(2, 0, 1)), ("slice", base[1, :, 1:3]), ("shared.a", shared[:6]), ("shared.b", shared[4:]), ("scalar", torch.tensor(2.5)),
        ("empty", torch.zeros(0, 3)), ("parameter", torch.nn.Parameter(torch.ones(2)))])


def module():
    torch.manual_seed(2)
    return TinyBlock()


def write_all():
    FOLDER.mkdir(exist_ok=True)
    # The older stream holds each class's source text and its path; a stand-in keeps both out of the file.
    torch.serialization.get_source_lines_and_file = lambda thing: (["raise SystemExit\n"], 1, "source.py")
    old = {"_use_new_zipfile_serialization": False}
    torch.save(tensors(), FOLDER / "state_zip.pt")
    torch.save(tensors(), FOLDER / "state_legacy.pt", **old)
    torch.save({"epoch": 3, "note": "text", "model": {"module." + name: tensor for name, tensor in tensors().items()}}, FOLDER / "wrapped_protocol4.pt", pickle_protocol=4)
    torch.save(module(), FOLDER / "module_zip.pt")
    torch.save(module(), FOLDER / "module_legacy.pt", **old)
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), FOLDER / "torchscript.pt")
    torch.save({"weight": torch.ones(2), "hook": print}, FOLDER / "with_function.pt")


def content(state):
    rows = {}
    for name, tensor in state.items():
        values = tensor.detach().double().reshape(-1).tolist()
        rows[name] = {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape), "values": values}
    return rows


def read_all():
    load = lambda name: torch.load(FOLDER / name, weights_only=False)
    wrapped = {name.removeprefix("module."): tensor for name, tensor in load("wrapped_protocol4.pt")["model"].items()}
    return {"torch": torch.__version__, "files": {
        "state_zip.pt": content(load("state_zip.pt")), "state_legacy.pt": content(load("state_legacy.pt")), "wrapped_protocol4.pt": content(wrapped),
        "module_zip.pt": content(load("module_zip.pt").state_dict()), "module_legacy.pt": content(load("module_legacy.pt").state_dict())}}


if "--check" not in sys.argv:
    write_all()
text = json.dumps(read_all(), indent=1) + "\n"
target = FOLDER / "expected.json"
if "--check" in sys.argv:
    sys.exit(0 if target.read_text() == text else "oracle: weights differ")
target.write_text(text)
