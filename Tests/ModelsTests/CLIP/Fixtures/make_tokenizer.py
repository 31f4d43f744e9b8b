"""Writes tokenizers with small vocabularies and texts with transformers' ids: python make_tokenizer.py"""

import json
import random
import shutil
from pathlib import Path

import tokenizers
import transformers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

HERE = Path(__file__).parent
MARKERS = ["<|startoftext|>", "<|endoftext|>"]
SENTENCES = """a photo of a cat riding a horse on mars, highly detailed, trending on artstation
an astronaut's dog can't swim, they're told; we've seen it, he'd say I'm sure she'll go
oil painting of a café in İstanbul, naïve style, 4k octane render, 1920 x 1080
日本語の文章 と 한국어 문장 и русский текст với tiếng Việt ελληνικά العربية
&amp; &lt;b&gt; &#39; 🇩🇪 👩‍👩‍👧 🏳️‍🌈 ... !!! --- (masterpiece:1.2) [blurry]"""
WORDS = SENTENCES.split() + MARKERS + [m.upper() for m in MARKERS] + """'s 't 're 've 'm 'll 'd '' &nbsp; Straße ΣΊΣΥΦΟΣ
ǅ ﬁ ½ ² ① 3.14 e\u0301 \u212b \u1e9b\u0323 a\u0323\u0307 \u1100\u1161\u11a8 \u1113\u1161 \u1100\u1176 \uac00\u11a8
\U000e0061\u0301 \u09fe\u09bc \u00ad \u200b \ufeff \x00 \x7f \u2028 \u3000 \x85 \t \r\n <cat-toy> [dog] fox foxes""".split(" ")
RANGES = [(0x20, 0x7F), (0x61, 0x7B), (0, 0x20), (0x7F, 0x250), (0x300, 0x530), (0x590, 0xE00), (0x1100, 0x1200)]
RANGES += [(0x1E00, 0x2150), (0x3040, 0x3100), (0x4E00, 0x4F00), (0xAC00, 0xAD00), (0xFB00, 0xFB50), (0x1F300, 0x1FAFF)]
# Letters of Unicode 16 and 17, and of none yet.
RANGES += [(0x10D4A, 0x10D80), (0x16EA0, 0x16EC0), (0xA7CB, 0xA7DD), (0x11F12, 0x11F20), (0x2FE0, 0x2FF0)]


def train() -> Tokenizer:
    """CLIP's pipeline over a few sentences: 256 bytes, the same at the end of a word, some merges."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(r"\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"), "removed", invert=True), pre_tokenizers.ByteLevel(False)]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=620, initial_alphabet=alphabet, end_of_word_suffix="</w>", show_progress=False)
    tokenizer.train_from_iterator(SENTENCES.splitlines() * 3, trainer)
    return tokenizer


def write_vocabulary(directory: Path, trained: Tokenizer) -> None:
    """vocab.json and merges.txt in CLIP's order: bytes, bytes that end a word, merges, markers."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [tuple(merge) for merge in json.loads(trained.to_str())["model"]["merges"]]
    tokens = alphabet + [a + "</w>" for a in alphabet] + [a + b for a, b in merges] + MARKERS
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    directory.mkdir()
    (directory / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    (directory / "merges.txt").write_text("\n".join(["#version: 0.2", *map(" ".join, merges)]) + "\n")


def marker(content: str, **options) -> dict:
    return {"content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False, **options}


def write_configuration(directory: Path, pad: str, **options) -> None:
    """As the files of Stable Diffusion 1 and 2 have it."""
    named = {"bos_token": marker(MARKERS[0]), "eos_token": marker(MARKERS[1]), "unk_token": marker(MARKERS[1])}
    (directory / "special_tokens_map.json").write_text(json.dumps({**named, "pad_token": pad}))
    typed = {name: {"__type": "AddedToken", **token} for name, token in named.items()}
    (directory / "tokenizer_config.json").write_text(
        json.dumps({"do_lower_case": True, "errors": "replace", **typed, "pad_token": pad, **options})
    )


def make_tokenizers() -> dict[str, CLIPTokenizer]:
    for name in ["sd1", "sd2", "serialized", "bare"]:
        shutil.rmtree(HERE / name, ignore_errors=True)
    trained = train()
    write_vocabulary(HERE / "sd1", trained)
    write_configuration(HERE / "sd1", MARKERS[1], model_max_length=77)
    for name in ["sd2", "bare"]:
        write_vocabulary(HERE / name, trained)
    write_configuration(
        HERE / "sd2", "!", model_max_length=20, padding_side="left", truncation_side="left",
        additional_special_tokens=["[dog]"],
    )
    (HERE / "sd2" / "added_tokens.json").write_text(json.dumps({"<cat-toy>": 700}))
    extended = CLIPTokenizer.from_pretrained(HERE / "sd1")
    extended.add_tokens([AddedToken("<cat-toy>", lstrip=True), AddedToken("fox", single_word=True, rstrip=True), "猫"])
    extended.save_pretrained(HERE / "serialized")
    names = ["sd1", "sd2", "serialized", "bare"]
    return {name: CLIPTokenizer.from_pretrained(HERE / name) for name in names}


def make_text(draw: random.Random) -> str:
    parts = []
    for _ in range(draw.randrange(14)):
        if draw.random() < 0.6:
            parts.append(draw.choice(WORDS))
        else:
            low, high = draw.choice(RANGES)
            parts += [chr(draw.randrange(low, high)) for _ in range(draw.randrange(1, 5))]
        parts.append(draw.choice(["", " ", " ", "  ", "\n", "\u00a0"]))
    return "".join(parts)


def main() -> None:
    draw = random.Random(3)
    texts = ["", " ", *SENTENCES.splitlines(), "a " * 100, "cat" * 50, "'" * 9, *WORDS]
    texts += [make_text(draw) for _ in range(100)]
    cases = []
    for name, tokenizer in make_tokenizers().items():
        length = min(tokenizer.model_max_length, 77)
        for text in texts:
            ids = tokenizer(text, padding="max_length", max_length=length, truncation=True).input_ids
            # Padding on the right would be most of the file.
            while tokenizer.padding_side == "right" and ids[-2:] == [tokenizer.pad_token_id] * 2:
                ids.pop()
            cases.append({"tokenizer": name, "text": text, "ids": ids})
    versions = f"transformers {transformers.__version__}, tokenizers {tokenizers.__version__}"
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / "tokens.json").write_text(f'{{"generator": "make_tokenizer.py, {versions}", "cases": [\n{lines}\n]}}\n')


main()
