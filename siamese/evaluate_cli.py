"""`python -m siamese evaluate` and `report`: a labelled data set → every figure, and a page of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from siamese.cli_parts import AsJson, Cache, Dataset, Reference, new_table, print_json, shown
from siamese.errors import MeasurementError

if TYPE_CHECKING:
    from siamese.evaluation.timing import Timing

_THREADS = 2  # on which times are measured


def evaluate(
    dataset: Dataset,
    root: Annotated[Path, typer.Option(help="The data set's folder.")],
    split: Annotated[
        str | None, typer.Option(help="The part to measure: train, validation, test or all; test where there is one.")
    ] = None,
    protocol: Annotated[str, typer.Option(help="How votes become labels: majority or plurality.")] = "majority",
    full: Annotated[
        bool, typer.Option("--full", help="Also other classifiers, near-copies, cross-validation and times: minutes.")
    ] = False,
    figures: Annotated[
        Path | None, typer.Option(help="Folder to draw confusion, reliability, ROC and t-SNE to.")
    ] = None,
    nearest: Annotated[
        Path | None, typer.Option(help="PNG to draw examples to, with the five most similar; it shows single faces.")
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            help="A training run, for its best network, or a network's file (.safetensors), with prototypes from the "
            "data set's own train and validation or, where it has none, from the data that the run learned from."
        ),
    ] = None,
    as_json: AsJson = False,
    reference: Reference = None,
    cache: Cache = Path("cache"),
) -> None:
    """Measure the reference set, or a training run, on a labelled data set."""
    from siamese.datasets.catalogue import part_to_measure
    from siamese.evaluation.datasets import evaluate_samples, load_for
    from siamese.evaluation.embeddings import kind_of
    from siamese.evaluation.illustrations import draw_figures, draw_nearest
    from siamese.evaluation.judging import judge_run
    from siamese.evaluation.study import study_dataset
    from siamese.settings import Settings

    if run and reference:
        raise MeasurementError("Give either --run or --reference: one thing is measured at a time.")
    split = split or part_to_measure(dataset, root)
    judged = judge_run(run, dataset, root, split, protocol, cache) if run else None
    folder = judged.folder if judged else reference or Settings().reference
    samples = load_for(dataset, root, split, protocol, folder)
    if full:
        evidence = study_dataset(dataset, root, split, protocol, folder, cache, _timing(folder)).to_dict()
    else:
        measured = evaluate_samples(samples, folder, cache).to_dict()
        evidence = {"dataset": dataset, "split": split, **measured, "left_out": dict(samples.left_out)}
    shipped = Settings.model_fields["reference"].default
    evidence |= {
        "run": str(run) if run else None,
        "judged_by": judged.by if judged else None,
        "crops": kind_of(folder),
        "reference": None if judged or folder == shipped else str(folder),
    }
    if figures:
        draw_figures(samples, folder, figures, cache)
    if nearest:
        draw_nearest(samples, folder, nearest, cache)
    if as_json:
        print_json(evidence)
    else:
        _show(f"{dataset}, {split}, {evidence['protocol']}", evidence)  # where there are no votes, its own


def report(
    results: Annotated[Path, typer.Option(help="Folder of what `evaluate --full --json` printed.")] = Path(
        "docs/results"
    ),
    out: Annotated[Path, typer.Option(help="Page to write.")] = Path("docs/RESULTS.md"),
) -> None:
    """Write a page of tables from stored studies."""
    from siamese.evaluation.results import write_results

    write_results(results, out)
    print(f"{out}: written")


def _show(title: str, evidence: dict[str, Any]) -> None:
    from siamese.evaluation.results import HEADLINE

    table = new_table(title, "figure", "value", "95 % interval")
    for name, value in evidence.items():
        if isinstance(value, int | float):
            table.add_row(HEADLINE.get(name, name.replace("_", " ")), f"{value:.4g}", _interval(evidence, name))
    for name, recall in evidence["recall_per_class"].items():
        table.add_row(f"recall, {shown(name)}", f"{recall:.4g}")
    for reason, count in evidence["left_out"].items():
        table.add_row(f"left out: {escape(reason)}", f"{count:,}")
    Console().print(table)


def _interval(evidence: dict[str, Any], name: str) -> str:
    low_and_high = evidence.get(f"{name}_interval")
    return "{:.4g} to {:.4g}".format(*low_and_high) if low_and_high else ""


def _timing(reference: Path) -> "Timing | None":
    """What one image takes: an example of the reference set, as a photo of 640×480 pixels. A run has none."""
    import numpy as np
    from PIL import Image

    from siamese.evaluation.timing import measure_time, photo_of
    from siamese.network.twin import load_network
    from siamese.service import ExpressionService
    from siamese.settings import Settings

    if not (reference / "examples").is_dir():
        return None
    service = ExpressionService.load(reference, settings=Settings(threads=_THREADS))
    example = Image.open(min((reference / "examples").glob("*.webp"))).convert("RGB")
    network = load_network(reference / "network.safetensors")
    return measure_time(service.embedder.embed, service.recognise, photo_of(np.asarray(example)), network, _THREADS)
