"""Motion of frames: what moved where, and which expression moves so."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

from benchmarks import motion
from siamese.datasets.samples import Samples
from siamese.vocabulary import EMOTIONS

MOVES = {1: (0.0, 1.2), 2: (1.2, 0.0), 3: (-1.2, 0.0)}  # label: pixels down and to the right from frame to frame


def texture(seed: int) -> np.ndarray:
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(48, 48)), 2.5)
    return 128 + 50 * noise / noise.std()


def moving(seed: int, label: int, frames: int = 3) -> np.ndarray:
    return np.stack(
        [shift(texture(seed), np.multiply(MOVES[label], time), mode="nearest") for time in range(frames)]
    ).clip(0, 255)


@pytest.fixture(scope="module")
def samples() -> Samples:
    """Twenty people, each of whom moves in the three ways; frames in no order."""
    images, labels, sources, subjects = [], [], [], []
    for subject in range(20):
        for number, label in enumerate(MOVES):
            for frame, image in enumerate(moving(3 * subject + number, label)):
                images.append(image.astype(np.uint8))
                labels.append(label)
                sources.append(f"x/S{subject:03}_{number:03}_{frame:08}.png")
                subjects.append(f"S{subject:03}")
    made = Samples(
        "ckplus",
        "all",
        "label",
        np.stack(images),
        np.eye(8, dtype=np.float32)[labels],
        np.array(labels),
        tuple(sources),
        tuple(subjects),
    )
    return made.take(np.random.default_rng(0).permutation(len(made)))


def test_flow_is_the_pixels_moved_in_each_cell() -> None:
    """In the inner cells, which no edge disturbs; flow is from a frame to the next, down first."""
    flow = motion.motion(moving(0, 1).astype(np.uint8)).reshape(2, 2, 6, 6)
    inner = flow[:, :, 1:-1, 1:-1].mean(axis=(0, 2, 3))
    np.testing.assert_allclose(np.abs(inner), (0, 1.2), atol=0.2)


def test_sequences_are_found_and_ordered_by_their_names(samples: Samples) -> None:
    found = list(motion.sequences(samples))
    assert len(found) == 60
    for rows in found:
        names = [samples.sources[row] for row in rows]
        assert names == sorted(names) and len({name.rsplit("_", 1)[0] for name in names}) == 1


def test_ways_to_move_are_told_apart_on_people_not_seen(samples: Samples) -> None:
    figures = motion.measure(samples)
    assert figures["sequences"] == 60
    assert figures["accuracy"] > 0.9
    assert set(figures["recall_per_class"]) == {EMOTIONS[label] for label in MOVES}
