"""Stored studies (JSON that `evaluate --full --json` printed) → one page of tables, each beneath its command.

Figures come from `figures/NAME/` beside the folder of the studies, where NAME.json is one; and what other commands
printed as Markdown, with a heading and the command, comes from the same folder as it is.
"""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from siamese.errors import MeasurementError
from siamese.evaluation.aims import aims
from siamese.evaluation.embeddings import ALIGNED
from siamese.evaluation.simple_methods import simple_methods
from siamese.evaluation.tables import table

Figures = Mapping[str, Any]

HEADLINE = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "weighted_f1": "weighted F1",
    "roc_auc": "ROC-AUC, all pairs",
    "eer": "equal error rate",
    "true_accepts_at_1_percent": "true accepts at 1 % false accepts",
    "true_accepts_at_0_1_percent": "true accepts at 0.1 % false accepts",
    "recall_at_1": "Recall@1",
    "nmi": "NMI of k-means",
    "cluster_f1": "F1 of k-means",
    "ece": "expected calibration error",
    "ece_uncalibrated": "the same before calibration",
    "intra_similarity": "mean similarity, same expression",
    "intra_deviation": "its standard deviation",
    "inter_similarity": "mean similarity, different expressions",
    "inter_deviation": "its standard deviation",
    "margin": "margin between the two",
    "effective_rank": "effective rank of the embeddings",
}


def write_results(folder: Path, page: Path) -> None:
    """Say what was aimed at and reached, read every JSON file in `folder`, then every .md file, and write the page.

    Raises MeasurementError when there is none, or one is not what `evaluate --full --json` printed.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise MeasurementError(
            f"There is no study in {folder}. Store one: evaluate … --full --json > {folder}/NAME.json"
        )
    sections = [_section(file) for file in files]
    tables = [file.read_text().strip() for file in sorted(folder.glob("*.md"))]
    page.write_text("\n\n".join([_TITLE, *_aims(folder), *sections, *simple_methods(folder), *tables]) + "\n")


def _aims(folder: Path) -> list[str]:
    try:
        return aims(folder)
    except ValueError as error:
        raise MeasurementError(f"A study of what was aimed at, in {folder}, is not JSON: {error}") from error


def _section(file: Path) -> str:
    try:
        study = json.loads(file.read_text())
        parts = [_head(study, file), _headline(study), _per_class(study), _retrieval(study)]
        parts += [_classifiers(study), _cross_validation(study), _timing(study), _left_out(study), _figures(file)]
    except (ValueError, KeyError, TypeError) as error:
        raise MeasurementError(f"{file} is not what `evaluate --full --json` printed: {error!r}") from error
    return "\n\n".join(part for part in parts if part)


def _head(study: Figures, file: Path) -> str:
    options = f"--dataset {study['dataset']} --root data/{study['dataset']} --split {study['split']}"
    options += "" if study["protocol"] == "label" else f" --protocol {study['protocol']}"
    for name in ("run", "reference"):
        options += f" --{name} {shlex.quote(study[name])}" if study.get(name) else ""
    options += f" --full --figures docs/figures/{file.stem} --json" if _figures(file) else " --full --json"
    return (
        f"## {study['dataset']}, {study['split']}, by {study['protocol']}: {study['images']:,} images\n\n"
        f"```sh\npython -m siamese evaluate {options} > docs/results/{file.name}\n```\n\n"
        f"Network `{study['network']}`; recognition by nearest prototype{_judged(study)}."
    )


def _judged(study: Figures) -> str:
    """By whose data a run is judged, and on which crops; a reference set has its own, and aligned ones."""
    if not study.get("run"):
        return ""
    by = study.get("judged_by")
    parts = f"train and validation of {by}, from which it learned" if by else "this data set's own train and validation"
    crops = "" if study.get("crops", ALIGNED) == ALIGNED else f"; faces cut as in its training («{study['crops']}»)"
    return f"; prototypes, calibration and threshold of {parts}{crops}"


def _headline(study: Figures) -> str:
    without = study["without_copies"]
    head = ["figure", "value", "95 % interval"]
    if without:
        head.append(f"without the {study['copies']:,} images that have a near-copy in another part")
    rows = []
    for name, title in HEADLINE.items():
        interval = study.get(f"{name}_interval")
        shown = f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else ""
        rows.append([title, f"{study[name]:.3f}", shown, *([f"{without[name]:.3f}"] if without else [])])
    return table(head, rows)


def _per_class(study: Figures) -> str:
    rows = (
        (name, f"{each['images']:,}", *(f"{each[figure]:.3f}" for figure in ("precision", "recall", "f1")))
        for name, each in study["per_class"].items()
    )
    return table(("expression", "images", "precision", "recall", "F1"), rows)


def _retrieval(study: Figures) -> str:
    names = {"recall_at_k": "Recall@K", "precision_at_k": "precision@K", "accuracy_at_k": "Acc@K, majority of K"}
    ks = list(study["recall_at_k"])
    rows = ((title, *(f"{study[name][k]:.3f}" for k in ks)) for name, title in names.items())
    return table(("neighbours among the others", *(f"K = {k}" for k in ks)), rows)


def _classifiers(study: Figures) -> str:
    head = (
        "on frozen embeddings",
        "chosen on validation",
        "fitted on",
        "accuracy",
        "95 % interval",
        "balanced",
        "macro F1",
    )
    rows = (
        (
            each["name"],
            ", ".join(f"{name} = {value:g}" for name, value in each["setting"].items()) or "–",
            f"{each['examples']:,}",
            f"{each['accuracy']:.3f}",
            "{:.3f} to {:.3f}".format(*each["accuracy_interval"]),
            f"{each['balanced_accuracy']:.3f}",
            f"{each['macro_f1']:.3f}",
        )
        for each in study["classifiers"]
    )
    return table(head, rows) if study["classifiers"] else ""


def _cross_validation(study: Figures) -> str:
    head = ("ten folds", "accuracy", "balanced accuracy", "ROC-AUC", "equal error rate", "margin")
    figures = ("accuracy", "balanced_accuracy", "roc_auc", "eer", "margin")
    rows = (
        (each["split"], *(f"{each['mean'][name]:.3f} ± {each['deviation'][name]:.3f}" for name in figures))
        for each in study["cross_validation"]
    )
    return table(head, rows) if study["cross_validation"] else ""


def _timing(study: Figures) -> str:
    timing = study["timing"]
    if not timing:
        return ""
    return _TIMING.format(**timing, millions=2 * timing["multiply_adds"] / 1e6)


def _left_out(study: Figures) -> str:
    reasons = "; ".join(f"{reason}: {count:,}" for reason, count in study["left_out"].items())
    return f"Left out: {reasons}." if reasons else ""


def _figures(file: Path) -> str:
    """Links to the study's figures, from the page that lies beside the folder of studies."""
    found = sorted((file.parent.parent / "figures" / file.stem).glob("*.png"))
    return "\n".join(f"![{each.stem}](figures/{file.stem}/{each.name})" for each in found)


_TITLE = """\
# Results

Written by `python -m siamese report` from what the command above each table printed. Settings were chosen on
validation; test parts were only measured. Intervals are 95 % bootstrap percentiles. Near-copies are images whose pixels
correlate with one of the training or validation part (`siamese/datasets/duplicates.py`). What the network is, and what
it must not be used for, is in the [model card](../prototypes/MODEL_CARD.md)."""

_TIMING = """\
One image on {threads} threads: {network_ms:.1f} ms for the network, which reads a crop and its mirror image with
{millions:,.0f} million multiply-adds; {whole_ms:.0f} ms for the whole path of a photo of 640×480 with one face."""
