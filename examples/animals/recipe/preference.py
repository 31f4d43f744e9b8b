"""The preference model: a small CLIP that tells how well a picture fits a caption."""

import torch
import torch.nn.functional as F
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

from pictures import SIZE, TRAINING, truth
from training import Settings, averaged, fit
from vocabulary import LENGTH, encode

SETTINGS = Settings(steps=1000, batch=128, learning_rate=1e-3, weight_decay=0.05)
WIDTH = 128
# The longest caption has fewer tokens. What follows the end token cannot change what is before it.
CAPTION_LENGTH = 24


def configuration(tokenizer):
    end = tokenizer.eos_token_id
    text = dict(
        vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=4 * WIDTH, num_hidden_layers=3,
        num_attention_heads=4, max_position_embeddings=LENGTH, bos_token_id=tokenizer.bos_token_id,
        eos_token_id=end, pad_token_id=end, projection_dim=WIDTH,
    )  # fmt: skip
    vision = dict(
        hidden_size=WIDTH, intermediate_size=4 * WIDTH, num_hidden_layers=5, num_attention_heads=4,
        image_size=SIZE, patch_size=8, projection_dim=WIDTH,
    )  # fmt: skip
    return CLIPConfig(text_config=text, vision_config=vision, projection_dim=WIDTH)


def image_processor():
    return CLIPImageProcessor(size={"shortest_edge": SIZE}, crop_size={"height": SIZE, "width": SIZE})


def normalized(pictures):
    processor = image_processor()
    mean, std = (torch.tensor(v)[:, None, None] for v in (processor.image_mean, processor.image_std))
    return (pictures - mean) / std


def train(album, tokenizer, settings, path):
    """Contrastive training in which every caption that is true of a picture is a right answer for it."""
    torch.manual_seed(0)
    model = CLIPModel(configuration(tokenizer))

    def loss(step):
        d = album.draw(TRAINING, range(step * settings.batch, (step + 1) * settings.batch))
        captions = album.captions(d)
        ids = encode(tokenizer, [caption.text for caption in captions], CAPTION_LENGTH)
        logits = model(input_ids=ids, pixel_values=normalized(album.pictures(d))).logits_per_image.float()
        target = truth(album.subjects, d, captions).float()
        return (divergence(logits, target) + divergence(logits.T, target.T)) / 2

    fit(model, loss, settings, path)
    return model.eval()


def divergence(logits, target):
    """KL from an even share of the right answers to the model's answer: zero where nothing is left to learn."""
    target = target / target.sum(1, keepdim=True)
    return F.kl_div(F.log_softmax(logits, 1), target, reduction="batchmean")


def load_model(tokenizer, path):
    model = CLIPModel(configuration(tokenizer))
    model.load_state_dict(averaged(path))
    return model.eval()


@torch.no_grad()
def scores(model, tokenizer, pictures, texts):
    """exp(logit scale)·cosine, [N, number of texts]."""
    ids = encode(tokenizer, texts)
    parts = [model(input_ids=ids, pixel_values=normalized(part)).logits_per_image for part in pictures.split(256)]
    return torch.cat(parts)
