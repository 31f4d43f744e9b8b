"""Writes small text encoders with random weights and what transformers makes of some ids: python make_text_models.py"""

import json
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

HERE = Path(__file__).parent
SEED = 7
VOCABULARY, LENGTH, TEXTS, END = 61, 12, 3, 59


def randomize(model: torch.nn.Module) -> None:
    """Weights large enough that every part of the network matters."""
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.data = torch.randn_like(parameter) * 0.2 + (parameter.data.mean() > 0.5).float()
        else:
            parameter.data = torch.randn_like(parameter) * 1.3 / parameter.shape[1] ** 0.5


def make(name: str, dtype: torch.dtype, level: str, **options) -> dict:
    """A component's directory, with `level` before the names; returns the reference."""
    configuration = CLIPTextConfig(vocab_size=VOCABULARY, max_position_embeddings=LENGTH, **options)
    model = CLIPTextModel(configuration).eval()
    randomize(model)
    model = model.to(dtype).float()
    ids = torch.randint(0, END, (TEXTS, LENGTH))
    for text, end in enumerate([LENGTH - 1, 4, 7]):
        ids[text, end:] = END
    with torch.no_grad():
        output = model(ids)
    directory = HERE / name
    directory.mkdir(exist_ok=True)
    tensors = {level + key: value.to(dtype).contiguous() for key, value in model.state_dict().items()}
    if level:
        tensors["text_model.embeddings.position_ids"] = torch.arange(LENGTH)[None]
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "config.json").write_text(json.dumps({**options, "vocab_size": VOCABULARY, "max_position_embeddings": LENGTH}))
    return {f"{name}.ids": ids.int(), f"{name}.hidden": output.last_hidden_state, f"{name}.pooled": output.pooler_output}


def main() -> None:
    torch.manual_seed(SEED)
    reference = make(
        "quick", torch.float16, "text_model.", hidden_size=32, intermediate_size=48, num_hidden_layers=3,
        num_attention_heads=4, hidden_act="quick_gelu", eos_token_id=2,
    )
    reference |= make(
        "exact", torch.bfloat16, "", hidden_size=24, intermediate_size=96, num_hidden_layers=2,
        num_attention_heads=3, hidden_act="gelu", eos_token_id=END, layer_norm_eps=1e-6,
    )
    metadata = {"seed": str(SEED), "transformers": transformers.__version__}
    save_file({key: value.contiguous() for key, value in reference.items()}, HERE / "text.safetensors", metadata=metadata)


if __name__ == "__main__":
    main()
