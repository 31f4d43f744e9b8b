"""The denoiser: a UNet that predicts the noise in scaled latents, given a caption."""

import torch
import torch.nn.functional as F
from diffusers import DDIMScheduler, UNet2DConditionModel

from preference import WIDTH
from training import Settings, fit
from vocabulary import encode

SETTINGS = Settings(steps=7500, batch=64, learning_rate=6e-4, averaging=0.9995)
EMPTY_SHARE = 0.1  # of the captions are left out, for classifier-free guidance
CHANNELS = (64, 128, 128)


def network():
    # Attention at 8 × 8 and 4 × 4 only: at 16 × 16 it would double the time of a step.
    return UNet2DConditionModel(
        sample_size=16, in_channels=4, out_channels=4, block_out_channels=CHANNELS, layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH, attention_head_dim=4, norm_num_groups=16,
    )  # fmt: skip


def scheduler():
    """Stable Diffusion 1.5's."""
    return DDIMScheduler(
        num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
        clip_sample=False, set_alpha_to_one=False, steps_offset=1,
    )  # fmt: skip


class TextEmbeddings:
    """What the frozen text encoder makes of captions, each computed once."""

    def __init__(self, encoder, tokenizer):
        self.encoder, self.tokenizer, self.known = encoder, tokenizer, {}

    @torch.no_grad()
    def __call__(self, texts):
        missing = [text for text in dict.fromkeys(texts) if text not in self.known]
        if missing:
            # In full precision: this is what a user's pipeline computes.
            with torch.autocast("cpu", enabled=False):
                states = self.encoder(encode(self.tokenizer, missing)).last_hidden_state
            self.known.update(zip(missing, states))
        return torch.stack([self.known[text] for text in texts])


def train(latents, captions, embeddings, settings, path):
    """latents: [N, 4, 16, 16] of unit variance; captions: N texts."""
    torch.manual_seed(0)
    model, schedule = network(), scheduler()

    def loss(step):
        rows = torch.randint(len(latents), (settings.batch,))
        empty = torch.rand(settings.batch) < EMPTY_SHARE
        x, noise = latents[rows].float(), torch.randn(settings.batch, *latents.shape[1:])
        t = torch.randint(schedule.config.num_train_timesteps, (settings.batch,))
        texts = ["" if dropped else captions[row] for row, dropped in zip(rows.tolist(), empty.tolist())]
        predicted = model(schedule.add_noise(x, noise, t), t, embeddings(texts)).sample
        return F.mse_loss(predicted.float(), noise)

    fit(model, loss, settings, path)
    return model.eval()
