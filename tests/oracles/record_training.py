#!/usr/bin/env python3
"""Losses of training steps by the Python reference stack -> tests/data/training.json: transformers' SiglipVisionModel and LlamaForCausalLM with VILA's
projector and splice rule, labels on the answers and their stop tokens alone (reference vila-m3.md 7.1), torch's AdamW, and transformers' cosine
schedule with warm-up. The checkpoints are those of make_vila.py, whose weights are a formula; the pictures are one too.

    tests/oracles/make_vila.py make FOLDER
    tests/oracles/record_training.py FOLDER            records
    tests/oracles/record_training.py FOLDER --check    compares with what is recorded: within 1e-5, as other versions of torch add in another order

Labels are found here by the characters that each token stands for, not by tokenising beginnings as the engine does.

Needs what make_vila.py needs, and Pillow 11 or older: 13 resizes columns before rows where that is quicker, which gives other pixels than the reference stack.
"""
import json
import pathlib
import sys

import make_vila
from make_vila import Reference, formula_picture, here, kSystem

kCards = "Here is a list of available expert models:\n<VISTA3D(args)> Modality: CT, Task: segmentation. Give the model <VISTA3D(args)> when selecting a suitable expert model."
kConversations = [
    {"pictures": [[131, 90]], "turns": [kCards + " <image>\nThis is a CT image.\nSegment the liver.", "This looks like a CT image. Let me trigger <VISTA3D(liver)>."]},
    {"pictures": [[118, 118], [70, 150]], "turns": [kCards + " <image>\nIs there a hepatic tumor?", "Let me trigger <VISTA3D(hepatic tumor)>.",
        "The results are <image>\n. The colors in this image describe red: liver, blue: hepatic tumor. Use this result to respond to this prompt:\nIs there a hepatic tumor?.", "yes",
        "How many?", "There are 2 hepatic tumors."]},
    {"pictures": [], "turns": ["What is the spleen?", "An organ, in the left half of the body."]},
]
kRate, kSteps, kWarmup = 1e-3, 4, 1


def assembled(vicuna, turns):
    """Text, and the character ranges of the answers with their stop token (reference vila-m3.md 4)."""
    text, ranges = (kSystem["vicuna_v1"] + " ") if vicuna else kSystem["llama_3"] + "<|eot_id|>", []
    for n, turn in enumerate(turns):
        answer = n % 2 == 1
        if vicuna:
            text += "ASSISTANT: " if answer else "USER: "
        else:
            text += f"<|start_header_id|>{'assistant' if answer else 'user'}<|end_header_id|>\n\n"
        begin = len(text)
        text += turn + ((" ", "</s>")[answer] if vicuna else "<|end_of_text|>" if n + 1 == len(turns) else "<|eot_id|>")
        if answer:
            ranges.append((begin, len(text)))
    return text, ranges


def ends_of_tokens(tokenizer, vicuna, text, ids):
    """The number of characters of the text up to the end of each token; BOS stands for none."""
    if not vicuna:
        return [end for _, end in tokenizer(text, return_offsets_mapping=True).offset_mapping]
    ends, at = [], -1      # U+2581 in front of the text is no character of it
    for piece in tokenizer.convert_ids_to_tokens(ids):
        if piece == "<s>":
            ends.append(0)
            continue
        at += 1 if piece.startswith("<0x") else len(piece)      # the texts here have one byte a character
        ends.append(at)
    assert ends[-1] == len(text), (ends[-1], len(text), tokenizer.convert_ids_to_tokens(ids))
    return ends


def labelled(reference, turns):
    """Ids with -200 for a picture, and whether each is learned."""
    text, ranges = assembled(reference.vicuna, turns)
    ids, learned, at = [], [], 0
    for n, chunk in enumerate(text.split("<image>")):
        own = reference.tokenizer(chunk).input_ids
        ends = ends_of_tokens(reference.tokenizer, reference.vicuna, chunk, own)
        mark = [any(begin < at + end <= stop for begin, stop in ranges) for end in ends]
        if n:
            ids.append(-200)
            learned.append(False)
            own, mark = own[1:], mark[1:]       # the BOS of a later piece
        ids += own
        learned += mark
        at += len(chunk) + len("<image>")
    return ids, learned


def loss_sum(reference, conversation):
    import torch
    ids, learned = labelled(reference, conversation["turns"])
    pictures = [reference.rows(formula_picture(*size)) for size in conversation["pictures"]]
    table, rows, labels = reference.llm.get_input_embeddings(), [], []
    for i, l in zip(ids, learned):
        if i == -200:
            rows.append(pictures.pop(0))
            labels += [-100] * len(rows[-1])
        else:
            rows.append(table(torch.tensor([i])))
            labels.append(i if l else -100)
    count = sum(l != -100 for l in labels)
    out = reference.llm(inputs_embeds=torch.cat(rows)[None], labels=torch.tensor([labels]))
    return out.loss * count, count


def step(reference, conversations, learned, optimizer, schedule):
    import torch
    sums = [loss_sum(reference, c) for c in conversations]
    loss = sum(s for s, _ in sums) / sum(n for _, n in sums)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(learned, 1.0)
    optimizer.step()
    schedule.step()
    return float(loss.detach())


def record(folder):
    import torch
    import transformers
    result = {"tokens": [], "alone": []}
    reference = Reference(folder)
    torch.set_grad_enabled(False)
    for conversation in kConversations:
        total, count = loss_sum(reference, conversation)
        result["tokens"].append(count)
        result["alone"].append(float(total / count))
    torch.set_grad_enabled(True)
    for name, parts in (("all", ("vision", "projector", "llm")), ("projector", ("projector",)), ("projector,llm", ("projector", "llm"))):
        reference = Reference(folder)
        torch.set_grad_enabled(True)
        learned = []
        for part in ("vision", "projector", "llm"):
            tensors = list(reference.projector.values()) if part == "projector" else list(getattr(reference, part).parameters())
            for tensor in tensors:
                tensor.requires_grad_(part in parts)
            learned += tensors if part in parts else []
        optimizer = torch.optim.AdamW(learned, lr=kRate, weight_decay=0)
        schedule = transformers.get_cosine_schedule_with_warmup(optimizer, kWarmup, kSteps)
        result[name] = [step(reference, kConversations, learned, optimizer, schedule) for _ in range(kSteps)]
    return result


def main():
    root, file = pathlib.Path(sys.argv[1]).resolve(), here.parent / "data/training.json"
    found = {"conversations": kConversations, "rate": kRate, "steps": kSteps, "warmup": kWarmup / kSteps, "shapes": {name: record(root / name) for name in ("3b", "8b")}}
    if "--check" not in sys.argv:
        file.write_text(json.dumps(found, indent=1) + "\n")
        return
    old = json.loads(file.read_text())["shapes"]
    pairs = [(a, b) for name, shape in found["shapes"].items() for key in shape for a, b in zip(shape[key], old[name][key], strict=True)]
    worst = max(abs(a - b) for a, b in pairs)
    print(f"oracle: training.json: {len(pairs)} numbers, largest difference {worst:.1e}")
    sys.exit(0 if worst < 1e-5 else 1)


if __name__ == "__main__":
    main()
