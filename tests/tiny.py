"""A folder → a complete small reference set in it, made by code in a second: network, prototypes, gallery, examples.

Its network is random and its gallery drawn: its answers mean nothing, but are the same each time and go the whole way.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import nn

from siamese.faces.align import CROP_SIZE, INPUT_SIZE, as_input
from siamese.gallery.build import Entry, build_gallery
from siamese.metric.calibration import Calibration
from siamese.metric.prototypes import fit_prototypes
from siamese.metric.shades import Shades
from siamese.metric.verification import fit_verification
from siamese.network.backbones.layers import SMALL_CROP, resized
from siamese.network.runtime import INPUT, OUTPUT, Embedder
from siamese.network.twin import EMBEDDING_SIZE
from siamese.vocabulary import EMOTIONS

DRAWINGS_PER_EMOTION = 6
PORTRAIT_SIZE = 160
TITLE = "Drawings for tests"

# Per emotion: the mouth's curve (up is positive), how far it opens, and the brows' slant.
_EXPRESSIONS = ((0, 1, 0), (9, 3, 0), (0, 14, 3), (-8, 1, 3), (-3, 2, -5), (-6, 5, -3), (-3, 9, 5), (4, 1, -2))


class TinyNetwork(nn.Module):
    """Random convolutions with the interface of the shipped network."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=3), nn.ReLU(), nn.Conv2d(16, 16, 3, stride=2), nn.ReLU(), nn.Flatten()
        )
        self.head = nn.LazyLinear(EMBEDDING_SIZE)

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        """(n, 1, height, width) in 0…1 → (n, 128) of unit length."""
        features = self.layers(resized(crops, SMALL_CROP))
        return F.normalize(self.head(features - features.mean(dim=1, keepdim=True)), dim=1)


def tiny_reference(folder: Path) -> Path:
    """Write the set and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _export(folder / "network.onnx")
    embedder = Embedder(folder / "network.onnx", threads=1)
    labels = np.repeat(np.arange(len(EMOTIONS)), DRAWINGS_PER_EMOTION)
    portraits = [draw_face(int(label), seed) for seed, label in enumerate(labels)]
    crops = np.stack([_crop(portrait) for portrait in portraits])
    embeddings = embedder.embed(crops)
    fit_prototypes(embeddings, labels, EMOTIONS).save(folder / "prototypes.npz")
    Calibration(temperature=0.05).save(folder / "calibration.json")
    fit_verification(embeddings, labels).save(folder / "verification.json")
    halves = np.arange(len(labels)) * 2 // DRAWINGS_PER_EMOTION  # of each emotion, two shades
    vectors = fit_prototypes(embeddings, halves, [str(half) for half in np.unique(halves)]).vectors
    Shades(EMOTIONS, tuple(np.split(vectors, len(EMOTIONS)))).save(folder / "shades.npz")
    entries = [
        Entry(crop, portrait, EMOTIONS[label], f"drawing {number}", "composite")
        for number, (crop, portrait, label) in enumerate(zip(crops, portraits, labels, strict=True))
    ]
    build_gallery(entries, embedder, TITLE, folder / "gallery").seal()
    _write_examples(folder / "examples")
    return folder


def draw_face(label: int, seed: int = 0, size: int = PORTRAIT_SIZE) -> NDArray[np.uint8]:
    """A face drawn with the emotion of this index, RGB (size, size, 3); the seed moves and shades it."""
    rng = np.random.default_rng(seed)
    curve, opening, slant = _EXPRESSIONS[label]
    scale = size / 48
    shift = rng.uniform(-1, 1, 2)
    skin = tuple(int(channel) for channel in np.array([224, 186, 160]) * rng.uniform(0.55, 1.05))
    image = Image.new("RGB", (size, size), tuple(int(value) for value in rng.integers(120, 200, 3)))
    pen = ImageDraw.Draw(image)

    def at(*points: float) -> list[float]:
        return [(point + shift[index % 2]) * scale for index, point in enumerate(points)]

    pen.ellipse(at(5, 1, 43, 49), fill=skin)
    for side, x in ((1, 15.4), (-1, 33.5)):
        pen.ellipse(at(x - 4, 16, x + 4, 21.5), fill="white")
        pen.ellipse(at(x - 1.8, 17, x + 1.8, 21), fill="#30241c")
        pen.line(
            at(x - 5, 12 + side * slant / 2, x + 5, 12 - side * slant / 2), fill="#4a3426", width=round(1.6 * scale)
        )
    pen.line(at(24.5, 21, 22.5, 29, 26, 29), fill="#9a6f58", width=round(scale))
    upper = [(x, 38 - curve * (((x - 24.5) / 8) ** 2 - 0.5) / 1.5) for x in np.linspace(16.5, 32.5, 15)]
    lower = [(x, y + opening * (1 - ((x - 24.5) / 8) ** 2)) for x, y in reversed(upper)]
    pen.polygon(at(*(value for point in upper + lower for value in point)), fill="#8c2f39", outline="#6d1f2a")
    return np.asarray(image)


def _crop(portrait: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey = Image.fromarray(portrait).convert("L")
    return as_input(np.asarray(grey.resize((CROP_SIZE, CROP_SIZE), Image.Resampling.BOX)))


def _export(path: Path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = TinyNetwork().eval()
        example = torch.zeros(2, 1, INPUT_SIZE, INPUT_SIZE)
        network(example)
    axes = {INPUT: {0: "n", 2: "height", 3: "width"}, OUTPUT: {0: "n"}}
    torch.onnx.export(
        network, (example,), str(path), input_names=[INPUT], output_names=[OUTPUT], dynamic_axes=axes, dynamo=False
    )


def _write_examples(folder: Path) -> None:
    """Two of each; small squares, so that they are taken whole wherever the detector sees no face in a drawing."""
    folder.mkdir(exist_ok=True)
    for label, emotion in enumerate(EMOTIONS):
        for seed, name in enumerate((emotion, f"{emotion} 2")):
            Image.fromarray(draw_face(label, seed, size=96)).save(folder / f"{name}.webp", quality=90)
