"""A data set on disk → what a run trains and validates on, as tensors in memory."""

import logging
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import GroupShuffleSplit

from siamese.datasets import crops
from siamese.datasets.catalogue import load_dataset, parts_of, same_pictures
from siamese.datasets.duplicates import repeats
from siamese.datasets.samples import UNLABELLED, Samples
from siamese.errors import TrainingError
from siamese.faces.align import CROP_SIZE, INPUT_SIZE, SHARPEST, density, warp, whole_picture
from siamese.training.augment import cut
from siamese.training.config import SHIPPED_NETWORK, TrainingConfig, left_out

logger = logging.getLogger(__name__)

_SHIPPED_LEARNED = "ferplus", ""  # what the network that ships has learned from, wherever it lies
_SEEN_BEFORE = (
    "The network that ships, from which this run goes on, has learned from these pictures, also from those that are "
    "held out here: validation will look better than it is. Give a validation part, or other --initial-weights."
)
_EXAMPLES_PER_CLASS = 200
_MARGIN = CROP_SIZE // 4  # crop pixels kept around a crop for rotation, shift and scaling
_FRAME = CROP_SIZE + 2 * _MARGIN
_FINE = CROP_SIZE * SHARPEST  # side in pixels above which faces are drawn before they are augmented


@dataclass(frozen=True, eq=False)
class LabelledCrops:
    """Crops (n, 1, 96, 96) float in 0…1 and their labels (n,)."""

    crops: torch.Tensor
    labels: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Images (n, h, w) uint8 with crop-to-image transforms (n, 2, 3), vote shares (n, 8) and labels (n,).

    By `metric_labels` (n,) pairs and triplets are formed: they are UNLABELLED also where a picture repeats another.
    """

    images: torch.Tensor
    transforms: torch.Tensor
    targets: torch.Tensor
    labels: torch.Tensor
    metric_labels: torch.Tensor

    def on(self, device: torch.device) -> "TrainingData":
        """The same on a device, where batches are then drawn and varied."""
        return TrainingData(*(tensor.to(device) for tensor in vars(self).values()))

    def crops(self, rows: slice) -> torch.Tensor:
        """Some crops as they are, (n, 1, 96, 96) in 0…1."""
        return cut(self.images[rows], self.transforms[rows])

    def examples(self) -> LabelledCrops:
        """The first 200 labelled crops of each class, from which prototypes are made while training."""
        labels = self.labels.numpy()
        classes = np.unique(labels[labels != UNLABELLED])
        rows = np.concatenate([np.flatnonzero(labels == label)[:_EXAMPLES_PER_CLASS] for label in classes])
        return LabelledCrops(cut(self.images[rows], self.transforms[rows]), labels[rows])


def load_parts(config: TrainingConfig) -> tuple[TrainingData, LabelledCrops]:
    """What to train on, `config.limit` random images of it, and what to validate on.

    Raises DatasetError when the data set cannot be read, and TrainingError when a part of it has no labelled image.
    """
    train, validation = (part.without(left_out(config)) for part in split(config))
    rows = np.random.default_rng(config.seed).permutation(len(train))[: config.limit or len(train)]
    train, validation = train.take(np.sort(rows)), validation.labelled()
    for name, part in (("train", train.labelled()), ("validate", validation)):
        counts = np.bincount(part.labels)
        if np.count_nonzero(counts) < 2 or counts.max() < 2:
            raise TrainingError(f"To {name} on {config.data} takes images of two emotions, and two of one. Add some.")
    images, transforms = framed(train, crops.transforms(train, config.crops, config.cache))
    tensors = map(torch.from_numpy, (images, transforms, train.targets, train.labels, metric_labels(train, config)))
    validation_crops = torch.from_numpy(crops.crops(validation, config.crops, config.cache))[:, None] / 255
    return TrainingData(*tensors), LabelledCrops(validation_crops, validation.labels)


def split(config: TrainingConfig) -> tuple[Samples, Samples]:
    """The data set's own training and validation parts; where it has none, a share of the rest is held out to validate.

    Held out are whole subjects, where they are known, so that nobody is in both parts.
    """
    parts = parts_of(config.dataset, config.data)
    train = load_dataset(config.dataset, config.data, "all" if "all" in parts else "train")
    if "validation" in parts:
        return train, load_dataset(config.dataset, config.data, "validation")
    if config.initial_weights == str(SHIPPED_NETWORK) and same_pictures(config.dataset, config.data, *_SHIPPED_LEARNED):
        logger.warning(_SEEN_BEFORE)
    if len(set(train.subjects)) == 1 and train.subjects[0]:
        raise TrainingError(f"{config.data} shows one person alone, so that nobody can be held out to validate on.")
    groups = [subject or f"row {row}" for row, subject in enumerate(train.subjects)]
    splitter = GroupShuffleSplit(1, test_size=config.validation_share, random_state=config.seed)
    kept, held_out = next(splitter.split(train.images, groups=groups))
    return train.take(kept), train.take(held_out)


def metric_labels(train: Samples, config: TrainingConfig) -> NDArray[np.int64]:
    """The labels (n,) by which pairs and triplets are formed: of near-copies, none but the first has one.

    Where people are known, a picture that is much like another but has another label shows the same person with
    another expression: that is what pairs are to tell apart. Elsewhere it is the same picture, labelled in two ways.
    """
    if config.near_copies == "keep":
        return train.labels
    kinds = train.labels if all(train.subjects) else None
    repeated = repeats(train.images, train.labels != UNLABELLED, config.cache, kinds)
    return np.where(repeated, UNLABELLED, train.labels)


def framed(samples: Samples, transforms: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Images and their crop-to-image transforms, as augmentation can sample them.

    It interpolates, which is right for pictures of about the crop's own size. Of larger ones each face is drawn with a
    margin, as `face_crop` would draw it: so a crop that is not varied is the very one that is read in use.
    """
    if max(samples.images.shape[1:]) <= _FINE:
        return samples.images, transforms
    frames = np.stack([_frame(image, each) for image, each in zip(samples.images, transforms, strict=True)])
    scale = INPUT_SIZE / CROP_SIZE
    inside = np.array([[scale, 0, scale * _MARGIN], [0, scale, scale * _MARGIN]], np.float32)
    return frames, np.repeat(inside[None], len(frames), axis=0)


def _frame(image: NDArray[np.uint8], transform: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A face and its margin, as finely as the network's input is drawn."""
    share = _FRAME / CROP_SIZE
    wider = transform @ np.array([[share, 0, -_MARGIN], [0, share, -_MARGIN], [0, 0, 1]], np.float32)
    size = _FRAME * INPUT_SIZE // CROP_SIZE
    if density(transform) <= SHARPEST:
        return warp(image, wider, size)
    return warp(warp(image, wider, _FRAME), whole_picture(_FRAME, _FRAME), size)
