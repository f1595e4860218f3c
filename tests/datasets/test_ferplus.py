"""FER+ as parquet: votes become labels by two published protocols, and a distribution to train on."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from siamese.datasets import ferplus
from siamese.errors import DatasetError

VOTES = np.array(
    [
        # neutral, happiness, surprise, sadness, anger, disgust, fear, contempt, unknown, not a face
        [9, 1, 0, 0, 0, 0, 0, 0, 0, 0],  # neutral; the single vote is noise
        [5, 5, 0, 0, 0, 0, 0, 0, 0, 0],  # a draw has no majority; the plurality takes the first
        [0, 4, 3, 3, 0, 0, 0, 0, 0, 0],  # happiness is the most frequent, but not more than half
        [0, 0, 3, 0, 0, 0, 2, 0, 5, 0],  # unknown wins
        [0, 0, 0, 0, 6, 0, 0, 0, 4, 0],  # anger has more than half, unknown among the rest
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],  # nothing but noise
    ]
)


def write_split(folder: Path, split: str, votes: np.ndarray) -> None:
    def png(shade: int) -> bytes:
        file = io.BytesIO()
        Image.new("L", (48, 48), shade).save(file, "PNG")
        return file.getvalue()

    images = [{"bytes": png(row), "path": f"fer{row:07}.png"} for row in range(len(votes))]
    pq.write_table(pa.table({"image": images, "votes": votes.tolist()}), folder / f"{split}.parquet")


def test_majority_wants_more_than_half_of_the_votes_that_are_not_noise() -> None:
    assert ferplus.majority_labels(VOTES).tolist() == [0, -1, -1, -1, 4, -1]


def test_plurality_takes_the_most_frequent_unless_it_is_no_emotion() -> None:
    assert ferplus.plurality_labels(VOTES[:5]).tolist() == [0, 0, 1, -1, 4]


def test_votes_become_a_distribution_over_the_emotions() -> None:
    expected = np.zeros((6, 8))
    expected[0, 0] = 1
    expected[1, :2] = 0.5
    expected[2, 1:4] = 0.4, 0.3, 0.3
    expected[3, [2, 6]] = 0.6, 0.4
    expected[4, 4] = 1
    np.testing.assert_allclose(ferplus.vote_distribution(VOTES), expected, atol=1e-6)


@given(arrays(np.int64, (7, 10), elements=st.integers(0, 10)))
def test_a_majority_is_always_the_plurality(votes: np.ndarray) -> None:
    majority, plurality = ferplus.majority_labels(votes), ferplus.plurality_labels(votes)
    decided = majority >= 0
    np.testing.assert_array_equal(majority[decided], plurality[decided])


def test_rows_without_any_emotion_are_left_out(tmp_path: Path) -> None:
    write_split(tmp_path, "test", VOTES)
    samples = ferplus.load(tmp_path, "test")
    assert samples.images.shape == (5, 48, 48)
    assert samples.images[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert samples.sources[3] == "fer0000003.png"
    assert samples.labelled().labels.tolist() == [0, 4]


def test_refusals_say_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"must be a folder that holds train\.parquet"):
        ferplus.load(tmp_path, "train")
    pq.write_table(pa.table({"other": [1]}), tmp_path / "train.parquet")
    with pytest.raises(DatasetError, match="not FER\\+ as parquet with the columns image, votes"):
        ferplus.load(tmp_path, "train")
    with pytest.raises(DatasetError, match=r"Unknown split «dev».*train, validation, test"):
        ferplus.load(tmp_path, "dev")
    with pytest.raises(DatasetError, match=r"Unknown protocol «best».*majority, plurality"):
        ferplus.load(tmp_path, "test", "best")
