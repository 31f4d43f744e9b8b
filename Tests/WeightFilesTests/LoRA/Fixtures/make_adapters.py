"""Writes one adapter in the styles that are in use, and the module names of real models: python make_adapters.py"""

import json
from pathlib import Path

import diffusers
import peft
import safetensors
import torch
import transformers
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from diffusers.training_utils import _collate_lora_metadata
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

HERE = Path(__file__).parent
UNET_TARGETS = ["attn1.to_q", "attn1.to_out.0", "attn2.to_v", "ff.net.0.proj", "proj_in", "resnets.0.conv1"]
TEXT_TARGETS = ["q_proj", "out_proj", "fc1"]


def small_unet() -> UNet2DConditionModel:
    blocks = {"down_block_types": ("CrossAttnDownBlock2D",), "up_block_types": ("UpBlock2D",), "layers_per_block": 1}
    sizes = {"block_out_channels": (8,), "cross_attention_dim": 8, "attention_head_dim": 2, "norm_num_groups": 4}
    return UNet2DConditionModel(sample_size=8, **blocks, **sizes)


def small_text_encoder() -> CLIPTextModel:
    sizes = {"vocab_size": 10, "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1}
    return CLIPTextModel(CLIPTextConfig(**sizes, num_attention_heads=2, max_position_embeddings=4))


def text_path(name: str) -> str:
    return name if name.startswith("text_model.") else "text_model." + name


def layers(model: torch.nn.Module, path=lambda name: name) -> dict:
    return {path(name): layer for name, layer in model.named_modules() if hasattr(layer, "lora_A")}


def factors(layer) -> tuple[torch.Tensor, torch.Tensor]:
    return layer.lora_A["default"].weight.detach().clone(), layer.lora_B["default"].weight.detach().clone()


def processor_name(path: str) -> str:
    """Names of 2023, when attention processors held the adapters."""
    if "attn" not in path:
        return path + ".lora"
    block, layer = path.split(".to_")
    return f"{block}.processor.to_{layer.removesuffix('.0')}_lora"


def write_adapters() -> None:
    torch.manual_seed(0)
    unet, text = small_unet(), small_text_encoder()
    patterns = {"rank_pattern": {"proj_in": 1}, "alpha_pattern": {"proj_in": 5, ".*attn2.to_v": 3}}
    unet.add_adapter(LoraConfig(r=2, lora_alpha=8, target_modules=UNET_TARGETS, init_lora_weights=False, **patterns))
    text.add_adapter(LoraConfig(r=2, lora_alpha=1, target_modules=TEXT_TARGETS, init_lora_weights=False))
    unet_state, text_state = get_peft_model_state_dict(unet), get_peft_model_state_dict(text)
    metadata = _collate_lora_metadata({"unet": unet, "text_encoder": text})
    StableDiffusionPipeline.save_lora_weights(
        HERE, convert_state_dict_to_diffusers(unet_state), convert_state_dict_to_diffusers(text_state),
        weight_name="diffusers.safetensors", **metadata,
    )
    unet.save_lora_adapter(HERE, weight_name="unet-only.safetensors")
    header = safetensors.safe_open(HERE / "diffusers.safetensors", "pt").metadata()
    states = {"unet.": unet_state, "text_encoder.": text_state}
    keyed = {prefix + key: value for prefix, state in states.items() for key, value in state.items()}
    save_file(keyed, HERE / "peft.safetensors", metadata=header)
    save_file(keyed, HERE / "peft-bare.safetensors")

    kohya, processors, expected = {}, {}, {}
    for target, kohya_prefix, named in [
        ("unet", "lora_unet_", layers(unet)), ("text_encoder", "lora_te_", layers(text, text_path))
    ]:
        expected[target] = {name: layer.scaling["default"] for name, layer in named.items()}
        for name, layer in named.items():
            down, up = factors(layer)
            flat = kohya_prefix + name.replace(".", "_")
            kohya |= {flat + ".lora_down.weight": down, flat + ".lora_up.weight": up}
            kohya[flat + ".alpha"] = torch.tensor(layer.scaling["default"] * layer.r["default"])
            if target == "unet":
                old = processor_name(name)
                processors |= {f"unet.{old}.down.weight": down.clone(), f"unet.{old}.up.weight": up.clone()}
    save_file(kohya, HERE / "kohya.safetensors")
    save_file(processors, HERE / "processors.safetensors")
    versions = {m.__name__: m.__version__ for m in (diffusers, peft, transformers, torch)}
    (HERE / "scales.json").write_text(json.dumps({"generator": versions, **expected}, indent=1) + "\n")


def write_module_names() -> None:
    """All layers of Stable Diffusion 1's networks that an adapter can change."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(cross_attention_dim=768)
        text = CLIPTextModel(CLIPTextConfig(hidden_size=768, num_hidden_layers=12, num_attention_heads=12))
    kinds = (torch.nn.Linear, torch.nn.Conv2d)
    names = [name for name, layer in unet.named_modules() if isinstance(layer, kinds)]
    names += [text_path(name) for name, layer in text.named_modules() if isinstance(layer, kinds)]
    (HERE / "modules.txt").write_text("\n".join(names) + "\n")


write_adapters()
write_module_names()
