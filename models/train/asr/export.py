"""Export the checkpoint: whisper.cpp's ggml format (q8_0 or f16) and the Hugging Face layout.

    python models/train/asr/export.py --work target/train/asr --out models/whisper-mini-zh/ggml-model-q8_0.bin
    python models/train/asr/export.py --work target/train/asr --hf target/train/asr/whisper-mini-zh-hf
"""
import argparse
import base64
import json
import struct
from pathlib import Path

import numpy as np
import torch
import whisper

from model import DECODER_LAYERS, ENCODER_LAYERS, HEADS, VOCABULARY, WIDTH, Net

ASSETS = Path(whisper.__file__).parent / "assets"


def load(work, average=True):
    """State dict of the full whisper from the checkpoint, by default of the averaged weights."""
    state = torch.load(Path(work) / "checkpoint.pt", map_location="cpu")
    net = Net(state["used"], state["head_sizes"])
    net.load_state_dict(state["average"] if average else state["net"])
    print(f"checkpoint of step {state['step']}, {state['elapsed']/60:.1f} minutes")
    return net.full_state(), state


def q8_0(values):
    """Blocks of 32: an f16 scale and 32 signed bytes."""
    blocks = values.reshape(-1, 32).astype("float32")
    scale = np.abs(blocks).max(1) / 127
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
    out = np.zeros(len(blocks), dtype=[("d", "<f2"), ("q", "i1", 32)])
    out["d"], out["q"] = scale, np.round(blocks * inverse[:, None]).astype("int8")
    return out.tobytes()


def write_ggml(state, path, quantise=True):
    """One whisper.cpp model file. Convolutions stay f16, vectors and positions f32, matrices are q8_0."""
    tokens = [line.split()[0] for line in (ASSETS / "multilingual.tiktoken").open("rb") if line.strip()]
    filters = np.load(ASSETS / "mel_filters.npz")["mel_80"].astype("<f4")
    with open(path, "wb") as out:
        def ints(*values):
            out.write(struct.pack("<" + "i" * len(values), *values))

        ints(0x67676D6C, VOCABULARY, 1500, WIDTH, HEADS, ENCODER_LAYERS, 448, WIDTH, HEADS, DECODER_LAYERS, 80, 2007 if quantise else 1)
        ints(*filters.shape)
        out.write(filters.tobytes())
        ints(len(tokens))
        for token in tokens:
            raw = base64.b64decode(token)
            ints(len(raw))
            out.write(raw)
        for name, tensor in state.items():
            if name.endswith("mask"):
                continue
            values = tensor.float().numpy()
            if name in ("encoder.conv1.bias", "encoder.conv2.bias"):
                values = values.reshape(-1, 1)
            if values.ndim < 2 or "bias" in name or "positional" in name:
                kind, data = 0, values.astype("<f4").tobytes()
            elif "conv" in name or not quantise:
                kind, data = 1, values.astype("<f2").tobytes()
            else:
                kind, data = 8, q8_0(values)
            ints(values.ndim, len(name), kind)
            ints(*values.shape[::-1])
            out.write(name.encode())
            out.write(data)
    print(f"{path}: {Path(path).stat().st_size/1e6:.2f} MB")


RENAMES = [
    ("blocks", "layers"), ("cross_attn_ln", "encoder_attn_layer_norm"), ("attn_ln", "self_attn_layer_norm"), ("mlp_ln", "final_layer_norm"),
    ("cross_attn", "encoder_attn"), (".attn.", ".self_attn."), (".query.", ".q_proj."), (".key.", ".k_proj."), (".value.", ".v_proj."), (".out.", ".out_proj."),
    ("mlp.0", "fc1"), ("mlp.2", "fc2"), ("decoder.ln.", "decoder.layer_norm."), ("encoder.ln_post", "encoder.layer_norm"),
    ("encoder.positional_embedding", "encoder.embed_positions.weight"), ("decoder.positional_embedding", "decoder.embed_positions.weight"),
    ("token_embedding", "embed_tokens"),
]


def write_hf(state, folder):
    """Hugging Face layout: config, weights, tokenizer, feature extractor."""
    from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = WhisperConfig(
        vocab_size=VOCABULARY, d_model=WIDTH, encoder_layers=ENCODER_LAYERS, decoder_layers=DECODER_LAYERS, encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS, encoder_ffn_dim=4 * WIDTH, decoder_ffn_dim=4 * WIDTH, bos_token_id=50257, eos_token_id=50257, pad_token_id=50257,
        decoder_start_token_id=50258, suppress_tokens=None, begin_suppress_tokens=[220, 50257],
    )
    model = WhisperForConditionalGeneration(config)
    renamed = {}
    for name, tensor in state.items():
        if name.endswith("mask"):
            continue
        for old, new in RENAMES:
            name = name.replace(old, new)
        renamed["model." + name] = tensor.float()
    missing, unknown = model.load_state_dict(renamed, strict=False)
    if unknown or set(missing) - {"proj_out.weight"}:
        raise SystemExit(f"names do not fit: missing {missing}, unknown {unknown}")
    model.tie_weights()
    ranks = {}
    for line in (ASSETS / "multilingual.tiktoken").open("rb"):
        if line.strip():
            token, rank = line.split()
            ranks[base64.b64decode(token)] = int(rank)
    sign = bytes_to_unicode()
    text = lambda raw: "".join(sign[b] for b in raw)
    merges = []
    for raw, rank in sorted(ranks.items(), key=lambda item: item[1]):
        if len(raw) > 1:
            parts = [bytes([b]) for b in raw]
            while len(parts) > 2:
                best = min(range(len(parts) - 1), key=lambda i: ranks.get(parts[i] + parts[i + 1], 1 << 30))
                parts[best : best + 2] = [parts[best] + parts[best + 1]]
            merges.append(f"{text(parts[0])} {text(parts[1])}")
    vocabulary = {text(raw): rank for raw, rank in ranks.items()} | {"<|endoftext|>": 50257}
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    from transformers import AddedToken, WhisperTokenizer

    tokenizer = WhisperTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    special = whisper.tokenizer.get_tokenizer(True).special_tokens
    names = [name for name, _ in sorted(special.items(), key=lambda item: item[1]) if name != "<|endoftext|>"]
    plain = [n for n in names if special[n] < 50364]
    tokenizer.add_special_tokens({"additional_special_tokens": plain})
    tokenizer.add_tokens([AddedToken(n, normalized=False) for n in names if special[n] >= 50364])
    languages = {f"<|{c}|>": special[f"<|{c}|>"] for c in whisper.tokenizer.LANGUAGES if f"<|{c}|>" in special}
    model.generation_config = GenerationConfig(
        decoder_start_token_id=50258, eos_token_id=50257, pad_token_id=50257, bos_token_id=50257, is_multilingual=True, lang_to_id=languages, max_length=448,
        task_to_id={"transcribe": special["<|transcribe|>"], "translate": special["<|translate|>"]}, no_timestamps_token_id=special["<|notimestamps|>"],
        begin_suppress_tokens=[220, 50257], max_initial_timestamp_index=50, return_timestamps=False,
    )
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=80).save_pretrained(folder)
    print(f"{folder}: Hugging Face layout")


def main():
    """Parse the arguments and export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("target/train/asr"))
    parser.add_argument("--out", type=Path, help="ggml file to write")
    parser.add_argument("--f16", action="store_true", help="do not quantise")
    parser.add_argument("--hf", type=Path, help="folder for the Hugging Face layout")
    parser.add_argument("--last", action="store_true", help="the last weights, not their running average")
    args = parser.parse_args()
    state, _ = load(args.work, not args.last)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        write_ggml(state, args.out, not args.f16)
    if args.hf:
        write_hf(state, args.hf)


if __name__ == "__main__":
    main()
