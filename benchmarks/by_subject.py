"""The network that ships, trained on for CK+ and read on people whom the training has not seen: one table.

In each of ten folds by subject, the network is trained on the other nine as `benchmarks.backbones` does it, for twice
as long, and faces are read together with their mirror images, as the network that ships reads them. No other setting
was tried here, though the comparison's had been measured on these folds before. The embeddings of each fold are kept
under `--out`, so that a run that was cut short goes on where it ended.

    python -m benchmarks.by_subject --root data/ckplus [--initial prototypes/network.safetensors] [--json]
"""

import argparse
import dataclasses
import json
from pathlib import Path

from benchmarks.backbones import FOLDS, RECIPE, Comparison
from siamese.datasets.catalogue import load_dataset
from siamese.evaluation.folds import CrossValidation, cross_validate_training
from siamese.evaluation.tables import table
from siamese.vocabulary import EMOTIONS

_PAGE = """\
## CK+ by subject: the network that ships, trained on nine folds

```sh
python -m benchmarks.by_subject --root data/ckplus{options} > docs/results/by-subject-ckplus.md
```

Trained for {epochs} epochs; mirror images are read too. No other setting was tried here, though that of the
comparison of backbones had been measured on these folds before. Over all folds together accuracy is {accuracy:.3f}
and balanced accuracy {balanced:.3f}.

{table}"""


def page(measured: CrossValidation, epochs: int, options: str) -> str:
    """What was measured, as Markdown with the command that measures it again."""
    figures = ("accuracy", "balanced_accuracy", "roc_auc", "eer", "margin")
    rows = [
        (str(number), str(each.images), *(f"{getattr(each, figure):.3f}" for figure in figures))
        for number, each in enumerate(measured.folds, start=1)
    ]
    mean = (f"{measured.mean[figure]:.3f} ± {measured.deviation[figure]:.3f}" for figure in figures)
    head = ("fold", "images", "accuracy", "balanced", "ROC-AUC", "EER", "margin")
    return _PAGE.format(
        options=options,
        epochs=epochs,
        accuracy=measured.accuracy,
        balanced=measured.balanced_accuracy,
        table=table(head, [*rows, ("mean", str(sum(each.images for each in measured.folds)), *mean)]),
    )


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, help="the folder of CK+")
    parser.add_argument("--initial", default="prototypes/network.safetensors", help="the network to start from")
    parser.add_argument("--backbone", default=RECIPE.backbone, help="what it is made of")
    parser.add_argument("--epochs", type=int, default=2 * RECIPE.epochs, help="passes over the training folds")
    parser.add_argument("--folds", type=int, default=FOLDS, help="by subject")
    parser.add_argument("--out", type=Path, default=Path("runs/by-subject"), help="folder that keeps embeddings")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    config = dataclasses.replace(RECIPE, backbone=words.backbone, initial_weights=words.initial, epochs=words.epochs)
    samples = load_dataset("ckplus", words.root, "all")
    embeddings = Comparison(samples, config, words.out, mirror=True).embeddings
    measured = cross_validate_training(embeddings, samples.labels, samples.subjects, EMOTIONS, words.folds)
    if words.json:
        print(json.dumps(measured.to_dict()))
        return
    options = "".join(
        f" --{name} {getattr(words, name)}"
        for name in ("initial", "backbone", "epochs", "folds")
        if getattr(words, name) != parser.get_default(name)
    )
    print(page(measured, words.epochs, options))


if __name__ == "__main__":
    main()
