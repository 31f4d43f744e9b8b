#!/usr/bin/env python3
"""Makes the text-to-image model `model/` and the preference model `preference/` of this example from nothing.

Every stage keeps its state in a file of the state folder and is skipped when it is done. The same command goes on
where an earlier one was stopped, by whatever means.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

import autoencoder
import denoiser
import evidence
import export
import preference
import reference
import vocabulary
from pictures import TRAINING, Album, phrases
from subjects import subjects
from training import load, save_atomically

SHARD = 4096  # pictures
STAGES = ["preference", "autoencoder", "latents", "denoiser", "export", "reference", "evidence"]


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    options.state.mkdir(parents=True, exist_ok=True)
    album = Album.open(options.font, subjects(options.annotations))
    tokenizer = vocabulary.write_tokenizer(phrases(album.subjects), options.state / "tokenizer")
    stages = Stages(options, album, tokenizer)
    for stage in STAGES:
        if stage in options.stages:
            print(f"== {stage}", flush=True)
            getattr(stages, stage)()


class Stages:
    def __init__(self, options, album, tokenizer):
        self.options, self.album, self.tokenizer = options, album, tokenizer

    def file(self, name):
        return self.options.state / f"{name}.pt"

    def settings(self, module, steps):
        return replace(module.SETTINGS, steps=steps) if steps else module.SETTINGS

    def preference(self):
        settings = self.settings(preference, self.options.preference_steps)
        preference.train(self.album, self.tokenizer, settings, self.file("preference"))

    def autoencoder(self):
        settings = self.settings(autoencoder, self.options.autoencoder_steps)
        autoencoder.train(self.album, settings, self.file("autoencoder"))

    def latents(self):
        """Latents of the training pictures, a shard at a time."""
        folder = self.options.state / "latents"
        folder.mkdir(exist_ok=True)
        model = None
        for first in range(0, self.options.pictures, SHARD):
            path = folder / f"{first:07d}.pt"
            if path.exists():
                continue
            if model is None:
                model = autoencoder.load_model(self.file("autoencoder"))
            parts, texts = [], []
            for start in range(first, min(first + SHARD, self.options.pictures), 128):
                d = self.album.draw(TRAINING, range(start, min(start + 128, self.options.pictures)))
                parts.append(autoencoder.encode(model, self.album.pictures(d)).half())
                texts += [caption.text for caption in self.album.captions(d)]
            save_atomically({"latents": torch.cat(parts), "captions": texts}, path)
            print(f"latents: {first + len(texts)} of {self.options.pictures}", flush=True)

    def denoiser(self):
        shards = [load(path) for path in sorted((self.options.state / "latents").glob("*.pt"))]
        latents = torch.cat([shard["latents"] for shard in shards])
        captions = [text for shard in shards for text in shard["captions"]]
        scale = export.scaling_factor(self.options.state)
        encoder = export.text_encoder(self.tokenizer, self.file("preference"))
        settings = self.settings(denoiser, self.options.denoiser_steps)
        embeddings = denoiser.TextEmbeddings(encoder, self.tokenizer)
        denoiser.train(latents.float().mul(scale).half(), captions, embeddings, settings, self.file("denoiser"))

    def export(self):
        export.write(self.options.state, self.options.output, self.tokenizer)

    def reference(self):
        reference.write(self.options.output)

    def evidence(self):
        evidence.write(self.options.output, self.album)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).resolve().parent
    parser.add_argument("--state", type=Path, required=True, help="folder for what is kept between runs (about 1 GB)")
    parser.add_argument("--output", type=Path, default=here.parent, help="where model/ and preference/ go")
    parser.add_argument("--font", type=Path, default="/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
    parser.add_argument(
        "--annotations", type=Path, default="/usr/share/unicode/cldr/common/annotations/en.xml", help="of the CLDR"
    )
    parser.add_argument("--stages", type=lambda text: text.split(","), default=STAGES, help=",".join(STAGES))
    parser.add_argument("--pictures", type=int, default=32768, help="whose latents the denoiser trains on")
    parser.add_argument("--preference-steps", type=int)
    parser.add_argument("--autoencoder-steps", type=int)
    parser.add_argument("--denoiser-steps", type=int, help="may be raised later: training goes on where it stands")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


if __name__ == "__main__":
    main()
