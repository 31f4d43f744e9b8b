"""Writes a tiny HPS v2 and a tiny MPS, in the layouts they are published in, and what their reference code makes of the
pictures of make_rewards.py: python make_preference.py

HPS is a CLIP of open_clip with the resizing of imscore 0.0.11; MPS has imscore's cross model on a CLIPModel of
transformers 5, put together as imscore's MPS.score does for one picture, but without its rounding of pictures to f16. In
double precision. Square projections are not symmetric, so that a transpose cannot be missed.
"""

import json
import shutil
from pathlib import Path

import open_clip
import torch
import torchvision
import transformers
from imscore.hps.model import ResizeMaxSize
from imscore.mps.cross import CrossModel
from safetensors.torch import load_file, save_file
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Normalize, Resize
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

HERE = Path(__file__).parent
SEED = 6
SIZE, WIDTH, LENGTH, HEADS = 16, 16, 10, 2
VISION_WIDTH, PATCH, LAYERS = 24, 4, 2
PROMPTS = {"wide": ["a red fox", "two birds"], "high": ["a fox and a blue bird on a very long branch"]}
CONDITION = (
    "light, color, clarity, tone, style, ambiance, artistry, shape, face, hair, hands, limbs, structure, instance, "
    "texture, quantity, attributes, position, number, location, word, things."
)
NORMALIZE = Normalize([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])


def randomize(model):
    """Weights large enough that every part of the network matters, and what f16 holds of them in double."""
    for parameter in [*model.parameters(), *(b for name, b in model.named_buffers() if name.endswith("bias"))]:
        if parameter.ndim < 2:
            parameter.data = torch.randn_like(parameter) * 0.2 + (parameter.data.mean() > 0.5).float()
        else:
            parameter.data = torch.randn_like(parameter) * 1.3 / parameter[0].numel() ** 0.5
    return model.eval().half().double()


def make_folder(name, tokenizer, end):
    """The tokenizer and the configuration of a CLIP."""
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    for file in ["vocab.json", "merges.txt", "tokenizer_config.json"]:
        shutil.copy(HERE / "clip" / file, folder)
    sizes = dict(num_hidden_layers=LAYERS, num_attention_heads=HEADS, hidden_act="gelu")
    options = dict(
        text_config=sizes | dict(
            hidden_size=WIDTH, intermediate_size=4 * WIDTH, vocab_size=len(tokenizer), max_position_embeddings=LENGTH,
            eos_token_id=end),
        vision_config=sizes | dict(
            hidden_size=VISION_WIDTH, intermediate_size=4 * VISION_WIDTH, image_size=SIZE, patch_size=PATCH),
        projection_dim=WIDTH,
    )  # fmt: skip
    (folder / "config.json").write_text(json.dumps(options | {"model_type": "clip"}) + "\n")
    return folder, CLIPConfig(**options)


def make_hps(tokenizer):
    folder, _ = make_folder("hps", tokenizer, tokenizer.eos_token_id)
    model = randomize(
        open_clip.CLIP(
            embed_dim=WIDTH, output_dict=True,
            vision_cfg=dict(
                image_size=SIZE, layers=LAYERS, width=VISION_WIDTH, head_width=VISION_WIDTH // HEADS, patch_size=PATCH),
            text_cfg=dict(
                context_length=LENGTH, vocab_size=len(tokenizer), width=WIDTH, heads=HEADS, layers=LAYERS)))  # fmt: skip
    state = {key: value.half() for key, value in model.state_dict().items()}
    torch.save({"state_dict": state}, folder / "HPS_v2.1_compressed.pt")
    process = Compose([ResizeMaxSize(SIZE), NORMALIZE])

    def score(x, prompts):
        ids = tokenizer(prompts, truncation=True, max_length=LENGTH).input_ids
        # open_clip pads with 0.
        ids = torch.tensor([row + [0] * (LENGTH - len(row)) for row in ids])
        outputs = model(process(x), ids)
        return (outputs["image_features"] @ outputs["text_features"].T).diagonal()

    return score


def make_mps(tokenizer):
    folder, configuration = make_folder("mps", tokenizer, 2)
    model = randomize(CLIPModel(configuration))
    model.logit_scale.data.fill_(4.6)
    # Tokens that the condition has lie on one side and all others on the other, so that some do not count.
    table = model.text_model.embeddings.token_embedding.weight.data
    side = -torch.ones(len(table), 1)
    side[tokenizer(CONDITION, truncation=True, max_length=LENGTH).input_ids] = 1
    table += 2 * side * torch.randn(WIDTH)
    model = model.half().double()
    cross = randomize(CrossModel(dim=WIDTH, layer_num=4, dim_head=8, heads=3))
    tensors = {f"mps.model.{key}": value for key, value in model.state_dict().items()}
    tensors |= {f"mps.cross_model.{key}": value for key, value in cross.state_dict().items()}
    save_file({k: v.half().contiguous() for k, v in tensors.items()}, folder / "model.safetensors", {"format": "pt"})
    process = Compose([Resize(SIZE, InterpolationMode.BICUBIC), CenterCrop(SIZE), NORMALIZE])

    def text(prompts):
        ids = tokenizer(prompts, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt").input_ids
        outputs = model.text_model(ids)
        return model.text_projection(outputs.last_hidden_state), model.text_projection(outputs.pooler_output)

    def score_one(x, prompt):
        tokens, wanted = text([prompt])
        images = model.visual_projection(model.vision_model(process(x)).last_hidden_state)
        condition, _ = text([CONDITION])
        similarity = torch.einsum("bid,bjd->bji", tokens, condition).amax(1, keepdim=True)
        similarity = similarity / similarity.max()
        assert (similarity > 0.01).any() and (similarity <= 0.01).any() and ((similarity - 0.01).abs() > 1e-3).all()
        mask = torch.where(similarity > 0.01, 0, float("-inf")).repeat(1, images.shape[1], 1)
        features = cross(images, tokens, mask)[:, 0]
        return model.logit_scale.exp() * torch.cosine_similarity(features, wanted)

    return lambda x, prompts: torch.cat([score_one(x[i : i + 1], prompt) for i, prompt in enumerate(prompts)])


def main():
    torch.manual_seed(SEED)
    tokenizer = CLIPTokenizer.from_pretrained(HERE / "clip")
    rewards = {"hps-v2": make_hps(tokenizer), "mps": make_mps(tokenizer)}
    pictures = load_file(HERE / "rewards.safetensors")
    results = {}
    for name, prompts in PROMPTS.items():
        for reward, function in rewards.items():
            x = pictures[f"{name}.images"].double().permute(0, 3, 1, 2).requires_grad_()
            values = function(x, prompts)
            values.sum().backward()
            results[f"{name}.{reward}"] = values.detach().float()
            results[f"{name}.{reward}.gradient"] = x.grad.permute(0, 2, 3, 1).float().contiguous()
    versions = {"open_clip": open_clip.__version__, "torchvision": torchvision.__version__}
    metadata = {"seed": str(SEED), "torch": torch.__version__, "transformers": transformers.__version__} | versions
    save_file(results, HERE / "preference.safetensors", metadata)


main()
