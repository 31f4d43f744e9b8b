"""Writes conv-projection.safetensors and linear-projection.safetensors: what diffusers and PEFT compute in double
precision, for the tests of UNet2DConditionModel and of its adapters.

Run with torch, diffusers, peft and safetensors: python make_unets.py
Weights, inputs and adapters are sines of a quadratic phase, which the tests make for themselves; the k-th name in
sorted order has phase k. Gradients are of L = <dy, y>, y with both adapters, weighted.
"""

import json
import math
import pathlib

import diffusers
import peft
import torch
from safetensors.torch import save_file

SMALL = {
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": [32, 64],
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
    "layers_per_block": 1,
    "attention_head_dim": 4,
    "cross_attention_dim": 24,
    "norm_num_groups": 8,
    "sample_size": 16,
}
ODD = {
    "in_channels": 3,
    "out_channels": 5,
    "block_out_channels": [16, 32, 48],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "layers_per_block": [1, 2, 1],
    "transformer_layers_per_block": [1, 2, 1],
    "attention_head_dim": [1, 2, 6],
    "only_cross_attention": [False, True, False],
    "cross_attention_dim": 20,
    "norm_num_groups": 4,
    "norm_eps": 1e-4,
    "use_linear_projection": True,
    "upcast_attention": True,
    "center_input_sample": True,
    "flip_sin_to_cos": False,
    "freq_shift": 1,
    "time_embedding_dim": 40,
    "conv_in_kernel": 5,
    "conv_out_kernel": 1,
}
CASES = {
    "conv-projection": (SMALL, {"height": 10, "width": 6, "timesteps": [981, 17]}),
    "linear-projection": (ODD, {"height": 9, "width": 7, "timesteps": [500, 3]}),
}
ADAPTERS = {
    "first": {"r": 4, "lora_alpha": 8, "target_modules": ["to_q", "to_k", "to_v", "to_out.0"], "weight": 0.7},
    "second": {
        "r": 2,
        "lora_alpha": 3,
        "target_modules": ["to_q", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out", "linear_1", "time_emb_proj"],
        "weight": -0.6,
    },
}
TOKENS = 7


def wave(shape, phase):
    i = torch.arange(math.prod(shape), dtype=torch.float64)
    return torch.sin(0.7 * i + 0.013 * i * i + phase).reshape(shape)


@torch.no_grad()
def fill(parameters):
    for phase, (name, value) in enumerate(sorted(parameters.items())):
        if value.dim() == 1:
            value.copy_((1 if name.endswith("weight") else 0) + 0.1 * wave(value.shape, phase))
        else:
            value.copy_(wave(value.shape, phase) / math.sqrt(value[0].numel()))


def adapter_tensors(model, adapter):
    """lora_A and lora_B of one adapter by the names that files have."""
    ending = f".{adapter}.weight"
    return {
        name.replace(ending, ".weight"): value for name, value in model.named_parameters() if name.endswith(ending)
    }


def activate(model, weights):
    """The adapters of a dictionary, with its weights, and no others."""
    for module in model.modules():
        if isinstance(module, peft.tuners.lora.LoraLayer):
            module.set_adapter(list(weights))
            for adapter, weight in weights.items():
                module.set_scale(adapter, weight)


def main():
    torch.set_default_dtype(torch.float64)
    for file, (config, sizes) in CASES.items():
        model = diffusers.UNet2DConditionModel(**config)
        state = model.state_dict()
        names = {name: list(value.shape) for name, value in state.items()}
        fill(state)
        shape = (2, config["in_channels"], sizes["height"], sizes["width"])
        x = wave(shape, 0.5).requires_grad_()
        context = wave((2, TOKENS, config["cross_attention_dim"]), 1.5).requires_grad_()
        timesteps = torch.tensor(sizes["timesteps"])

        def output():
            return model(x, timesteps, encoder_hidden_states=context, return_dict=False)[0]

        tensors = {"output.base": output()}
        for name, settings in ADAPTERS.items():
            options = {key: value for key, value in settings.items() if key != "weight"}
            model.add_adapter(peft.LoraConfig(**options), adapter_name=name)
            fill(adapter_tensors(model, name))
            activate(model, {name: 1.0})
            tensors[f"output.{name}"] = output()
        activate(model, {name: settings["weight"] for name, settings in ADAPTERS.items()})
        for name in ADAPTERS:
            for value in adapter_tensors(model, name).values():
                value.requires_grad_()
        y = output()
        y.backward(wave(y.shape, 9.0))
        tensors |= {"output.weighted": y, "gradient.latents": x.grad, "gradient.context": context.grad}
        for adapter in ADAPTERS:
            for name, value in adapter_tensors(model, adapter).items():
                tensors[f"{adapter}.{name}"] = value.grad
        save_file(
            {name: value.detach().to(torch.float32).contiguous() for name, value in tensors.items()},
            pathlib.Path(__file__).with_name(f"{file}.safetensors"),
            metadata={
                "config": json.dumps(config),
                "names": json.dumps(names),
                "timesteps": json.dumps(sizes["timesteps"]),
                "adapters": json.dumps(ADAPTERS),
                "made with": f"torch {torch.__version__}, diffusers {diffusers.__version__}, peft {peft.__version__}",
            },
        )


if __name__ == "__main__":
    main()
