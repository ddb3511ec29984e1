#!/usr/bin/env python3
"""Asks a model about real studies through the engine and counts what it gets right.

    packaging/train-demo/try_model.py ENGINE FOLDER [--model DIR] [--slices N] [--every N] [--verbose]

FOLDER is one that real_volumes.py wrote (`held-out` for figures that count). Two tables come out: modality and plane of views that the
vision tower has to tell (with and without the sentence that names the modality), and questions (wordings.json, written apart from the
training texts) with the expert's argument (or a refusal) that is right for them. Needs SimpleITK and NumPy.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy
import SimpleITK

MODALITY = {"CT": ("CT", "HU", "CT"), "MR": ("MR", "none", "MRI"), "CXR": ("DX", "none", "chest X-ray")}
# Written without knowledge of what the trainer composes. "argument" null: no installed expert can do it. "seen": what a model did with it was
# looked at before the trainer's texts were written; these do not count.
WORDINGS = json.loads((pathlib.Path(__file__).parent / "wordings.json").read_text(encoding="utf-8"))


class Engine:
    def __init__(self, program, model):
        command = [program, "serve"] + (["--model", model] if model else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.next = 0

    def request(self, method, **params):
        self.next += 1
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params}) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            message = json.loads(line)
            if message.get("id") == self.next:
                if "error" in message:
                    raise RuntimeError(message["error"]["message"])
                return message["result"]
        raise RuntimeError("the engine has ended")


def open_volume(engine, path, folder, named=True):
    image = SimpleITK.ReadImage(str(path))
    modality, unit, word = MODALITY[path.parent.name]
    voxels = pathlib.Path(folder) / "voxels.raw"
    SimpleITK.GetArrayFromImage(image).astype(numpy.int16).tofile(voxels)
    direction = numpy.array(image.GetDirection()).reshape(3, 3)
    number = engine.request("volume/open", path=str(voxels), type="int16", size=image.GetSize(), spacing=image.GetSpacing(), origin=image.GetOrigin(),
                            directions=list(direction.T.ravel()), modality=modality if named else "", bodyPart="", unit=unit, series=path.stem + str(named))["volume"]
    return number, image, word


def views(image, slices):
    """(plane, slice) of planes that show something, as usefulPlanes() of the trainer."""
    direction = numpy.abs(numpy.array(image.GetDirection()).reshape(3, 3))
    size, spacing = image.GetSize(), image.GetSpacing()
    for world, plane in enumerate(("sagittal", "coronal", "axial")):
        across = int(direction[world].argmax())
        others = [a for a in range(3) if a != across]
        if all(size[a] >= 20 and size[a] * spacing[a] > 45 for a in others):
            for n in range(min(slices, size[across])):
                yield plane, int(size[across] * (0.15 + 0.7 * (n + 0.5) / min(slices, size[across])))


def window_of(image, word):
    if word == "CT":
        return [40, 400]
    values = SimpleITK.GetArrayViewFromImage(image)
    low, high = numpy.percentile(values, (0.1, 99.9))
    return [float(low + high) / 2, max(float(high - low), 1)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("engine")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--model")
    parser.add_argument("--slices", type=int, default=5)
    parser.add_argument("--every", type=int, default=1, help="only each N-th of the wordings")
    parser.add_argument("--skip", type=int, default=0, help="the first that is taken")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    engine = Engine(options.engine, options.model)
    totals = {}

    def count(table, right):
        hits, all_ = totals.get(table, (0, 0))
        totals[table] = hits + right, all_ + 1

    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(options.folder.glob("*/*.mha")):
            for named in (True, False):
                number, image, word = open_volume(engine, path, folder, named)
                for plane, index in views(image, options.slices):
                    view = {"plane": plane, "slice": index, "window": window_of(image, word)}
                    answer = engine.request("chat", volume=number, view=view, question="Which modality and plane is this?", history=[])["firstAnswer"]
                    count(f"modality, {'named' if named else 'not named'}", word.lower() in answer.lower())
                    if word != "chest X-ray":
                        count(f"plane, {'named' if named else 'not named'}", plane in answer.lower())
                    if options.verbose:
                        print(path.stem, plane, index, "named" if named else "not named", "|", answer, flush=True)
                plane, index = next(views(image, 1), ("axial", 0))
                view = {"plane": plane, "slice": index, "window": window_of(image, word)}
                if named and word == "CT":
                    for wording in WORDINGS[options.skip::options.every]:
                        question, argument = wording["question"], wording["argument"]
                        result = engine.request("chat", volume=number, view=view, question=question, history=[])
                        called = result["firstAnswer"].partition("(")[2].partition(")")[0] if "<" in result["firstAnswer"] else None
                        table = "wordings looked at while the trainer was written" if "seen" in wording else "wordings"
                        count(f"{table}, all", called == argument)
                        count(f"{table}, {wording['group']}", called == argument)
                        if argument == "lungs":
                            count(f"{table}, lungs", called == argument)
                        if options.verbose and called != argument:
                            print(path.stem, "|", question, "|", result["firstAnswer"], flush=True)
                elif named:
                    for question in ("Segment the lungs", "Show the bones", "Which plane is this?"):
                        answer = engine.request("chat", volume=number, view=view, question=question, history=[])["firstAnswer"]
                        count("no CT expert for another modality", "<CT" not in answer)
                        if options.verbose:
                            print(path.stem, "|", question, "|", answer, flush=True)
                engine.request("volume/close", volume=number)
    for table, (hits, all_) in sorted(totals.items()):
        print(f"{table}: {hits} of {all_} ({100 * hits / all_:.1f} %)")


main()
