"""`python -m siamese …`: photos and videos → answers on the terminal, as text for people or one JSON object."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from siamese.album_cli import album
from siamese.cli_parts import AsJson, Cache, Dataset, IndexName, Reference, load_service, new_table, print_json, shown
from siamese.errors import MeasurementError, ReferenceSetError, SemblanceError
from siamese.gallery_cli import gallery_app
from siamese.serve_cli import serve
from siamese.teach_cli import teach_app
from siamese.video_cli import video

if TYPE_CHECKING:
    from siamese.evaluation.timing import Timing

app = typer.Typer(help="Read expressions by similarity.", no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(gallery_app, name="gallery")
app.add_typer(teach_app, name="teach")
app.command()(album)
app.command()(serve)
app.command()(video)
reference_app = typer.Typer(help="Build reference sets from training runs.", no_args_is_help=True)
app.add_typer(reference_app, name="reference")

USER_ERROR = 2  # exit code when a sentence was printed instead of an answer

_BAR = 24  # characters
_THREADS = 2  # on which times are measured

Whole = Annotated[bool, typer.Option("--whole", help="Where no face is found, take the picture itself as the face.")]
GalleryFolder = Annotated[
    Path | None, typer.Option(help="Gallery to use, with what it was taught, instead of the set's own.")
]
PhotoFile = Annotated[Path, typer.Argument(help="A JPEG, PNG, WebP, BMP, GIF or TIFF file.")]
FaceNumber = Annotated[int, typer.Option(min=1, help="Which face, as `recognise` numbers them: 1 is the largest.")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; a SemblanceError becomes its sentence on stderr and exit code 2."""
    try:
        app(arguments)
    except SemblanceError as error:
        print(error, file=sys.stderr)
        raise SystemExit(USER_ERROR) from error


@app.command()
def recognise(
    photo: PhotoFile,
    whole: Whole = False,
    as_json: AsJson = False,
    reference: Reference = None,
    gallery: GalleryFolder = None,
) -> None:
    """Read the expression of every face in a photo."""
    readings = load_service(reference, gallery).recognise(photo, whole)
    if as_json:
        print_json({"photo": str(photo), "faces": [reading.to_dict() for reading in readings]})
        return
    for number, reading in enumerate(readings, start=1):
        place = (
            "whole picture" if reading.whole_picture else "at ({:.0f}, {:.0f}) to ({:.0f}, {:.0f})".format(*reading.box)
        )
        table = new_table(f"Face {number} of {len(readings)}, {place}", "emotion", "probability", "", "similarity")
        for name in sorted(reading.probabilities, key=reading.probabilities.__getitem__, reverse=True):
            share, similarity = reading.probabilities[name], reading.similarities[name]
            table.add_row(shown(name), f"{share:.1%}", _bar(share), f"{similarity:.2f}")
        Console().print(table)


@app.command()
def compare(
    first: PhotoFile,
    second: PhotoFile,
    first_face: FaceNumber = 1,
    second_face: FaceNumber = 1,
    whole: Whole = False,
    as_json: AsJson = False,
    reference: Reference = None,
) -> None:
    """Tell whether two faces show the same expression."""
    result = load_service(reference).compare(first, second, first_face - 1, second_face - 1, whole)
    if as_json:
        print_json(result.to_dict())
        return
    verdict = "Same expression" if result.same_expression else "Different expressions"
    console = Console()
    console.print(f"[bold]{verdict}[/bold]: {shown(result.first.emotion)} and {shown(result.second.emotion)}")
    console.print(f"similarity {result.similarity:.2f}, threshold {result.threshold:.2f}")
    console.print(f"probability that both show the same expression: {result.probability:.0%}")


@app.command()
def similar(
    photo: PhotoFile,
    k: Annotated[int, typer.Option("-k", min=1, help="How many examples.")] = 12,
    emotion: Annotated[str | None, typer.Option(help="Only examples of this emotion.")] = None,
    face: FaceNumber = 1,
    whole: Whole = False,
    as_json: AsJson = False,
    reference: Reference = None,
    gallery: GalleryFolder = None,
    index: IndexName = None,
) -> None:
    """Find the gallery's examples most similar to a face."""
    service = load_service(reference, gallery, index)
    neighbours = service.similar(photo, k, emotion, face - 1, whole)
    if as_json:
        found = [neighbour.to_dict() for neighbour in neighbours]
        print_json({"photo": str(photo), "gallery": service.gallery.title, "neighbours": found})
        return
    table = new_table(f"Nearest in «{service.gallery.title}»", "example", "emotion", "similarity")
    for neighbour in neighbours:
        table.add_row(escape(neighbour.item.id), shown(neighbour.emotion), f"{neighbour.similarity:.3f}")
    Console().print(table)


@app.command()
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
        timing = _timing(folder) if (folder / "examples").is_dir() else None  # a run has no page to time
        evidence = study_dataset(dataset, root, split, protocol, folder, cache, timing).to_dict()
    else:
        measured = evaluate_samples(samples, folder, cache).to_dict()
        evidence = {"dataset": dataset, "split": split, **measured, "left_out": dict(samples.left_out)}
    evidence["run"] = str(run) if run else None
    evidence["judged_by"] = judged.by if judged else None
    evidence["crops"] = kind_of(folder)
    shipped = Settings.model_fields["reference"].default
    evidence["reference"] = None if judged or folder == shipped else str(folder)
    if figures or nearest:
        from siamese.evaluation.illustrations import draw_figures, draw_nearest

        if figures:
            draw_figures(samples, folder, figures, cache)
        if nearest:
            draw_nearest(samples, folder, nearest, cache)
    if as_json:
        print_json(evidence)
        return
    table = new_table(f"{dataset}, {split}, {protocol}", "figure", "value")
    for name, value in evidence.items():
        if isinstance(value, int | float):
            table.add_row(name.replace("_", " "), f"{value:.4g}")
    for name, recall in evidence["recall_per_class"].items():
        table.add_row(f"recall, {shown(name)}", f"{recall:.4g}")
    for reason, count in evidence["left_out"].items():
        table.add_row(f"left out: {escape(reason)}", f"{count:,}")
    Console().print(table)


@app.command()
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


@reference_app.command("build")
def build_reference_set(
    run: Annotated[
        list[str],
        typer.Option(
            help="A training run's folder, or a network in one. Of FER+ also several: those with a + between, such as "
            "A+B, are averaged, and two --run joined in one network."
        ),
    ],
    root: Annotated[Path, typer.Option(help="The data set's folder, for prototypes and calibration.")],
    dataset: Dataset = "ferplus",
    out: Annotated[Path | None, typer.Option(help="Folder to write the reference set to.")] = None,
    figures: Annotated[Path, typer.Option(help="Folder for the figures of FER+.")] = Path(
        "docs/figures/ferplus-test-majority"
    ),
    cache: Cache = Path("cache"),
) -> None:
    """Make what the service needs from a trained network.

    Of FER+, the set that ships, which shows no single person, with its model card and figures, in prototypes/. Of any
    other data set with train and validation, one whose gallery shows the training pictures: keep it to yourself.
    """
    from siamese.evaluation.reference import build_own_reference, build_reference
    from siamese.training.run_folder import network_in

    networks = [[Path(name) for name in names.split("+")] for names in run]
    if dataset == "ferplus":
        if len(networks) > 2:
            raise ReferenceSetError("Two networks can be joined in one, not more. Give --run once or twice.")
        out = out or Path("prototypes")
        files = [[network_in(each) for each in together] for together in networks]
        build_reference(files, root, out, figures, cache)
        print(f"{out}: written, with {out / 'MODEL_CARD.md'}")
        return
    if len(networks) > 1 or len(networks[0]) > 1:
        raise ReferenceSetError(f"Of {dataset}, give one --run: its folder, or a network in it.")
    own = networks[0][0]
    out = out or network_in(own).with_name("reference")
    build_own_reference(own, dataset, root, out, cache)
    print(f"{out}: written. It shows single people. To see it: python app.py --reference {shlex.quote(str(out))}")


@reference_app.command("quantise")
def quantise_reference_set(
    root: Annotated[Path, typer.Option(help="The data set's folder, for its validation part.")],
    dataset: Dataset = "ferplus",
    reference: Reference = None,
    cache: Cache = Path("cache"),
) -> None:
    """Write a reference set's network in eight-bit integers too, for SEMBLANCE_PRECISION=int8.

    It is faster, counts as the same network for galleries, and is calibrated on one part of validation; said is how
    many of the rest it reads right.
    """
    from siamese.evaluation.quantised import quantise_reference
    from siamese.settings import Settings

    found = quantise_reference(reference or Settings().reference, dataset, root, cache)
    print(f"{found.path}: written. For the service to use it: SEMBLANCE_PRECISION=int8")
    shares = f"{found.accuracy:.2%} are read right, in single precision {found.accuracy_before:.2%}"
    print(f"Of {found.images:,} validation images that it was not calibrated on, {shares}.")


def _timing(reference: Path) -> "Timing":
    """What one image takes: an example of the reference set, as a photo of 640×480 pixels."""
    import numpy as np
    from PIL import Image

    from siamese.evaluation.timing import measure_time, photo_of
    from siamese.network.twin import load_network
    from siamese.service import ExpressionService
    from siamese.settings import Settings

    service = ExpressionService.load(reference, settings=Settings(threads=_THREADS))
    example = Image.open(min((reference / "examples").glob("*.webp"))).convert("RGB")
    network = load_network(reference / "network.safetensors")
    return measure_time(service.embedder.embed, service.recognise, photo_of(np.asarray(example)), network, _THREADS)


def _bar(share: float) -> str:
    return "█" * round(share * _BAR)
