"""Augmentation varies crops but keeps faces where the network expects them, and is a function of its generator."""

import dataclasses

import numpy as np
import pytest
import torch

from siamese.faces.align import face_crop, whole_picture
from siamese.training.augment import Augmenter, compose, cut
from siamese.training.config import TrainingConfig

STILL = dataclasses.replace(TrainingConfig(), rotation=0.0, scaling=0.0, shift=0.0, erasing=0.0)


def batch(count: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    images = np.random.default_rng(1).integers(0, 256, (count, 48, 48), dtype=np.uint8)
    return torch.from_numpy(images), torch.from_numpy(np.stack([whole_picture(48, 48)] * count))


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_crops_lie_between_black_and_white() -> None:
    crops = Augmenter(TrainingConfig())(*batch(), random())
    assert crops.shape == (8, 1, 48, 48)
    assert crops.min() >= 0 and crops.max() <= 1


def test_the_generator_alone_decides() -> None:
    augment = Augmenter(TrainingConfig())
    torch.testing.assert_close(augment(*batch(), random(5)), augment(*batch(), random(5)), rtol=0, atol=0)
    assert (augment(*batch(), random(5)) != augment(*batch(), random(6))).any()


def test_without_jitter_a_crop_is_itself_or_its_mirror_image() -> None:
    images, transforms = batch()
    jittered = cut(images, compose(transforms, Augmenter(STILL)._jitter(len(images), random())))
    original = images[:, None] / 255
    same = [torch.allclose(one, other, atol=1e-4) for one, other in zip(jittered, original, strict=True)]
    mirrored = [torch.allclose(one, other.flip(-1), atol=1e-4) for one, other in zip(jittered, original, strict=True)]
    assert all(np.logical_xor(same, mirrored))
    assert any(same) and any(mirrored)


def test_jitter_stays_within_its_settings() -> None:
    config = TrainingConfig(rotation=10.0, scaling=0.1, shift=2.0)
    turns = Augmenter(config)._jitter(500, random())
    size = turns[:, :, 0].norm(dim=1)
    angle = torch.rad2deg(torch.atan2(-turns[:, 0, 1], turns[:, 1, 1]))
    centre = turns @ torch.tensor([24.0, 24.0, 1.0])
    assert size.log().abs().max() <= 0.1 + 1e-5
    assert angle.abs().max() == pytest.approx(10, abs=0.5)
    assert (centre - 24).abs().max() <= 2 + 1e-4


def test_composed_transforms_act_one_after_the_other() -> None:
    inner, outer = torch.randn(4, 2, 3), torch.randn(4, 2, 3)
    point = torch.tensor([3.0, -2.0])

    def apply(transform: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
        return (transform[:, :, :2] @ at[..., None])[..., 0] + transform[:, :, 2]

    one_by_one = apply(outer, apply(inner, point.expand(4, 2)))
    torch.testing.assert_close(apply(compose(outer, inner), point.expand(4, 2)), one_by_one)


def test_training_cuts_the_crop_that_the_service_cuts() -> None:
    images, _ = batch(1)
    transform = np.array([[0.9, -0.1, 4.0], [0.1, 0.9, -2.0]], dtype=np.float32)
    expected = face_crop(images[0].numpy(), transform)
    actual = cut(images, torch.from_numpy(transform)[None])[0, 0].numpy() * 255
    np.testing.assert_allclose(actual, expected, atol=0.51)  # the service rounds to whole grey levels


def test_erasing_takes_a_part_of_the_chosen_share() -> None:
    augment = Augmenter(dataclasses.replace(STILL, erasing=0.5))
    crops = torch.rand(400, 1, 48, 48, generator=random(2))
    erased = (augment._erase(crops, random()) != crops).float().mean(dim=(1, 2, 3))
    assert (erased > 0).float().mean().item() == pytest.approx(0.5, abs=0.1)
    assert erased.max() <= 0.47**2
