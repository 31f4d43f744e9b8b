"""The autoencoder: 64 × 64 pixels to 16 × 16 × 4 latents and back."""

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from pictures import SIZE, TRAINING
from training import Settings, averaged, fit

SETTINGS = Settings(steps=4000, batch=16, learning_rate=1e-3, decay=0.4)
CHANNELS = (32, 64, 64)
KL_WEIGHT = 3e-5  # for means over elements: enough to keep the latents near zero, too little to blur them


def network():
    levels = len(CHANNELS)
    return AutoencoderKL(
        block_out_channels=CHANNELS, layers_per_block=1, latent_channels=4, norm_num_groups=8, sample_size=SIZE,
        down_block_types=("DownEncoderBlock2D",) * levels, up_block_types=("UpDecoderBlock2D",) * levels,
    )  # fmt: skip


def train(album, settings, path):
    torch.manual_seed(0)
    model = network()

    def loss(step):
        d = album.draw(TRAINING, range(step * settings.batch, (step + 1) * settings.batch))
        x = 2 * album.pictures(d) - 1
        posterior = model.encode(x).latent_dist
        y = model.decode(posterior.sample()).sample
        kl = -0.5 * (1 + posterior.logvar - posterior.mean**2 - posterior.var).float().mean()
        return difference(y.float(), x) + KL_WEIGHT * kl

    fit(model, loss, settings, path)
    return model.eval()


def difference(y, x):
    """Mean |y − x| of the pictures and of their edges, without which fine lines are the last to come."""
    across = F.l1_loss(y.diff(dim=3), x.diff(dim=3))
    down = F.l1_loss(y.diff(dim=2), x.diff(dim=2))
    return F.l1_loss(y, x) + across + down


@torch.no_grad()
def encode(model, pictures):
    """Means of the latents, not scaled."""
    return model.encode(2 * pictures - 1).latent_dist.mode()


@torch.no_grad()
def decode(model, latents):
    """Pictures in [0, 1] of unscaled latents."""
    parts = [model.decode(part).sample for part in latents.split(64)]
    return (torch.cat(parts) / 2 + 0.5).clamp(0, 1)


def load_model(path):
    model = network()
    model.load_state_dict(averaged(path))
    return model.eval()
