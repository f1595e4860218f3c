"""`python -m siamese reference …`: training runs → what the service needs of their networks."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from siamese.cli_parts import Cache, Dataset, Reference
from siamese.errors import ReferenceSetError

reference_app = typer.Typer(help="Build reference sets from training runs.", no_args_is_help=True)


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
