"""Small Stable Diffusion pipelines with random weights, and what diffusers samples from them.

    python pipelines.py                      # writes the fixture of the tests
    python pipelines.py SADDLE DIRECTORY     # compares `SADDLE sample` with diffusers on all of CASES
"""

import copy
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

TOKENIZERS = Path(__file__).parents[3] / "ModelsTests" / "CLIP" / "Fixtures"
PROMPTS = ["a photo of a cat riding a horse", "oil painting of a café, 4k"]
NEGATIVE = "blurry"
STEPS, GUIDANCE = 6, 5.0


@dataclass
class Case:
    name: str
    text: dict = field(default_factory=dict)
    unet: dict = field(default_factory=dict)
    vae: dict = field(default_factory=dict)
    scheduler: dict = field(default_factory=dict)
    tokenizer: str = "sd1"
    dtype: torch.dtype = torch.float32
    size: tuple = (32, 32)
    save: dict = field(default_factory=dict)


CROSS = ("CrossAttnDownBlock2D", "DownBlock2D"), ("UpBlock2D", "CrossAttnUpBlock2D")
CASES = [
    Case("plain"),
    Case(
        "half", unet={"attention_head_dim": 2, "layers_per_block": 2}, vae={"layers_per_block": 2, "scaling_factor": 0.3},
        scheduler={"timestep_spacing": "trailing", "prediction_type": "v_prediction", "rescale_betas_zero_snr": True},
        dtype=torch.float16, size=(40, 24), save={"variant": "fp16"},
    ),
    Case(
        "wide", text={"hidden_size": 48, "num_attention_heads": 6, "num_hidden_layers": 3, "hidden_act": "gelu"},
        unet={
            "block_out_channels": (16, 32, 48), "norm_num_groups": 8, "use_linear_projection": True, "attention_head_dim": (2, 4, 6),
            "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
            "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        },
        vae={"block_out_channels": (8, 16, 16, 24)}, scheduler={"timestep_spacing": "linspace", "set_alpha_to_one": True},
        tokenizer="sd2", dtype=torch.bfloat16, size=(64, 96), save={"max_shard_size": "100KB"},
    ),
    Case("shards", scheduler={"steps_offset": 0, "clip_sample": True, "beta_schedule": "linear"}, save={"max_shard_size": "60KB"}),
]


def randomize(model: torch.nn.Module, scale: float) -> None:
    """Weights large enough that every part of the network matters."""
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            parameter.data = torch.randn_like(parameter) * 0.1 + float("norm" in name and name.endswith("weight"))
        else:
            parameter.data = scale * torch.randn_like(parameter) / parameter[0].numel() ** 0.5


def make(case: Case, directory: Path) -> StableDiffusionPipeline:
    """Writes a pipeline; returns it in f32 as its files have it."""
    tokenizer = CLIPTokenizer.from_pretrained(TOKENIZERS / case.tokenizer)
    text = {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4} | case.text
    vae = {"block_out_channels": (8, 12), "norm_num_groups": 4} | case.vae
    levels = len(vae["block_out_channels"])
    unet = {
        "sample_size": case.size[0] // 2 ** (levels - 1), "block_out_channels": (8, 16), "norm_num_groups": 4, "layers_per_block": 1,
        "attention_head_dim": 4, "down_block_types": CROSS[0], "up_block_types": CROSS[1], "cross_attention_dim": text["hidden_size"],
    }
    scheduler = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "clip_sample": False}
    scheduler |= {"set_alpha_to_one": False, "steps_offset": 1} | case.scheduler
    end = tokenizer.eos_token_id
    models = {
        "text_encoder": CLIPTextModel(CLIPTextConfig(vocab_size=len(tokenizer), eos_token_id=end, bos_token_id=end - 1, **text)),
        "unet": UNet2DConditionModel(**(unet | case.unet)),
        "vae": AutoencoderKL(
            down_block_types=("DownEncoderBlock2D",) * levels, up_block_types=("UpDecoderBlock2D",) * levels, **vae
        ),
    }
    for name, model in models.items():
        randomize(model, 0.7 if name == "unet" else 1)
        models[name] = model.to(case.dtype).eval()
    pipeline = StableDiffusionPipeline(
        tokenizer=tokenizer, scheduler=DDIMScheduler(**scheduler), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False, **models,
    )
    # The pipeline changes settings of the scheduler that it deems outdated.
    pipeline.scheduler = DDIMScheduler(**scheduler)
    pipeline.save_pretrained(directory, **case.save)
    for model in models.values():
        model.float()
    return pipeline


def make_adapter(model: torch.nn.Module, network: str, ends: tuple, path: Path, rank: int, alpha: float) -> None:
    """A LoRA file in PEFT's style with its strength in the metadata."""
    level = "text_model." if network == "text_encoder" else ""
    tensors = {}
    for name, module in model.named_modules():
        if name.endswith(ends):
            tensors[f"{network}.{level}{name}.lora_A.weight"] = torch.randn(rank, module.in_features) / module.in_features**0.5
            tensors[f"{network}.{level}{name}.lora_B.weight"] = torch.randn(module.out_features, rank) * 0.3
    metadata = {f"{network}.r": rank, f"{network}.lora_alpha": alpha, f"{network}.target_modules": list(ends)}
    save_file(tensors, path, metadata={"format": "pt", "lora_adapter_metadata": json.dumps(metadata)})


def merge(model: torch.nn.Module, path: Path, strength: float) -> None:
    """Adds an adapter to a text encoder: diffusers 0.42 with transformers 5.23 loses its weights instead."""
    tensors = load_file(path)
    for name, module in model.named_modules():
        key = f"text_encoder.text_model.{name}.lora_"
        if key + "A.weight" in tensors:
            module.weight.data += strength * tensors[key + "B.weight"] @ tensors[key + "A.weight"]


@torch.no_grad()
def sample(pipeline: StableDiffusionPipeline, latents: torch.Tensor, noise: torch.Tensor, eta: float) -> dict:
    """What `saddle sample --save-latents` writes."""
    scheduler = copy.deepcopy(pipeline.scheduler)
    scheduler.set_timesteps(STEPS)
    texts, unconditional = pipeline.encode_prompt(PROMPTS, "cpu", 1, True, [NEGATIVE] * len(PROMPTS))
    result = {"text_embeddings": texts}
    for step, timestep in enumerate(scheduler.timesteps):
        both = pipeline.unet(torch.cat([latents] * 2), timestep, torch.cat([unconditional, texts])).sample
        negative, positive = both.chunk(2)
        if step == 0:
            result |= {"epsilon_uncond": negative, "epsilon_cond": positive}
        output = negative + GUIDANCE * (positive - negative)
        latents = scheduler.step(output, timestep, latents, eta=eta, variance_noise=noise[step] if eta else None).prev_sample
    images = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample
    return {key: value.contiguous() for key, value in (result | {"latents": latents, "images": images}).items()}


def start(pipeline: StableDiffusionPipeline, size: tuple) -> tuple:
    factor = 2 ** (len(pipeline.vae.config.block_out_channels) - 1)
    shape = (len(PROMPTS), 4, size[0] // factor, size[1] // factor)
    return torch.randn(shape), torch.randn(STEPS, *shape)


def command(saddle: str, directory: Path, eta: float, adapters: list) -> list:
    return [
        saddle, "sample", "--model", directory, "--prompt", *PROMPTS, "--negative-prompt", NEGATIVE, "--steps", STEPS, "--guidance",
        GUIDANCE, "--eta", eta, *(x for a in adapters for x in ("--adapter", a)), "--initial-latents", directory / "latents.safetensors",
        "--step-noise", directory / "noise.safetensors", "--save-latents", directory / "saved.safetensors", "--output", directory / "out",
    ]


def expectation(pipeline: StableDiffusionPipeline, folder: Path, weights: dict, *given) -> dict:
    """`sample` with the adapters of these weights; that named `text` is the text encoder's, of α / r = 2."""
    unet = {name: weight for name, weight in weights.items() if name != "text"}
    for name in unet:
        pipeline.load_lora_weights(folder / f"{name}.safetensors", adapter_name=name)
    if unet:
        pipeline.set_adapters(list(unet), list(unet.values()))
    original = pipeline.text_encoder
    pipeline.text_encoder = copy.deepcopy(original)
    if "text" in weights:
        merge(pipeline.text_encoder, folder / "text.safetensors", 2 * weights["text"])
    result = sample(pipeline, *given)
    pipeline.text_encoder = original
    pipeline.unload_lora_weights()
    return result


def write_inputs(pipeline: StableDiffusionPipeline, folder: Path, size: tuple) -> tuple:
    """Latents, noise and three adapters."""
    latents, noise = start(pipeline, size)
    save_file({"latents": latents}, folder / "latents.safetensors")
    save_file({"noise": noise}, folder / "noise.safetensors")
    make_adapter(pipeline.unet, "unet", ("to_q", "to_k", "to_v", "to_out.0"), folder / "first.safetensors", 3, 6)
    make_adapter(pipeline.unet, "unet", ("to_v", "ff.net.2"), folder / "second.safetensors", 2, 1)
    make_adapter(pipeline.text_encoder, "text_encoder", ("q_proj", "v_proj", "fc1"), folder / "text.safetensors", 2, 4)
    return latents, noise


def compare(saddle: str, directory: Path) -> None:
    """Prints max |x − reference| / max |reference| of every tensor."""
    for seed, case in enumerate(CASES):
        torch.manual_seed(seed)
        folder = directory / case.name
        pipeline = make(case, folder)
        latents, noise = write_inputs(pipeline, folder, case.size)
        # At η = 1 a step without signal takes the root of −1e-8 in diffusers.
        most = 0.9 if pipeline.scheduler.config.rescale_betas_zero_snr else 1
        for eta, weights in [(0, {}), (most, {}), (most, {"first": 1.0}), (0, {"first": 0.5, "second": -0.7, "text": 0.8})]:
            expected = expectation(pipeline, folder, weights, latents, noise, eta)
            adapters = [f"{folder / name}.safetensors={weight}" for name, weight in weights.items()]
            run = subprocess.run([str(x) for x in command(saddle, folder, eta, adapters)], capture_output=True, text=True)
            if run.returncode:
                print(case.name, eta, weights, "exit", run.returncode, run.stderr, flush=True)
                continue
            actual = load_file(folder / "saved.safetensors")
            errors = {key: float((actual[key] - value).abs().max() / value.abs().max()) for key, value in expected.items()}
            print(case.name, eta, weights, {key: f"{error:.1e}" for key, error in errors.items()}, flush=True)


def write_fixture(folder: Path) -> None:
    """A pipeline without its tokenizer, which is that of the tokenizer's tests, and the answers for η = 1 with adapters."""
    torch.manual_seed(3)
    pipeline = make(Case("tiny", text={"hidden_size": 16}, dtype=torch.float16, size=(16, 24)), folder)
    shutil.rmtree(folder / "tokenizer")
    latents, noise = write_inputs(pipeline, folder, (16, 24))
    expected = expectation(pipeline, folder, {"first": 0.5, "text": -0.7}, latents, noise, 1)
    metadata = {"diffusers": diffusers.__version__, "transformers": transformers.__version__}
    save_file(expected, folder / "expected.safetensors", metadata=metadata)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        compare(sys.argv[1], Path(sys.argv[2]))
    else:
        write_fixture(Path(__file__).parent / "tiny")
