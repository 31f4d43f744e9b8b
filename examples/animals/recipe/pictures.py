"""Pictures with captions. A picture is a function of (stream, index): nothing has to be kept to have it again.

Letters: N pictures, S subjects. Colours are RGB in [0, 1], pictures [N, 3, 64, 64].
"""

import io
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from fontTools.ttLib import TTFont
from PIL import Image

from subjects import with_article

SIZE = 64
GLYPH = 136  # the font's bitmaps are 136 × 128
ANIMAL_SHARE = 0.65  # of the pictures show one of the paper's animals
TRAINING, HELD_OUT = 0, 1  # streams

COLOURS = {
    "white": (0.97, 0.97, 0.97), "grey": (0.55, 0.55, 0.55), "black": (0.10, 0.10, 0.10), "red": (0.80, 0.22, 0.20),
    "orange": (0.95, 0.60, 0.25), "yellow": (0.95, 0.88, 0.40), "green": (0.40, 0.70, 0.35),
    "blue": (0.35, 0.60, 0.90), "purple": (0.60, 0.40, 0.75), "pink": (0.95, 0.65, 0.78), "brown": (0.55, 0.38, 0.25),
}  # fmt: skip
COLOUR_NAMES = list(COLOURS)
LOOKS = ["dark", "bright", "pale", "vivid", "blurry"]


@dataclass
class Draw:
    """What varies from picture to picture. Arrays over N."""

    subject: np.ndarray  # index into the subjects
    flip: np.ndarray  # ±1
    scale: np.ndarray  # of the glyph against the picture
    shift: np.ndarray  # [N, 2], in halves of the picture
    tilt: np.ndarray  # radians
    hue: np.ndarray  # radians, of the glyph alone
    colour: np.ndarray  # index into COLOURS
    shade: np.ndarray  # [N, 2, 3], RGB of the background's two ends
    direction: np.ndarray  # radians, from the first end to the second
    saturation: np.ndarray  # factor, as the next two
    brightness: np.ndarray
    contrast: np.ndarray
    blur: np.ndarray  # standard deviation in pixels
    words: np.ndarray  # [N, 4] uniform numbers that choose the caption

    def looks(self):
        """[N, len(LOOKS)], which of LOOKS are true of each picture."""
        light, colour = self.brightness, self.saturation
        return np.stack([light < 0.8, light > 1.08, colour < 0.6, colour > 1.2, self.blur > 0.6], axis=1)


def draw(subjects, stream, indices):
    """What the pictures `indices` of a stream show: independent random numbers for each index (Philox)."""
    numbers = lambda index: np.random.Generator(np.random.Philox(key=stream, counter=[0, 0, 0, index])).random(32)
    u = np.stack([numbers(index) for index in indices])
    animals = sum(subject.animal for subject in subjects)
    others = len(subjects) - animals
    is_animal = u[:, 0] < ANIMAL_SHARE
    chosen = np.where(is_animal, u[:, 1] * animals, animals + u[:, 1] * others).astype(int)
    colour = (u[:, 2] * len(COLOURS)).astype(int)
    base = np.array(list(COLOURS.values()))[colour][:, None]
    # Both ends vary a little in every channel and more in lightness.
    shade = base + 0.10 * (u[:, 3:9].reshape(-1, 2, 3) - 0.5) + 0.24 * (u[:, 9:11, None] - 0.5)
    return Draw(
        subject=chosen,
        flip=np.where(u[:, 11] < 0.5, -1.0, 1.0),
        scale=0.68 + 0.27 * u[:, 12],
        shift=0.2 * (u[:, 13:15] - 0.5),
        tilt=0.3 * (u[:, 15] - 0.5),
        hue=0.8 * (u[:, 16] - 0.5),
        colour=colour,
        shade=shade.clip(0, 1),
        direction=2 * np.pi * u[:, 17],
        saturation=0.3 + 1.1 * u[:, 18],
        brightness=0.65 + 0.55 * u[:, 19],
        contrast=0.7 + 0.5 * u[:, 20],
        blur=np.maximum(0.0, 2.2 * u[:, 21] - 1.1),
        words=u[:, 22:26],
    )


@dataclass(frozen=True)
class Caption:
    text: str
    name: str
    colour: int | None = None  # index into COLOURS, where the caption names the background
    look: int | None = None  # index into LOOKS, where it names one


def captions(subjects, d):
    """One true caption for each picture."""
    looks = d.looks()
    return [
        caption(subjects[subject], d.colour[n], np.flatnonzero(looks[n]), d.words[n])
        for n, subject in enumerate(d.subject)
    ]


def caption(subject, colour, looks, words):
    pick, which, form, more = words
    choose = lambda options: options[int(more * len(options))]
    # Mostly the first name; the others share the rest.
    others = subject.names[1:]
    name = subject.names[0] if which < 0.7 or not others else others[int((which - 0.7) / 0.3 * len(others))]
    plain = [name, with_article(name), f"a picture of {with_article(name)}"][int(form * 3)]
    if 0.50 <= pick < 0.75:
        background = f"{with_article(COLOUR_NAMES[colour])} background"
        return Caption(f"{plain} on {background}", name, colour=int(colour))
    if 0.75 <= pick < 0.90 and len(looks):
        look = int(choose(looks))
        return Caption(f"a {LOOKS[look]} picture of {with_article(name)}", name, look=look)
    if 0.90 <= pick and subject.keywords:
        return Caption(f"{plain}, {choose(subject.keywords)}", name)
    return Caption(plain, name)


def truth(subjects, d, captions):
    """[N, number of captions]: which captions are true of which pictures of a draw."""
    looks = d.looks()
    columns = []
    for caption in captions:
        true = np.array([caption.name in subjects[s].names for s in d.subject])
        if caption.colour is not None:
            true &= d.colour == caption.colour
        if caption.look is not None:
            true &= looks[:, caption.look]
        columns.append(true)
    return torch.from_numpy(np.stack(columns, axis=1))


def phrases(subjects):
    """Every word that a caption can hold."""
    words = {word for subject in subjects for word in (*subject.names, *subject.keywords)}
    return ["a picture of an on background", *COLOURS, *LOOKS, *sorted(words)]


def glyphs(path, subjects):
    """Premultiplied RGBA [S, 4, 136, 136] of a font with colour bitmaps."""
    font = TTFont(path)
    cmap, bitmaps = font.getBestCmap(), font["CBDT"].strikeData[0]
    images = []
    for subject in subjects:
        bitmap = bitmaps[cmap[ord(subject.character)]]
        bitmap.ensureDecompiled()
        image = Image.open(io.BytesIO(bitmap.imageData)).convert("RGBA")
        square = Image.new("RGBA", (GLYPH, GLYPH))
        square.paste(image, ((GLYPH - image.width) // 2, (GLYPH - image.height) // 2))
        images.append(np.asarray(square, dtype=np.float32) / 255)
    rgba = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    return torch.cat([rgba[:, :3] * rgba[:, 3:], rgba[:, 3:]], dim=1)


def render(glyphs, d):
    """The pictures of a draw, [N, 3, 64, 64]."""
    column = lambda array: torch.from_numpy(array.astype(np.float32))[:, None, None, None]
    placed = place(glyphs[torch.from_numpy(d.subject)], d)
    colour, alpha = rotate_hue(placed[:, :3], d.hue), placed[:, 3:]
    x = background(d) * (1 - alpha) + colour
    grey = luminance(x)
    x = (grey + column(d.saturation) * (x - grey)) * column(d.brightness)
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (mean + column(d.contrast) * (x - mean)).clamp(0, 1)
    return blur(x, d.blur)


def place(glyph, d):
    """Scales, tilts, flips and shifts glyphs. Sampled at twice the size and averaged, against aliasing."""
    cos, sin = np.cos(d.tilt) / d.scale, np.sin(d.tilt) / d.scale
    rows = [[d.flip * cos, -d.flip * sin, d.shift[:, 0]], [sin, cos, d.shift[:, 1]]]
    theta = torch.from_numpy(np.array(rows).transpose(2, 0, 1).astype(np.float32))
    grid = F.affine_grid(theta, (len(theta), 4, 2 * SIZE, 2 * SIZE), align_corners=False)
    return F.avg_pool2d(F.grid_sample(glyph, grid, align_corners=False), 2)


def background(d):
    """A gradient between two shades."""
    axis = torch.linspace(-0.5, 0.5, SIZE)
    angle = torch.from_numpy(d.direction.astype(np.float32))[:, None, None]
    position = (0.5 + 0.7 * (axis[None, :] * angle.cos() + axis[:, None] * angle.sin())).clamp(0, 1)[:, None]
    ends = torch.from_numpy(d.shade.astype(np.float32))[..., None, None]
    return ends[:, 0] * (1 - position) + ends[:, 1] * position


def rotate_hue(x, angle):
    """Rotates colours about the grey axis (Rodrigues), which keeps premultiplied values premultiplied."""
    cos, sin = np.cos(angle), np.sin(angle)
    third, root = (1 - cos) / 3, sin / np.sqrt(3)
    a, b, c = third + cos, third - root, third + root
    matrix = np.array([[a, b, c], [c, a, b], [b, c, a]]).transpose(2, 0, 1).astype(np.float32)
    return torch.einsum("nij,njhw->nihw", torch.from_numpy(matrix), x)


def luminance(x):
    return (x * torch.tensor([0.2126, 0.7152, 0.0722])[:, None, None]).sum(1, keepdim=True)


def blur(x, sigma):
    """A Gaussian blur with a width of its own for each picture."""
    taps = torch.arange(-4.0, 5.0)
    width = torch.from_numpy(sigma.astype(np.float32)).clamp_min(1e-3)[:, None]
    kernel = torch.exp(-0.5 * (taps / width) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(3, 0)[:, None, None]
    planes = F.pad(x.reshape(1, -1, SIZE, SIZE), (4, 4, 4, 4), mode="replicate")
    planes = F.conv2d(planes, kernel, groups=len(kernel))
    return F.conv2d(planes, kernel.transpose(2, 3), groups=len(kernel)).reshape(x.shape)


@dataclass
class Album:
    """The pictures of one font and their captions."""

    subjects: list
    glyphs: torch.Tensor

    @staticmethod
    def open(font, subjects):
        return Album(subjects, glyphs(font, subjects))

    def draw(self, stream, indices):
        return draw(self.subjects, stream, indices)

    def pictures(self, d):
        return render(self.glyphs, d)

    def captions(self, d):
        return captions(self.subjects, d)
