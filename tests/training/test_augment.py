"""Augmentation varies crops but keeps faces where the network expects them, and is a function of its generator."""

import dataclasses

import numpy as np
import pytest
import torch
from skimage.exposure import equalize_adapthist

from siamese.faces.align import as_input, face_crop, whole_picture
from siamese.training.augment import Augmenter, compose, cut
from siamese.training.config import TrainingConfig
from tests.training.small import AUGMENTATION

STILL = TrainingConfig(**dict.fromkeys(AUGMENTATION, 0.0))


def batch(count: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    images = np.random.default_rng(1).integers(0, 256, (count, 48, 48), dtype=np.uint8)
    return torch.from_numpy(images), torch.from_numpy(np.stack([whole_picture(48, 48)] * count))


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_crops_lie_between_black_and_white() -> None:
    crops = Augmenter(TrainingConfig())(*batch(), random())
    assert crops.shape == (8, 1, 96, 96)
    assert crops.min() >= 0 and crops.max() <= 1


def test_the_generator_alone_decides() -> None:
    augment = Augmenter(TrainingConfig())
    torch.testing.assert_close(augment(*batch(), random(5)), augment(*batch(), random(5)), rtol=0, atol=0)
    assert (augment(*batch(), random(5)) != augment(*batch(), random(6))).any()


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_given_share_of_crops_is_mirrored(share: float) -> None:
    turns = Augmenter(dataclasses.replace(STILL, flip=share))._jitter(2000, random())
    assert (turns[:, 0, 0] < 0).float().mean().item() == pytest.approx(share, abs=0.04)


def test_each_light_changes_what_it_is_named_after() -> None:
    crops = torch.rand(200, 1, 96, 96, generator=random(3)) / 2 + 0.25
    contrast = Augmenter(dataclasses.replace(STILL, contrast=0.2))._relight(crops, random())
    torch.testing.assert_close(contrast.mean(dim=(1, 2, 3)), crops.mean(dim=(1, 2, 3)))
    ratio = contrast.std(dim=(1, 2, 3)) / crops.std(dim=(1, 2, 3))
    assert 0.8 <= ratio.min() < 0.85 < 1.15 < ratio.max() <= 1.2
    shift = Augmenter(dataclasses.replace(STILL, brightness=0.2))._relight(crops, random()) - crops
    torch.testing.assert_close(shift, shift[:, :, :1, :1].expand_as(shift))
    assert -0.2 <= shift.min() < -0.15 < 0.15 < shift.max() <= 0.2
    gamma = Augmenter(dataclasses.replace(STILL, gamma=0.3))._relight(crops, random())
    exponent = gamma.log() / crops.log()
    torch.testing.assert_close(exponent, exponent[:, :, :1, :1].expand_as(exponent))
    assert 0.74 <= exponent.min() < 0.8 < 1.2 < exponent.max() <= 1.36


def test_blur_takes_the_mean_of_nine_pixels_in_a_share_of_the_crops() -> None:
    crops = torch.rand(300, 1, 96, 96, generator=random(3))
    blurred = Augmenter(dataclasses.replace(STILL, blur=0.4))._blur(crops, random())
    changed = (blurred != crops).flatten(1).any(dim=1)
    assert changed.float().mean().item() == pytest.approx(0.4, abs=0.08)
    torch.testing.assert_close(blurred[changed][:, 0, 7, 9], crops[changed][:, 0, 6:9, 8:11].mean(dim=(1, 2)))


def test_noise_is_of_another_strength_in_each_crop_up_to_the_largest() -> None:
    crops = torch.full((300, 1, 96, 96), 0.5)
    strength = Augmenter(dataclasses.replace(STILL, noise=0.1))._add_noise(crops, random()).std(dim=(1, 2, 3))
    assert 0 <= strength.min() < 0.01 < 0.09 < strength.max() < 0.105


def test_clahe_is_that_of_scikit_image_in_a_share_of_the_crops() -> None:
    crops = torch.rand(60, 1, 96, 96, generator=random(3)) / 4
    equalised = Augmenter(dataclasses.replace(STILL, clahe=0.5))._equalise(crops, random())
    changed = (equalised != crops).flatten(1).any(dim=1)
    assert changed.float().mean().item() == pytest.approx(0.5, abs=0.2)
    for before, after in zip(crops[changed], equalised[changed], strict=True):
        expected = equalize_adapthist(before[0].numpy(), kernel_size=24)
        np.testing.assert_allclose(after[0].numpy(), expected, atol=1e-6)


def test_clahe_takes_white_pictures_whose_interpolation_rounds_above_one() -> None:
    white = torch.full((40, 48, 48), 255, dtype=torch.uint8)
    crops = Augmenter(TrainingConfig(clahe=1.0))(white, batch(40)[1], random())
    assert crops.max() <= 1


def test_without_jitter_a_crop_is_itself_or_its_mirror_image() -> None:
    images, transforms = batch()
    jittered = cut(
        images, compose(transforms, Augmenter(dataclasses.replace(STILL, flip=0.5))._jitter(len(images), random()))
    )
    original = torch.from_numpy(np.stack([as_input(image) for image in images.numpy()]))[:, None] / 255
    same = [torch.allclose(one, other, atol=3e-3) for one, other in zip(jittered, original, strict=True)]
    mirrored = [torch.allclose(one, other.flip(-1), atol=3e-3) for one, other in zip(jittered, original, strict=True)]
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
    crops = torch.rand(400, 1, 96, 96, generator=random(2))
    erased = (augment._erase(crops, random()) != crops).float().mean(dim=(1, 2, 3))
    assert (erased > 0).float().mean().item() == pytest.approx(0.5, abs=0.1)
    assert erased.max() <= 0.47**2
