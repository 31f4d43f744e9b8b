"""transformers' CLIPTextModel of Stable Diffusion 1.5 with random weights: the work of `saddle bench text`."""

import torch
from transformers import CLIPTextConfig, CLIPTextModel

import network

CONFIGURATION = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}


def main():
    options = network.arguments(__doc__)
    model = network.build(lambda: CLIPTextModel(CLIPTextConfig(**CONFIGURATION)), options)
    factors = network.adapt(model, ["q_proj", "k_proj", "v_proj", "out_proj"]) if options.backward else []
    ids = (torch.arange(options.batch * 77) * 7919 % 49408).reshape(options.batch, 77)
    network.report("text", lambda: model(ids).last_hidden_state, factors, options)


if __name__ == "__main__":
    main()
