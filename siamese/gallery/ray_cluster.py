"""Photos looked at on the machines of a Ray cluster: everything travels there from here, only answers come back.

This process reads each file, since it reads it for its hash anyway, and sends its bytes; Semblance itself and the
reference set travel too, once. So the machines share no folder with this one, none of them can answer by another
network, and what they need is Python with the packages of requirements.txt and requirements-ray.txt.

A photo is a Ray task, rather than a row of Ray Data or a call to an actor of ours: tasks are answered one by one, so
that they can be acknowledged in turn; they run wherever a core is free, on machines that join late too; and those of a
machine that is lost are run on another. A worker's process outlives its tasks, and so does the network it has loaded.
"""

import importlib
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import siamese
from siamese.errors import GalleryError, ImageError, SemblanceError
from siamese.faces.decode import read
from siamese.gallery.build import printable
from siamese.gallery.looking import AHEAD, Answer, Look, Looked, Lookers, MakeLook, Task, look_at, refusal
from siamese.settings import PREFIX, Settings

LOCAL = "local"
REFERENCE = Path("reference")  # the reference set, as seen from the folder that workers run in

_PATIENCE = 10.0  # seconds until an address counts as one where nobody answers
_STARTS = 3  # of a cluster here: on busy cores Ray gives up on itself, and is quicker the next time
_TRIES = 3  # of a photo whose worker, or the machine of that, was lost
_MANNERS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it would tell its makers of every cluster
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # it would warn of a change to come
}
_NEEDED = "Its machines need this version of Python, and the packages of requirements.txt and requirements-ray.txt."


@contextmanager
def on_ray(
    address: str, make_look: MakeLook, processes: int = 0, reference: str | Path | None = None
) -> Iterator[Lookers]:
    """Lookers on a Ray cluster: `local` for one that lives here and as long as this, else the address of one that runs.

    That is `host:port` for a cluster that this machine is part of, and `ray://host:port` for any. At most `processes`
    photos are looked at at a time; 0 goes by the cores. `make_look` is called once in each worker, where the reference
    set is found at REFERENCE. Raises GalleryError where Ray is not installed, the address is none, or nobody answers.
    """
    ray = _imported()
    _require_answer(address)
    with _luggage(reference) as luggage:
        cores = _join(ray, address, luggage, processes or os.cpu_count() or 1)
        try:
            ahead = processes if processes and address != LOCAL else AHEAD * cores
            yield Lookers(_submit(ray, address, make_look), ahead)
        finally:
            ray.shutdown()


def _imported() -> Any:
    """Ray, taught its manners, which it learns only before it is imported."""
    for name, value in _MANNERS.items():
        os.environ.setdefault(name, value)
    try:
        return importlib.import_module("ray")
    except ImportError as error:
        raise GalleryError(
            "Looking at photos on a cluster needs Ray. Install it with `pip install -r requirements-ray.txt`."
        ) from error


def _require_answer(address: str) -> None:
    """Ask whether anybody listens at an address, since Ray itself would ask for minutes. Raises GalleryError if not."""
    if address == LOCAL:
        return
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if parts.scheme not in ("", "ray") or not host or not port:
        raise GalleryError(f"«{address}» is no address of a Ray cluster. Give `local`, host:port or ray://host:port.")
    try:
        socket.create_connection((host, port), _PATIENCE).close()
    except OSError as error:
        raise _unanswered(address, error) from error


def _unanswered(address: str, error: Exception) -> GalleryError:
    why = str(error).strip().partition("\n")[0].rstrip(".")
    if address == LOCAL:
        return GalleryError(f"No Ray cluster could be started here: {why}. Try again when this machine is less busy.")
    return GalleryError(
        f"No Ray cluster answers at {address}: {why}. Is it running, as by `ray start --head`? Where it asks for a "
        "token, set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN. A machine that is not part of it needs ray://host:10001."
    )


@contextmanager
def _luggage(reference: str | Path | None) -> Iterator[str]:
    """A folder of what workers run: this Semblance, and a reference set without its pictures."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(siamese.__file__).parent
        shutil.copytree(package, Path(folder) / package.name, ignore=shutil.ignore_patterns("__pycache__"))
        if reference is not None:
            shutil.copytree(reference, folder / REFERENCE, ignore=shutil.ignore_patterns("gallery", "examples"))
        yield folder


def _join(ray: Any, address: str, luggage: str, processes: int) -> int:
    """Start or join the cluster; how many cores it has. Raises GalleryError where that fails."""
    settings = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    own = {"num_cpus": processes, "include_dashboard": False} if address == LOCAL else {}
    trunk = {"working_dir": luggage, "env_vars": settings}
    for left in reversed(range(_STARTS if address == LOCAL else 1)):
        try:
            ray.init(address, runtime_env=trunk, logging_level="ERROR", log_to_driver=False, **own)
            break
        except Exception as error:  # Ray raises anything, even plain Exceptions
            ray.shutdown()
            if not left:
                raise _unanswered(address, error) from error
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _submit(ray: Any, address: str, make_look: MakeLook) -> Any:
    """What hands a photo to the cluster."""
    look = ray.remote(_look_there).options(num_cpus=1, max_retries=_TRIES - 1)
    shared, limits = ray.put(make_look), Settings().decode_limits

    def submit(task: Task) -> Answer:
        try:
            content = read(task.path, limits)
        except ImageError as error:
            return partial(refusal, task, str(error))
        return partial(_answer, ray, address, look.remote(shared, task, content))

    return submit


def _answer(ray: Any, address: str, reference: Any) -> Looked:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, SemblanceError):
            raise error.cause from error
        why = str(error).strip().rpartition("\n")[2].rstrip(".")
        raise GalleryError(f"The Ray cluster at {address} cannot look at photos: {why}. {_NEEDED}") from error
    except (ray.exceptions.RayError, ConnectionError) as error:
        why = str(error).strip().partition("\n")[0].rstrip(".")
        raise GalleryError(
            f"The Ray cluster at {address} was lost: {why}. What was done is kept; go on with `gallery add`."
        ) from error


_look: Look | None = None  # of this worker


def _look_there(make_look: MakeLook, task: Task, content: bytes) -> Looked:
    """What a worker makes of a photo's bytes: they are laid in a file of the same name for as long as that takes."""
    global _look
    _look = _look or make_look()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, task.path.name)
        copy.write_bytes(content)
        looked = look_at(_look, replace(task, path=copy))
    return replace(looked, photo=replace(looked.photo, source=printable(task.path)))
