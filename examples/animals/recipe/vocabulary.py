"""A tokenizer in CLIP's format with a vocabulary learned from the captions."""

import json
import os
from collections import Counter

import regex
from transformers import CLIPTokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

LENGTH = 77
START, END = "<|startoftext|>", "<|endoftext|>"
# How CLIP cuts text into words before byte-pair encoding.
WORD = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+", regex.IGNORECASE)
MOST_MERGES = 4096


def learn_merges(texts):
    """Byte-pair merges until every word of the texts is one token."""
    letters = bytes_to_unicode()
    words = Counter()
    for word in (word for text in texts for word in WORD.findall(text.lower())):
        symbols = [letters[byte] for byte in word.encode()]
        words[(*symbols[:-1], symbols[-1] + "</w>")] += 1
    merges = []
    while len(merges) < MOST_MERGES:
        pairs = Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        joined = Counter()
        for word, count in words.items():
            joined[merge(word, best)] += count
        words = joined
    return merges


def merge(word, pair):
    out = []
    for symbol in word:
        if out and (out[-1], symbol) == pair:
            out[-1] += symbol
        else:
            out.append(symbol)
    return tuple(out)


def write_tokenizer(texts, folder):
    """Writes vocab.json and merges.txt, in CLIP's order, and the files transformers adds."""
    folder.mkdir(parents=True, exist_ok=True)
    merges = learn_merges(texts)
    letters = list(bytes_to_unicode().values())
    tokens = [*letters, *(letter + "</w>" for letter in letters), *map("".join, merges), START, END]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    write(folder / "merges.txt", "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    write(folder / "vocab.json", json.dumps(vocabulary, ensure_ascii=False))
    return load_tokenizer(folder)


def write(path, text):
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    os.replace(partial, path)


def load_tokenizer(folder):
    return CLIPTokenizer(
        vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"), model_max_length=LENGTH,
        bos_token=START, eos_token=END, unk_token=END, pad_token=END,
    )  # fmt: skip


def encode(tokenizer, texts, length=LENGTH):
    return tokenizer(texts, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids
