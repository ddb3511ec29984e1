#!/usr/bin/env python3
"""Speed of hounsfield-engine beside llama.cpp on the same processor, shape and kind of weights, with random weights: prints both and the ratios.

    tests/bench/llama_cpp.py ENGINE WORK [--shape 3b|8b|13b] [--layers N] [--precision bf16|int4 ...] [--tokens N] [--threads N]

WORK keeps what is made: llama.cpp from the source package of llama-cpp-python (fetched with pip, built with the vector instructions that the
processor has, without AMX; about ten minutes) and models of random numbers. bf16 is compared with BF16, int4 with Q4_0. --layers makes
a model of fewer layers; both sides get it. Needs cmake, a compiler, numpy and gguf.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tarfile

kShapes = {"3b": (2560, 6912, 32, 20, 20, 32000), "8b": (4096, 14336, 32, 32, 8, 128257), "13b": (5120, 13824, 40, 40, 40, 32000)}
kRows = 700
kFlags = {"avx2": "AVX2", "fma": "FMA", "f16c": "F16C", "bmi2": "BMI2", "avx512f": "AVX512", "avx512_vnni": "AVX512_VNNI", "avx512_vbmi": "AVX512_VBMI", "avx512_bf16": "AVX512_BF16", "avx_vnni": "AVX_VNNI"}


def built(work, threads):
    program = work / "build/bin/llama-bench"
    if program.exists():
        return program
    if not list(work.glob("llama_cpp_python-*.tar.gz")):
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "llama-cpp-python", "llama-cpp-python", "-d", work], check=True)
    with tarfile.open(next(work.glob("llama_cpp_python-*.tar.gz"))) as archive:
        archive.extractall(work, filter="data")
    source = next(work.glob("llama_cpp_python-*/vendor/llama.cpp"))
    has = next(line for line in open("/proc/cpuinfo") if line.startswith("flags")).split()
    options = [f"-DGGML_{option}={'ON' if flag in has else 'OFF'}" for flag, option in kFlags.items()]
    subprocess.run(["cmake", "-S", source, "-B", work / "build", "-DCMAKE_BUILD_TYPE=Release", "-DGGML_NATIVE=OFF", "-DLLAMA_CURL=OFF", "-DLLAMA_BUILD_TESTS=OFF", "-DLLAMA_BUILD_SERVER=OFF",
                    "-DLLAMA_BUILD_EXAMPLES=OFF", "-DBUILD_SHARED_LIBS=OFF", "-DGGML_AMX_TILE=OFF", "-DGGML_AMX_INT8=OFF", "-DGGML_AMX_BF16=OFF", *options], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", work / "build", "--target", "llama-bench", "-j", str(threads)], check=True, stdout=subprocess.DEVNULL)
    return program


def model(work, shape, layers, precision):
    import gguf
    import numpy
    hidden, inner, all_layers, heads, key_heads, vocabulary = kShapes[shape]
    layers = layers or all_layers
    file = work / f"{shape}-{layers}-{precision}.gguf"
    if file.exists():
        return file
    kind = gguf.GGMLQuantizationType.BF16 if precision == "bf16" else gguf.GGMLQuantizationType.Q4_0
    part = file.with_suffix(".part")
    writer = gguf.GGUFWriter(part, "llama", use_temp_file=True)
    writer.add_context_length(4096)
    writer.add_embedding_length(hidden)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(key_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(hidden // heads)
    writer.add_vocab_size(vocabulary)
    writer.add_tokenizer_model("no_vocab")
    writer.add_file_type(32 if precision == "bf16" else 2)
    random = numpy.random.default_rng(1)

    def matrix(name, rows, columns):
        some = (random.standard_normal((min(rows, 256), columns)) * 0.02).astype(numpy.float32)
        stored = gguf.quants.quantize(some, kind)
        writer.add_tensor(name, numpy.resize(stored, (rows, stored.shape[1])), raw_dtype=kind)

    def ones(name):
        writer.add_tensor(name, numpy.ones(hidden, numpy.float32))

    matrix("token_embd.weight", vocabulary, hidden)
    for n in range(layers):
        ones(f"blk.{n}.attn_norm.weight")
        ones(f"blk.{n}.ffn_norm.weight")
        matrix(f"blk.{n}.attn_q.weight", hidden, hidden)
        matrix(f"blk.{n}.attn_k.weight", hidden // heads * key_heads, hidden)
        matrix(f"blk.{n}.attn_v.weight", hidden // heads * key_heads, hidden)
        matrix(f"blk.{n}.attn_output.weight", hidden, hidden)
        matrix(f"blk.{n}.ffn_gate.weight", inner, hidden)
        matrix(f"blk.{n}.ffn_up.weight", inner, hidden)
        matrix(f"blk.{n}.ffn_down.weight", hidden, inner)
    ones("output_norm.weight")
    matrix("output.weight", vocabulary, hidden)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.rename(file)
    return file


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engine")
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--shape", default="3b", choices=kShapes)
    parser.add_argument("--layers", type=int, default=0)
    parser.add_argument("--precision", nargs="+", default=["bf16", "int4"], choices=("bf16", "int4"))
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    a = parser.parse_args()
    a.work.mkdir(parents=True, exist_ok=True)
    program = built(a.work, a.threads)
    for precision in a.precision:
        command = [a.engine, "bench", "--shape", a.shape, "--precision", precision, "--layers", str(a.layers), "--tokens", str(a.tokens), "--device", "cpu", "--json"]
        own = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        file = model(a.work, a.shape, a.layers, precision)

        def speed(*options):
            command = [program, "-m", file, *map(str, options), "-t", str(a.threads), "-r", "3", "-o", "json"]
            return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)[0]["avg_ts"]

        # Both generate behind the same number of rows.
        other = {"prefill_tokens_per_s": speed("-p", kRows, "-n", 0), "decode_tokens_per_s": speed("-p", 0, "-n", a.tokens, "-d", kRows)}
        print(f"{a.shape}, {a.layers or 'all'} layers, {precision}; load average {os.getloadavg()[0]:.1f}; bandwidth {own['bandwidth_gb_per_s']:.1f} GB/s, decode reads {own['decode_gb_per_s']:.1f} GB/s; "
              f"first token {own['first_token_ms'] / 1000:.1f} s, warm {own['first_token_warm_ms']:.0f} ms")
        for key, value in other.items():
            print(f"  {key:22} engine {own[key]:8.2f}  llama.cpp {value:8.2f}  ratio {own[key] / value:.2f}", flush=True)


main()
