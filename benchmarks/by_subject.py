"""The network that ships, trained on for CK+ and read on people whom neither training nor any choice has seen.

In each of ten folds by subject, two networks are trained on the other nine, from different seeds, and their weights are
averaged. Faces are read together with their mirror images, as the network that ships reads them. How many epochs a
fold is trained for is chosen by networks of the same recipe on its nine alone, of whose people a ninth are held out.
The embeddings of each network are kept under `--out`, so that a run that was cut short goes on where it ended.

    python -m benchmarks.by_subject --root data/ckplus [--initial prototypes/network.safetensors] [--json]
"""

import argparse
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from benchmarks.backbones import FOLDS, RECIPE, Comparison
from siamese.datasets.catalogue import load_dataset
from siamese.datasets.samples import Samples
from siamese.evaluation.folds import CrossValidation, cross_validate_training
from siamese.evaluation.tables import table
from siamese.metric.prototypes import fit_prototypes
from siamese.metric.verification import count_pairs, roc_auc
from siamese.network.averaging import averaged
from siamese.training.config import TrainingConfig
from siamese.training.validation import embed
from siamese.vocabulary import EMOTIONS

EPOCHS = (4, 8)  # to choose from, for each fold by itself
SEEDS = (0, 1)
_INNER_FOLDS = 9
_PAGE = """\
## CK+ by subject: the network that ships, trained on nine folds

```sh
python -m benchmarks.by_subject --root data/ckplus{options} > docs/results/by-subject-ckplus.md
```

Weights of {seeds} runs averaged, mirror images read too; epochs chosen on an inner split of the nine folds. Over all
folds together accuracy is {accuracy:.3f} and balanced accuracy {balanced:.3f}.

{table}"""


class Study:
    """Networks trained on some of CK+'s images, each once, and which of them a fold takes."""

    def __init__(self, samples: Samples, config: TrainingConfig, out: Path) -> None:
        self.samples, self.config, self.out = samples, config, out
        self.chosen: list[int] = []  # epochs, fold by fold

    def embeddings(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The embeddings (n, embedding_size) of all images by the network that these rows choose and train."""
        self.chosen.append(self._best_epochs(rows))
        return self._trained(rows, self.chosen[-1], SEEDS)

    def _best_epochs(self, rows: NDArray[np.int64]) -> int:
        """Of EPOCHS, the first whose network is best on people of these rows on whom it was not trained."""
        groups = np.asarray(self.samples.subjects)[rows]
        folds = min(_INNER_FOLDS, len(np.unique(groups)))
        inner, held_out = next(GroupKFold(folds).split(rows, groups=groups))
        scores = {epochs: self._score(rows[inner], rows[held_out], epochs) for epochs in EPOCHS}
        return max(scores, key=lambda epochs: scores[epochs])

    def _score(self, inner: NDArray[np.int64], held_out: NDArray[np.int64], epochs: int) -> float:
        """The mean of accuracy and ROC-AUC on the rows held out."""
        embeddings, labels = self._trained(inner, epochs, SEEDS[:1]), self.samples.labels
        present, index = np.unique(labels[inner], return_inverse=True)
        prototypes = fit_prototypes(embeddings[inner], index, [EMOTIONS[label] for label in present])
        right = present[prototypes.nearest(embeddings[held_out])] == labels[held_out]
        return float(right.mean() + roc_auc(count_pairs(embeddings[held_out], labels[held_out]))) / 2

    def _trained(self, rows: NDArray[np.int64], epochs: int, seeds: tuple[int, ...]) -> NDArray[np.float32]:
        config = dataclasses.replace(self.config, epochs=epochs)
        settings = json.dumps([dataclasses.asdict(config), seeds], sort_keys=True)
        path = self.out / f"{hashlib.sha256(settings.encode() + rows.tobytes()).hexdigest()[:12]}.npy"
        if not path.is_file():
            runs = [Comparison(self.samples, dataclasses.replace(config, seed=seed), self.out) for seed in seeds]
            network = averaged([run.trained(rows) for run in runs])
            self.out.mkdir(parents=True, exist_ok=True)
            crops = runs[0].crops
            both = torch.from_numpy(embed(network, crops) + embed(network, crops.flip(-1)))
            np.save(path, F.normalize(both, dim=1).numpy(), allow_pickle=False)
        return np.load(path, allow_pickle=False)


def page(measured: CrossValidation, epochs: list[int], options: str) -> str:
    """What was measured, as Markdown with the command that measures it again."""
    figures = ("accuracy", "balanced_accuracy", "roc_auc", "eer", "margin")
    rows = [
        (str(number), str(each.images), str(taken), *(f"{getattr(each, figure):.3f}" for figure in figures))
        for number, (each, taken) in enumerate(zip(measured.folds, epochs, strict=True), start=1)
    ]
    mean = (f"{measured.mean[figure]:.3f} ± {measured.deviation[figure]:.3f}" for figure in figures)
    head = ("fold", "images", "epochs", "accuracy", "balanced", "ROC-AUC", "EER", "margin")
    return _PAGE.format(
        options=options,
        seeds=len(SEEDS),
        accuracy=measured.accuracy,
        balanced=measured.balanced_accuracy,
        table=table(head, [*rows, ("mean", str(sum(each.images for each in measured.folds)), "–", *mean)]),
    )


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="the folder of CK+")
    parser.add_argument("--initial", default="prototypes/network.safetensors", help="the network to start from")
    parser.add_argument("--backbone", default=RECIPE.backbone, help="what it is made of")
    parser.add_argument("--folds", type=int, default=FOLDS, help="by subject")
    parser.add_argument("--out", type=Path, default=Path("runs/by-subject"), help="folder that keeps embeddings")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    samples = load_dataset("ckplus", words.root, "all")
    config = dataclasses.replace(RECIPE, backbone=words.backbone, initial_weights=words.initial)
    study = Study(samples, config, words.out)
    measured = cross_validate_training(study.embeddings, samples.labels, samples.subjects, EMOTIONS, words.folds)
    if words.json:
        answer: dict[str, Any] = {**measured.to_dict(), "epochs": study.chosen}
        print(json.dumps(answer))
        return
    options = "".join(
        f" --{name} {getattr(words, name)}"
        for name in ("initial", "backbone", "folds")
        if getattr(words, name) != parser.get_default(name)
    )
    print(page(measured, study.chosen, options))


if __name__ == "__main__":
    main()
