#!/usr/bin/env python3
"""Records tests/data/tags.json: depth, tag and VR of all attributes of tests/data/us_regions.dcm, as pydicom reads them."""
import json
import pathlib

import pydicom

DATA = pathlib.Path(__file__).parent.parent / "data"


def rows(dataset, depth):
    for element in dataset:
        yield [depth, f"({element.tag.group:04x},{element.tag.element:04x})", element.VR]
        if element.VR == "SQ":
            for item in element.value:
                yield [depth + 1, "", ""]
                yield from rows(item, depth + 2)


def main():
    file = pydicom.dcmread(DATA / "us_regions.dcm")
    out = list(rows(file.file_meta, 0)) + list(rows(file, 0))
    (DATA / "tags.json").write_text("[\n" + ",\n".join(json.dumps(row) for row in out) + "\n]\n")


if __name__ == "__main__":
    main()
