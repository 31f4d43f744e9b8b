"""Writes small CLIP models with random weights and what transformers makes of some images and ids:
python make_joint_models.py"""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel

HERE = Path(__file__).parent
SEED = 11
VOCABULARY, LENGTH, COUNT, END = 43, 9, 3, 41
TEXT = dict(vocab_size=VOCABULARY, max_position_embeddings=LENGTH, bos_token_id=0)


def randomize(model: torch.nn.Module) -> None:
    """Weights large enough that every part of the network matters."""
    for parameter in model.parameters():
        if parameter.ndim < 2:
            parameter.data = torch.randn_like(parameter) * 0.2 + (parameter.data.mean() > 0.5).float()
        else:
            parameter.data = torch.randn_like(parameter) * 1.3 / parameter[0].numel() ** 0.5


def make(name: str, dtype: torch.dtype, size: int, text: dict, vision: dict, width: int) -> dict:
    """A model's directory; returns the reference: features, and the gradient of <seed, image features>."""
    options = dict(text_config=TEXT | text, vision_config=vision | dict(image_size=size), projection_dim=width)
    model = CLIPModel(CLIPConfig(**options)).eval()
    randomize(model)
    model = model.to(dtype).double()
    ids = torch.randint(1, END, (COUNT, LENGTH))
    for row, end in enumerate([LENGTH - 1, 3, 6]):
        ids[row, end:] = END
    images = torch.randn(COUNT, 3, size, size, dtype=torch.float64, requires_grad=True)
    features = model.get_image_features(pixel_values=images).pooler_output
    seed = torch.randn_like(features)
    features.backward(seed)
    with torch.no_grad():
        texts = model.get_text_features(input_ids=ids).pooler_output
    directory = HERE / name
    directory.mkdir(exist_ok=True)
    tensors = {key: value.to(dtype).contiguous() for key, value in model.state_dict().items()}
    if name == "quick":  # as transformers 4.30 and older saved them
        tensors["text_model.embeddings.position_ids"] = torch.arange(LENGTH)[None]
        tensors["vision_model.embeddings.position_ids"] = torch.arange(model.vision_model.embeddings.num_positions)[None]
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps(options | {"model_type": "clip"}) + "\n")
    results = dict(ids=ids.int(), images=images, seed=seed, gradient=images.grad, image_features=features, text_features=texts)
    return {f"{name}.{key}": value.detach().float() if value.is_floating_point() else value for key, value in results.items()}


def main() -> None:
    torch.manual_seed(SEED)
    reference = make(
        "quick", torch.float16, 12,
        dict(hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, eos_token_id=2),
        dict(hidden_size=24, intermediate_size=40, num_hidden_layers=3, num_attention_heads=3, patch_size=4), 20,
    )  # fmt: skip
    reference |= make(
        "exact", torch.bfloat16, 14,
        dict(hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=4, eos_token_id=END, hidden_act="gelu"),
        dict(hidden_size=16, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, patch_size=5, hidden_act="gelu",
             layer_norm_eps=1e-6), 16,
    )  # fmt: skip
    metadata = {"seed": str(SEED), "transformers": transformers.__version__}
    save_file({key: value.contiguous() for key, value in reference.items()}, HERE / "joint.safetensors", metadata=metadata)


if __name__ == "__main__":
    main()
