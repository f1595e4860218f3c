"""Frame sequences of CK+ by their motion alone: dense optical flow, read by one hidden Markov model per expression.

Ten folds by subject; nothing is chosen. With the original tree or the 48-pixel sets alike, a sequence is what the
loader reads of it: its last three frames, so that little is left of how the expression began.

    python -m benchmarks.motion --root data/ckplus [--json]
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from hmmlearn.hmm import GaussianHMM
from numpy.typing import NDArray
from skimage.registration import optical_flow_ilk
from sklearn.decomposition import PCA
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from siamese.datasets.catalogue import load_dataset
from siamese.datasets.samples import Samples
from siamese.evaluation.tables import table
from siamese.vocabulary import EMOTIONS

Motion = NDArray[np.float32]

_FOLDS = 10
_CELLS = 6  # along each side, over which flow is averaged
_COMPONENTS = 12  # of all cells' flow, by PCA
_STATES = 2
_PAGE = """\
## Motion alone on ckplus: {sequences:,} sequences

```sh
python -m benchmarks.motion --root data/ckplus > docs/results/motion-ckplus.md
```

Each sequence is its last three frames, near the expression's peak, so that little is left to move.

{table}"""


def motion(frames: NDArray[np.uint8]) -> Motion:
    """Dense optical flow (t − 1, 2 · 36) between successive frames (t, h, w): the mean of each of 6×6 cells, in pixels.

    Iterative Lucas-Kanade (Le Besnerais and Champagnat 2005), scikit-image's.
    """
    grey = frames.astype(np.float32) / 255
    flows = (optical_flow_ilk(before, after) for before, after in pairwise(grey))
    return np.stack([_cell_means(flow).ravel() for flow in flows])


def sequences(samples: Samples) -> Iterator[NDArray[np.int64]]:
    """The rows of each sequence, in the order of its frames, by sources like …/S010_004_00000017.png."""
    of = np.array([Path(source).name.rsplit("_", 1)[0] for source in samples.sources])
    for name in np.unique(of):
        rows = np.flatnonzero(of == name)
        yield rows[np.argsort([samples.sources[row] for row in rows])]


class MotionClassifier:
    """One hidden Markov model of each label's motion; a sequence is of the label whose model finds it likeliest."""

    def fit(self, motions: Sequence[Motion], labels: NDArray[np.int64]) -> "MotionClassifier":
        """Learn from motions, (t, d) each, and their labels (n,)."""
        components = min(_COMPONENTS, len(np.concatenate(motions)) - 1)
        self._features: Pipeline = make_pipeline(StandardScaler(), PCA(components, random_state=0))
        self._features.fit(np.concatenate(motions))
        self._labels = np.unique(labels)
        self._models = [self._model([motions[row] for row in np.flatnonzero(labels == each)]) for each in self._labels]
        return self

    def predict(self, motions: Sequence[Motion]) -> NDArray[np.int64]:
        """The label of each."""
        features = [self._features.transform(each) for each in motions]
        return self._labels[[np.argmax([model.score(each) for model in self._models]) for each in features]]

    def _model(self, motions: Sequence[Motion]) -> GaussianHMM:
        features = [self._features.transform(each) for each in motions]
        model = GaussianHMM(_STATES, covariance_type="diag", min_covar=0.1, n_iter=20, random_state=0)
        return model.fit(np.concatenate(features), [len(each) for each in features])


def cross_validate(
    motions: Sequence[Motion], labels: NDArray[np.int64], subjects: NDArray[np.str_], folds: int = _FOLDS
) -> NDArray[np.int64]:
    """The answer (n,) for each sequence, by models that have seen nothing of its subject."""
    answers = np.empty_like(labels)
    for others, held_out in GroupKFold(folds).split(labels, groups=subjects):
        model = MotionClassifier().fit([motions[row] for row in others], labels[others])
        answers[held_out] = model.predict([motions[row] for row in held_out])
    return answers


def measure(samples: Samples) -> dict[str, object]:
    """Accuracy, balanced accuracy and recall of each expression over all sequences of two frames or more."""
    rows = [each for each in sequences(samples) if len(each) > 1]
    first = [each[0] for each in rows]
    labels, subjects = samples.labels[first], np.array(samples.subjects)[first]
    answers = cross_validate([motion(samples.images[each]) for each in rows], labels, subjects)
    return {
        "sequences": len(rows),
        "accuracy": float(accuracy_score(labels, answers)),
        "balanced_accuracy": float(balanced_accuracy_score(labels, answers)),
        "recall_per_class": {
            EMOTIONS[label]: float((answers[labels == label] == label).mean()) for label in np.unique(labels)
        },
    }


def _cell_means(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """(2, h, w) → (2, 6, 6); what does not fill a cell at the lower and right edge is left out."""
    height, width = (side // _CELLS for side in flow.shape[1:])
    cells = flow[:, : height * _CELLS, : width * _CELLS].reshape(2, _CELLS, height, _CELLS, width)
    return cells.mean(axis=(2, 4))


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="the folder of CK+")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    figures = measure(load_dataset("ckplus", words.root, "all"))
    if words.json:
        print(json.dumps(figures))
        return
    recalls = figures["recall_per_class"]
    assert isinstance(recalls, dict)
    rows = [("accuracy", figures["accuracy"]), ("balanced accuracy", figures["balanced_accuracy"])]
    rows += [(f"recall, {name}", recall) for name, recall in recalls.items()]
    shown = table(("ten folds by subject", "optical flow + HMM"), ((name, f"{value:.3f}") for name, value in rows))
    print(_PAGE.format(sequences=figures["sequences"], table=shown))


if __name__ == "__main__":
    main()
