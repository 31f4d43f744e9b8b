"""Writes a tiny CLIP with an aesthetic head, pictures (tensors, and PNG files of several kinds), and what the reference
definitions make of them: python make_rewards.py

The definitions are those of imscore 0.0.11 (LAIONAestheticScorer, CLIPScore, PickScorer) and, for the statistics, of
shervinkhalafi/constrained_comp_align, Alignment/rewards.py, in double precision on tensors. Of transformers 5 and
torchvision; imscore itself does not run with transformers 5.
"""

import json
from pathlib import Path

import numpy
import torch
import torchvision
import transformers
from PIL import Image
from safetensors.torch import save_file
from torchvision.transforms import CenterCrop, Compose, GaussianBlur, InterpolationMode, Normalize, Resize
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPTokenizer

HERE = Path(__file__).parent
MODEL = HERE / "clip"
SEED = 5
SIZE, WIDTH, LENGTH = 16, 12, 10
PROMPTS = ["a red fox", "two birds", "a fox and a blue bird on a very long branch"]
# Pictures to be shrunk (two, wide), and one to be enlarged (high).
SHAPES = {"wide": (2, 21, 34), "high": (1, 14, 11)}


def make_tokenizer():
    letters = "abcdefghijklmnopqrstuvwxyz"
    merges = [("f", "o"), ("fo", "x</w>"), ("b", "i"), ("r", "e"), ("re", "d</w>"), ("bi", "r")]
    tokens = [*letters, *(c + "</w>" for c in letters), *(a + b for a, b in merges), "<|startoftext|>", "<|endoftext|>"]
    MODEL.mkdir(exist_ok=True)
    (MODEL / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    (MODEL / "merges.txt").write_text("\n".join(["#version: 0.2", *map(" ".join, merges)]) + "\n")
    (MODEL / "tokenizer_config.json").write_text(json.dumps({"model_max_length": LENGTH}) + "\n")
    return CLIPTokenizer.from_pretrained(MODEL)


def make_model(tokenizer):
    sizes = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2)
    options = dict(
        text_config=sizes | dict(
            vocab_size=len(tokenizer), max_position_embeddings=LENGTH, bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id),
        vision_config=sizes | dict(image_size=SIZE, patch_size=4), projection_dim=WIDTH,
    )  # fmt: skip
    model = CLIPModel(CLIPConfig(**options)).eval()
    for parameter in model.parameters():
        if parameter.ndim < 2:
            parameter.data = torch.randn_like(parameter) * 0.2 + (parameter.data.mean() > 0.5).float()
        else:
            parameter.data = torch.randn_like(parameter) * 1.3 / parameter[0].numel() ** 0.5
    model.logit_scale.data = torch.tensor(4.6)
    model = model.half()
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, MODEL / "model.safetensors", {"format": "pt"})
    (MODEL / "config.json").write_text(json.dumps(options | {"model_type": "clip"}) + "\n")
    edge = {"height": SIZE, "width": SIZE}
    CLIPImageProcessor(size={"shortest_edge": SIZE}, crop_size=edge).save_pretrained(MODEL)
    return model.double()


def make_head(path, numbers, widths):
    layers = torch.nn.ModuleDict({str(n): torch.nn.Linear(i, o) for n, i, o in zip(numbers, widths, widths[1:])})
    torch.save({f"layers.{name}": value for name, value in layers.state_dict().items()}, path)
    return torch.nn.Sequential(*layers.double().values())


def preprocess(mode):
    normalize = Normalize([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
    return Compose([Resize(SIZE, mode), CenterCrop(SIZE), normalize])


def unit(x):
    return x / torch.linalg.vector_norm(x, dim=-1, keepdim=True)


def learned_rewards(model, tokenizer, head):
    def image_features(x, mode):
        return unit(model.get_image_features(pixel_values=preprocess(mode)(x)).pooler_output)

    def text_features(prompts):
        tokens = tokenizer(prompts, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt")
        return unit(model.get_text_features(**tokens).pooler_output)

    def similarity(mode):
        return lambda x, p: model.logit_scale.exp() * (image_features(x, mode) * text_features(p)).sum(-1)

    return {
        "aesthetic": lambda x, p: head(image_features(x, InterpolationMode.BICUBIC)).squeeze(-1),
        "clip-score": similarity(InterpolationMode.BILINEAR),
        "pick-score": similarity(InterpolationMode.BICUBIC),
    }


def luminance(x):
    return 0.2126 * x[:, 0] + 0.7152 * x[:, 1] + 0.0722 * x[:, 2]


def local_contrast(x):
    y = luminance(x)
    return (y - GaussianBlur(5, 1.0)(y[:, None])[:, 0]).abs().mean((1, 2))


def saturation(x):
    r, g, b = x[:, 0], x[:, 1], x[:, 2]
    largest = torch.maximum(torch.maximum(r, g), b)
    smallest = torch.minimum(torch.minimum(r, g), b)
    return ((largest - smallest) / (largest + 1e-8)).mean((1, 2))


def colourfulness(x):
    rg, yb = x[:, 0] - x[:, 1], 0.5 * (x[:, 0] + x[:, 1]) - x[:, 2]
    deviation = torch.sqrt(rg.std((1, 2)) ** 2 + yb.std((1, 2)) ** 2)
    return deviation + 0.3 * torch.sqrt(rg.mean((1, 2)) ** 2 + yb.mean((1, 2)) ** 2)


STATISTICS = {
    "brightness": lambda x: luminance(x).mean((1, 2)),
    "global-contrast": lambda x: luminance(x).std((1, 2)),
    "local-contrast": local_contrast,
    "saturation": saturation,
    "colourfulness": colourfulness,
}


def directed(statistic, sign):
    return lambda x, p: sign * statistic(x)


def pictures(count, height, width):
    """[N, H, W, 3] with some grey, black and white pixels, where the largest colour is not the only one."""
    x = torch.rand(count, height, width, 3)
    x[:, 2:4, 3] = 0.25
    x[:, 5, 2] = 0
    x[:, 7, 6] = 1
    x[:, 8, 4, 1] = x[:, 8, 4, 0]
    return x


def write_files(rewards):
    """PNG files, and their scores with the prompt "a red fox"."""
    folder = HERE / "pictures"
    folder.mkdir(exist_ok=True)
    draw = numpy.random.default_rng(SEED)
    color = Image.fromarray(draw.integers(0, 256, (18, 25, 3), dtype=numpy.uint8))
    grey = draw.integers(0, 256, (20, 16), dtype=numpy.uint8)
    alpha = draw.integers(0, 256, (18, 25, 1))
    mixed = (numpy.array(color) * alpha + 255 * (255 - alpha) + 127) // 255
    transparent = color.copy()
    transparent.putalpha(Image.fromarray(alpha[..., 0].astype(numpy.uint8)))
    files = {
        "color": (color, color), "grey": (Image.fromarray(grey), Image.fromarray(grey)),
        "palette": (color.quantize(7), color.quantize(7)),
        "deep": (Image.fromarray(grey.astype(numpy.uint16) * 257), Image.fromarray(grey)),
        "transparent": (transparent, Image.fromarray(mixed.astype(numpy.uint8))),
    }  # fmt: skip
    scores = {}
    for name, (stored, shown) in files.items():
        stored.save(folder / f"{name}.png")
        x = torch.tensor(numpy.array(shown.convert("RGB")), dtype=torch.float64).permute(2, 0, 1)[None] / 255
        scores[name] = {reward: function(x, PROMPTS[:1]).item() for reward, function in rewards.items()}
    (HERE / "pictures.json").write_text(json.dumps(scores, indent=1) + "\n")


def main():
    torch.manual_seed(SEED)
    tokenizer = make_tokenizer()
    model = make_model(tokenizer)
    head = make_head(MODEL / "head.pth", [0, 2, 4, 6, 7], [WIDTH, 16, 8, 6, 4, 1])
    make_head(HERE / "narrow.pth", [0, 1], [5, 2, 1])  # for features of another width
    rewards = learned_rewards(model, tokenizer, head)
    for name, statistic in STATISTICS.items():
        rewards |= {f"{name}-high": directed(statistic, 1), f"{name}-low": directed(statistic, -1)}
    results = {}
    for name, shape in SHAPES.items():
        images = results[f"{name}.images"] = pictures(*shape)
        for reward, function in rewards.items():
            x = images.double().permute(0, 3, 1, 2).requires_grad_()
            values = function(x, PROMPTS[: shape[0]] if name == "wide" else PROMPTS[2:])
            results[f"{name}.{reward}"] = values.detach().float()
            # The low ones are minus the high ones.
            if not reward.endswith("-low"):
                values.sum().backward()
                results[f"{name}.{reward}.gradient"] = x.grad.permute(0, 2, 3, 1).float().contiguous()
    versions = {"torchvision": torchvision.__version__, "transformers": transformers.__version__}
    metadata = {"seed": str(SEED), "torch": torch.__version__} | versions
    save_file(results, HERE / "rewards.safetensors", metadata)
    write_files(rewards)


main()
