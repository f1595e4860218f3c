"""Classical methods on the pixels of a data set: what a network has to beat, as one table.

Nothing is chosen on test: each method has one setting.

    python -m benchmarks.baselines --dataset ferplus --root data/ferplus [--limit N] [--json]
"""

import argparse
import json
import shlex

from siamese.datasets.catalogue import load_dataset
from siamese.datasets.samples import Samples
from siamese.evaluation.baselines import BASELINES, measure_baselines
from siamese.evaluation.classifiers import ClassifierEvidence
from siamese.evaluation.labelled import Labelled
from siamese.evaluation.tables import table

_PARTS = ("train", "validation", "test")
_PAGE = """\
## Classical baselines on {dataset}, test{protocol}: {images:,} images

```sh
python -m benchmarks.baselines --dataset {dataset} --root data/{dataset}{options} > docs/results/baselines-{dataset}.md
```

{table}"""


def page(dataset: str, parts: dict[str, Samples], measured: tuple[ClassifierEvidence, ...], options: str) -> str:
    """What was measured, as Markdown with the command that measures it again."""
    test = parts["test"]
    rows = (
        (
            each.name,
            f"{each.examples:,}",
            f"{each.accuracy:.3f}",
            "{:.3f} to {:.3f}".format(*each.accuracy_interval),
            f"{each.balanced_accuracy:.3f}",
            f"{each.macro_f1:.3f}",
            f"{each.seconds:.0f}",
        )
        for each in measured
    )
    head = ("method", "fitted on", "accuracy", "95 % interval", "balanced", "macro F1", "seconds")
    return _PAGE.format(
        dataset=dataset,
        protocol="" if test.protocol == "label" else f", by {test.protocol}",
        images=len(test),
        options=options,
        table=table(head, rows),
    )


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", required=True, help="a data set with train, validation and test")
    parser.add_argument("--root", required=True, help="its folder")
    parser.add_argument("--limit", type=int, help="fit on this many images only")
    parser.add_argument(
        "--only", nargs="+", default=list(BASELINES), choices=list(BASELINES), help="these methods only"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    parts = {part: load_dataset(words.dataset, words.root, part).labelled() for part in _PARTS}
    labelled = (Labelled(part.images, part.labels) for part in parts.values())
    measured = measure_baselines(*labelled, names=words.only, limit=words.limit)
    if words.json:
        print(json.dumps({"dataset": words.dataset, "baselines": [each.to_dict() for each in measured]}))
    else:
        limit = f" --limit {words.limit}" if words.limit else ""
        only = "" if words.only == list(BASELINES) else f" --only {shlex.join(words.only)}"
        print(page(words.dataset, parts, measured, limit + only))


if __name__ == "__main__":
    main()
