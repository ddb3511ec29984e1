#!/usr/bin/env python3
"""Checkpoints in the layout of the published VILA-M3 models (reference vila-m3.md section 1), small and with random weights, with
tokenizers trained here; and what the Python reference stack makes of them: transformers' SiglipVisionModel and LlamaForCausalLM,
VILA's projector and splice rule, the slow Llama tokenizer with legacy=False, the tokenizers library.

    tests/oracles/make_vila.py make FOLDER                 writes FOLDER/3b, FOLDER/8b, FOLDER/13b, FOLDER/linear, FOLDER/dynamic
    tests/oracles/make_vila.py check FOLDER ENGINE [NAME]  compares hounsfield-engine with the reference on them: ids of more than 20,000
                                                           strings, logits (1e-3), greedy text of up to 200 tokens
    tests/oracles/make_vila.py record FOLDER               -> tests/data/tokenizers, vila_tokens.json, vila_reference.json: what the tests read

Weights are a formula of their name and place, so that the tests can make them without files.

Needs torch, transformers 4.57, tokenizers, sentencepiece, safetensors, pillow, numpy.
"""
import io
import json
import os
import pathlib
import random
import subprocess
import sys

import numpy as np

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

here = pathlib.Path(__file__).parent
kSystem = {
    "llama_3": "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nYou are a helpful language and vision assistant. You are able to "
               "understand the visual content that the user provides, and assist the user with a variety of tasks using natural language.",
    "vicuna_v1": "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite "
                 "answers to the user's questions.",
}
kPattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
kLlama3Specials = ["<|begin_of_text|>", "<|end_of_text|>"] + [f"<|reserved_special_token_{n}|>" for n in range(4)] + \
    ["<|start_header_id|>", "<|end_header_id|>", "<|reserved_special_token_4|>", "<|eot_id|>"]

# hidden, intermediate, layers, heads, key/value heads, rope theta, positions, scaling
kShapes = {
    "3b": dict(kind="llama2", hidden=160, inner=432, layers=3, heads=5, kv=5, theta=10000.0, positions=4096, scaling=None),
    "8b": dict(kind="llama3", hidden=128, inner=448, layers=3, heads=8, kv=2, theta=500000.0, positions=8192, scaling=None),
    "13b": dict(kind="llama2", hidden=192, inner=520, layers=4, heads=6, kv=6, theta=10000.0, positions=4096, scaling=None),
    "linear": dict(kind="llama2", hidden=96, inner=256, layers=2, heads=3, kv=3, theta=10000.0, positions=64, scaling={"type": "linear", "factor": 8.0}),
    "dynamic": dict(kind="llama3", hidden=96, inner=256, layers=2, heads=6, kv=2, theta=10000.0, positions=64, scaling={"type": "dynamic", "factor": 8.0}),
}


def texts(seed=0, count=2000):
    """Sentences of the kind that the models see, and other scripts, for training the tokenizers."""
    r = random.Random(seed)
    organs = "liver spleen pancreas kidney aorta lung heart rib vertebra bladder stomach colon bone muscle brain tumor lesion".split()
    verbs = "Segment Outline Identify Describe Show Measure Contour Isolate".split()
    other = ["Röntgenaufnahme des Thorax", "Größe über 5 cm", "плеврит справа", "胸部のCT画像です。", "肝臓に腫瘍", "صورة الأشعة", "한국어 문장", "café naïve", "½ ≈ 0.5", "α β γ"]
    lines = []
    for _ in range(count):
        lines.append(f"{r.choice(verbs)} the {r.choice(organs)} and the {r.choice(organs)} in this image, {r.randrange(2000)} mm.")
        lines.append(f"There {r.choice(['is', 'are', 'was'])} {r.choice(['no', 'a', 'one', 'two'])} {r.choice(organs)}{r.choice(['', 's'])}; it isn't {r.choice(organs)}, we've seen I'm sure.")
        if r.random() < 0.3:
            lines.append(r.choice(other) + " " + r.choice(organs))
    return lines


def train_llama3(folder):
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers, processors, trainers
    t = tokenizers.Tokenizer(models.BPE(ignore_merges=True))
    t.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(tokenizers.Regex(kPattern), "isolated", False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(texts(), trainers.BpeTrainer(vocab_size=700, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    t.add_special_tokens([tokenizers.AddedToken(s, special=True, normalized=False) for s in kLlama3Specials])
    bos = t.token_to_id("<|begin_of_text|>")
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing("<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", bos)])])
    t.add_special_tokens(["[PAD]"])
    t.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|begin_of_text|>",
        "eos_token": "<|end_of_text|>", "pad_token": "[PAD]", "clean_up_tokenization_spaces": True}))
    eos = [t.token_to_id("<|end_of_text|>"), t.token_to_id("<|eot_id|>")]
    return t.get_vocab_size(), bos, eos


def train_llama2(folder):
    import sentencepiece
    from sentencepiece import SentencePieceTrainer
    model = io.BytesIO()
    SentencePieceTrainer.train(sentence_iterator=iter(texts()), model_writer=model, vocab_size=900, model_type="bpe", byte_fallback=True,
        normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True, character_coverage=0.99995,
        allow_whitespace_only_pieces=True, unk_surface=" \u2047 ", minloglevel=2, num_threads=1)
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    special = lambda s: {"content": s, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False,
        "added_tokens_decoder": {"0": special("<unk>"), "1": special("<s>"), "2": special("</s>")}, "bos_token": "<s>", "eos_token": "</s>",
        "unk_token": "<unk>", "pad_token": "<unk>", "clean_up_tokenization_spaces": False, "legacy": False, "sp_model_kwargs": {}}))
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()).get_piece_size(), 1, [2]


def tokenizer_of(folder):
    import transformers
    if (folder / "tokenizer.model").exists():
        return transformers.LlamaTokenizer.from_pretrained(folder, legacy=False)
    return transformers.PreTrainedTokenizerFast.from_pretrained(folder)


def formula(name, shape):
    """Hashed place -> [-1, 1) times an amplitude by kind; bf16. The same stands in tests/assistant/tst_reference.cpp."""
    import torch
    seed = 2166136261
    for byte in name.encode():
        seed = ((seed ^ byte) * 16777619) & 0xFFFFFFFF
    x = (np.arange(int(np.prod(shape)), dtype=np.uint64) * 2654435761 + seed).astype(np.uint32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x45D9F3B)
    x ^= x >> np.uint32(16)
    unit = x.astype(np.float64) / 2 ** 31 - 1
    flat = len(shape) == 1
    values = 0.25 * unit + (1 if flat and name.endswith("weight") else 0)
    return torch.tensor(values.astype(np.float32)).reshape(shape).to(torch.bfloat16)


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1))


def make(name, root):
    import safetensors.torch
    import transformers
    shape = kShapes[name]
    folder = root / name
    for part in ("llm", "vision_tower", "mm_projector"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    vocabulary, bos, eos = (train_llama3 if shape["kind"] == "llama3" else train_llama2)(folder / "llm")
    h = shape["hidden"]
    config = transformers.LlamaConfig(vocab_size=vocabulary, hidden_size=h, intermediate_size=shape["inner"], num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"], num_key_value_heads=shape["kv"], rope_theta=shape["theta"], max_position_embeddings=shape["positions"],
        rms_norm_eps=1e-5, rope_scaling=shape["scaling"], bos_token_id=bos, eos_token_id=eos[0])
    llm = transformers.LlamaForCausalLM(config)
    vision_config = transformers.SiglipVisionConfig(hidden_size=72, intermediate_size=200, num_hidden_layers=4, num_attention_heads=4, image_size=118, patch_size=14)
    vision = transformers.SiglipVisionModel(vision_config)
    projector = {k: formula(k, s) for k, s in {"layers.1.weight": (288,), "layers.1.bias": (288,), "layers.2.weight": (h, 288), "layers.2.bias": (h,),
        "layers.4.weight": (h, h), "layers.4.bias": (h,)}.items()}
    # Two shards with an index for the language model, bf16 throughout, as published.
    state = {k: formula(k, v.shape) for k, v in llm.state_dict().items()}
    names = list(state)
    parts = [names[:len(names) // 2], names[len(names) // 2:]]
    index = {"metadata": {"total_size": sum(v.numel() * 2 for v in state.values())}, "weight_map": {}}
    for n, part in enumerate(parts):
        file = f"model-{n + 1:05d}-of-{len(parts):05d}.safetensors"
        safetensors.torch.save_file({k: state[k] for k in part}, folder / "llm" / file, {"format": "pt"})
        index["weight_map"].update({k: file for k in part})
    write_json(folder / "llm/model.safetensors.index.json", index)
    safetensors.torch.save_file({k: formula(k, v.shape) for k, v in vision.state_dict().items()}, folder / "vision_tower/model.safetensors", {"format": "pt"})
    safetensors.torch.save_file(projector, folder / "mm_projector/model.safetensors", {"format": "pt"})
    parts = {"llm_cfg": config.to_dict(), "vision_tower_cfg": vision_config.to_dict(),
        "mm_projector_cfg": {"architectures": ["MultimodalProjector"], "model_type": "v2l_projector", "mm_projector_type": "mlp_downsample"}}
    parts["llm_cfg"].update(architectures=["LlamaForCausalLM"], tokenizer_model_max_length=4096, tokenizer_padding_side="right")
    parts["vision_tower_cfg"].update(architectures=["SiglipVisionModel"])
    for key, part in zip(parts, ("llm", "vision_tower", "mm_projector")):
        write_json(folder / part / "config.json", parts[key])
    write_json(folder / "llm/generation_config.json", {"bos_token_id": bos, "eos_token_id": eos if len(eos) > 1 else eos[0]})
    write_json(folder / "vision_tower/preprocessor_config.json", {"size": {"height": 118, "width": 118}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3,
        "resample": 3, "rescale_factor": 0.00392156862745098, "image_processor_type": "SiglipImageProcessor"})
    write_json(folder / "config.json", {"architectures": ["LlavaLlamaModel"], "model_type": "llava_llama", "hidden_size": h, "mm_hidden_size": 72,
        "image_aspect_ratio": "resize", "mm_vision_select_layer": -2, "mm_vision_select_feature": "cls_patch", "mm_use_im_start_end": False,
        "mm_use_im_patch_token": False, "s2": False, "model_dtype": "torch.bfloat16", **parts})


class Reference:
    """The reference stack on one checkpoint, in fp32."""

    def __init__(self, folder):
        import safetensors.torch
        import torch
        import transformers
        self.torch = torch
        torch.set_grad_enabled(False)
        self.tokenizer = tokenizer_of(folder / "llm")
        self.llm = transformers.LlamaForCausalLM.from_pretrained(folder / "llm", dtype=torch.float32).eval()
        self.vision = transformers.SiglipVisionModel.from_pretrained(folder / "vision_tower", dtype=torch.float32).eval()
        self.projector = {k: v.float() for k, v in safetensors.torch.load_file(folder / "mm_projector/model.safetensors").items()}
        self.size = json.loads((folder / "vision_tower/preprocessor_config.json").read_text())["size"]["height"]
        eos = json.loads((folder / "llm/generation_config.json").read_text())["eos_token_id"]
        self.eos = eos if isinstance(eos, list) else [eos]
        self.vicuna = (folder / "llm/tokenizer.model").exists()

    def rows(self, image):
        torch = self.torch
        square = image.convert("RGB").resize((self.size, self.size))
        pixels = (np.asarray(square).astype(np.float32) * np.float32(0.00392156862745098) - 0.5) / 0.5
        hidden = self.vision(torch.tensor(pixels.transpose(2, 0, 1))[None], output_hidden_states=True).hidden_states[-2][0]
        side = int(np.sqrt(len(hidden)))
        grid = hidden.reshape(side, side, -1)
        if side % 2:
            grid = torch.nn.functional.pad(grid, (0, 0, 0, 1, 0, 1))
        half = grid.shape[0] // 2
        x = torch.stack([torch.cat([grid[2 * i, 2 * j], grid[2 * i, 2 * j + 1], grid[2 * i + 1, 2 * j], grid[2 * i + 1, 2 * j + 1]]) for j in range(half) for i in range(half)])
        p, f = self.projector, torch.nn.functional
        x = f.layer_norm(x, (x.shape[-1],), p["layers.1.weight"], p["layers.1.bias"], 1e-5)
        return f.linear(f.gelu(f.linear(x, p["layers.2.weight"], p["layers.2.bias"])), p["layers.4.weight"], p["layers.4.bias"])

    def ids(self, prompt):
        """Reference vila-m3.md 3.2."""
        chunks = [self.tokenizer(c).input_ids for c in prompt.split("<image>")]
        offset = 1 if chunks[0] and chunks[0][0] == self.tokenizer.bos_token_id else 0
        out = chunks[0][:offset] + chunks[0][offset:]
        for c in chunks[1:]:
            out += [-200] + c[offset:]
        return out

    def generate(self, prompt, images, count):
        """Greedy ids and the logits of each step; EOS is masked while fewer than two tokens exist."""
        torch = self.torch
        images = [self.rows(i) for i in images]
        table = self.llm.get_input_embeddings()
        parts = []
        for i in self.ids(prompt):
            parts.append(images.pop(0) if i == -200 else table(torch.tensor([i])))
        embeddings = torch.cat(parts)[None]
        stops = set(self.eos) | {i for i in (self.tokenizer.convert_tokens_to_ids(t) for t in ("<|eot_id|>", "<|end_of_text|>", "</s>")) if i is not None and i != self.tokenizer.unk_token_id}
        past, chosen, logits = None, [], []
        while len(chosen) < count:
            out = self.llm(inputs_embeds=embeddings, past_key_values=past, use_cache=True)
            past = out.past_key_values
            row = out.logits[0, -1].float()
            logits.append(row.numpy().copy())
            if len(chosen) < 2:
                row[self.eos] = -float("inf")
            chosen.append(int(row.argmax()))
            if chosen[-1] in stops:
                break
            embeddings = table(torch.tensor([[chosen[-1]]]))
        return chosen, np.array(logits)


def template(vicuna, question):
    if vicuna:
        return kSystem["vicuna_v1"] + " USER: <image>\n" + question + " ASSISTANT:"
    return kSystem["llama_3"] + "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n<image>\n" + question + "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"


def strings(count=24000, seed=3):
    """Strings of every kind: all planes, runs of spaces, special tokens inside, templates."""
    r = random.Random(seed)
    specials = kLlama3Specials + ["<s>", "</s>", "<unk>", "[PAD]", "<0x0A>", "<|eot_id", "<image>", "\u2581", "\u2581\u2581"]
    spaces = [" ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u3000", "\u2003", "\x0b", "\x0c", "\u0085", "\u2028", " \n ", "\u200b", "\u180e"]
    words = [w for line in texts(7, 60) for w in line.split()]

    def character():
        k = r.random()
        if k < 0.35:
            return chr(r.randrange(32, 127))
        if k < 0.5:
            return chr(r.randrange(0xA0, 0x600))
        while True:
            c = r.randrange(1, 0x110000) if k < 0.75 else r.randrange(0x600, 0x10000)
            if not 0xD800 <= c < 0xE000:
                return chr(c)

    out = ["", " ", "  ", "\n", "</s>", " </s>", "</s> a", "a </s>b", "<s>", "'s 'T don'ts WE'LL", "12345 678", "\u2581", " \u2581a"]
    for vicuna in (True, False):
        out += [template(vicuna, q) for q in ("What is it?", "Is there a hepatic tumor in the image", "")]
    # Every plane, every block of 64 characters.
    for begin in range(0, 0x110000, 64):
        if not 0xD800 <= begin < 0xE000:
            out.append("".join(chr(c) for c in range(begin, begin + 64, 3) if c != 0))
    while len(out) < count:
        pieces = []
        for _ in range(r.randrange(1, 9)):
            k = r.random()
            pieces.append(r.choice(words) if k < 0.35 else r.choice(spaces) * r.randrange(1, 4) if k < 0.6 else r.choice(specials) if k < 0.7 else
                "".join(character() for _ in range(r.randrange(1, 8))) if k < 0.9 else str(r.randrange(10 ** r.randrange(1, 9))))
        out.append("".join(pieces))
    return out


def engine_ids(engine, folder, lines, decode=False):
    command = [engine, "tokenize", "--model", str(folder), "--decode" if decode else "--json"]
    done = subprocess.run(command, input="".join(json.dumps(s) + "\n" for s in lines).encode(), capture_output=True)
    if done.returncode:
        sys.exit("engine: " + done.stderr.decode())
    return [json.loads(line) for line in done.stdout.decode().split("\n")[:-1]]


def check_tokens(name, root, engine):
    tokenizer = tokenizer_of(root / name / "llm")
    lines = strings()
    wanted = [tokenizer(s).input_ids for s in lines]
    found = engine_ids(engine, root / name, lines)
    wrong = [(s, w, f) for s, w, f in zip(lines, wanted, found) if w != f]
    for s, w, f in wrong[:5]:
        print(f"  {s!r}\n    reference {w}\n    engine    {f}")
    texts_wanted = [tokenizer.decode(i, skip_special_tokens=True) for i in wanted]
    texts_found = engine_ids(engine, root / name, wanted, decode=True)
    different = [(w, f) for w, f in zip(texts_wanted, texts_found) if w != f]
    for w, f in different[:5]:
        print(f"  decoded reference {w!r}\n    engine           {f!r}")
    print(f"{name}: {len(lines)} strings, {len(wrong)} with other ids, {len(different)} decoded otherwise")
    return not wrong and not different


def check_networks(name, root, engine):
    import PIL.Image
    r = np.random.default_rng(5)
    image = PIL.Image.fromarray(r.integers(0, 256, (90, 131, 3), dtype=np.uint8)).resize((300, 210))
    file = root / "picture.png"
    image.save(file)
    good = True
    for question in ("What can be seen in this scan?", "Segment the liver.", "Is it 12 mm?"):
        # A new one each time: transformers keeps the widest dynamic scaling that it has seen.
        reference = Reference(root / name)
        ids, logits = reference.generate(template(reference.vicuna, question), [PIL.Image.open(file)], 200)
        done = subprocess.run([engine, "ask", "--model", str(root / name), "--image", str(file), "--prompt", question, "--precision", "fp32",
            "--max-tokens", "200", "--logits", str(root / "logits.npy"), "--json"], capture_output=True)
        if done.returncode:
            sys.exit("engine: " + done.stderr.decode())
        answer = json.loads(done.stdout)
        own = np.load(root / "logits.npy")
        rows = min(len(own), len(logits))
        worst = float(np.abs(own[:rows] - logits[:rows]).max())
        same = answer["ids"] == ids
        text = reference.tokenizer.decode([i for i in ids if i not in reference.eos], skip_special_tokens=True).strip()
        print(f"{name}: {answer['report']['promptTokens']} rows, {len(ids)} tokens {'identical' if same else 'DIFFERENT'}, text {'identical' if text == answer['answer'] else 'DIFFERENT'}, "
            f"largest difference of logits {worst:.1e} (they reach {np.abs(logits).max():.1f})")
        good &= same and worst < 1e-3 and text == answer["answer"]
    return good


def formula_picture(width, height):
    import PIL.Image
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    return PIL.Image.fromarray(((x * 7 + y * 13 + (x * y) % 31 * 5 + c * 50 + (x // 9) * (y // 5) * 17) % 256).astype(np.uint8))


def record(root):
    import shutil
    data = here.parent / "data"
    samples = {}
    for kind, name in (("llama2", "3b"), ("llama3", "8b")):
        target = data / "tokenizers" / kind
        target.mkdir(parents=True, exist_ok=True)
        for file in ("tokenizer.model", "tokenizer.json", "tokenizer_config.json"):
            if (root / name / "llm" / file).exists():
                shutil.copy(root / name / "llm" / file, target / file)
        tokenizer = tokenizer_of(root / name / "llm")
        lines = strings()
        lines = lines[:19] + lines[19:17419:87] + lines[-400:]
        ids = [tokenizer(s).input_ids for s in lines]
        samples[kind] = {"texts": lines, "ids": ids, "decoded": [tokenizer.decode(i, skip_special_tokens=True) for i in ids]}
    (data / "vila_tokens.json").write_text(json.dumps(samples) + "\n")
    question, shapes = "What can be seen in this scan?", {}
    for name in kShapes:
        folder = root / name
        reference = Reference(folder)
        ids, logits = reference.generate(template(reference.vicuna, question), [formula_picture(131, 90)], 200)
        files = {str(f.relative_to(folder)): json.loads(f.read_text()) for f in sorted(folder.rglob("*.json")) if f.name in ("config.json", "generation_config.json", "preprocessor_config.json")}
        shapes[name] = {"files": files, "tokenizer": kShapes[name]["kind"], "prompt": template(reference.vicuna, question), "ids": ids,
            "answer": reference.tokenizer.decode([i for i in ids if i not in reference.eos], skip_special_tokens=True).strip(),
            "first": [round(float(v), 5) for v in logits[0]], "last": [round(float(v), 5) for v in logits[-1]]}
    (data / "vila_reference.json").write_text(json.dumps(shapes) + "\n")


def main():
    what, root = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    if what == "make":
        for name in kShapes:
            make(name, root)
    elif what == "check":
        names = sys.argv[4:] or list(kShapes)
        results = [check_tokens(n, root, sys.argv[3]) for n in names if n in ("3b", "8b")] + [check_networks(n, root, sys.argv[3]) for n in names]
        sys.exit(0 if all(results) else 1)
    elif what == "record":
        record(root)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
