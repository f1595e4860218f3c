"""How the HTTP API bears many clients at once, beside a bare FastAPI application that does the same work in turn.

Each is a program of its own. Clients, in one further process, send mixed requests over loopback, each the next as soon
as it has an answer: for some seconds, to tell throughput and delay, and then on to a number of requests, to tell what
memory grew by. The bare application, too, has several threads for what it does beside reading photos.

    python -m benchmarks.load [--clients 64] [--seconds 60] [--requests 10000] [--workers 1] [--json]
"""

import argparse
import asyncio
import io
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import skimage.data
import uvicorn
from fastapi import FastAPI, UploadFile
from PIL import Image

from siamese.evaluation.tables import table
from siamese.service import ExpressionService
from siamese.web.listening import listen

SERVICE, BARE = "Semblance", "bare FastAPI, one at a time"
_PAGE = """\
## The HTTP API under many clients

```sh
python -m benchmarks.load{options} > docs/results/load.md
```

{clients} clients at once on mixed requests for {seconds:g} seconds, of which rate and delay are told, and on to
{requests:,} requests, by which memory is; with one at a time, the same work in the bare application.

{table}"""
_PHOTO_SIZE = (640, 480)
_SETTLED = 500  # requests after which memory is called settled
_STARTING = 120  # seconds
_BUSY = 503
_ENOUGH, _GROWTH = 10_000, 0.05  # requests after which memory must not have grown by such a share


@dataclass
class Tally:
    """What the clients saw."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)


def photo() -> bytes:
    """A JPEG of 640×480 pixels with one face."""
    canvas = Image.new("RGB", _PHOTO_SIZE, (90, 100, 110))
    portrait = Image.fromarray(skimage.data.astronaut()).resize((480, 480))
    canvas.paste(portrait, (80, 0))
    file = io.BytesIO()
    canvas.save(file, "JPEG", quality=90)
    return file.getvalue()


async def ask(client: httpx.AsyncClient, picture: bytes, chance: random.Random) -> httpx.Response:
    """One of the requests, mixed as a product would send them."""
    choice = chance.random()
    if choice < 0.5:
        return await client.post("/v1/recognise", files={"photo": picture})
    if choice < 0.6:
        return await client.post("/v1/compare", files={"first": picture, "second": picture})
    if choice < 0.75:
        return await client.post("/v1/similar", files={"photo": picture}, data={"k": "12"})
    if choice < 0.85:
        return await client.post("/v1/embed", files={"photo": picture})
    if choice < 0.95:
        return await client.get("/v1/gallery", params={"page": chance.randint(1, 5), "size": 20})
    return await client.get("/v1/health")


async def hammer(address: str, clients: int, goes_on: Callable[[Tally], bool]) -> Tally:
    """So many clients at once, each asking again as soon as it is answered, for as long as that holds."""
    tally, picture = Tally(), photo()

    async def one(number: int) -> None:
        chance = random.Random(number)
        async with httpx.AsyncClient(base_url=address, timeout=120) as client:
            while goes_on(tally):
                started = time.perf_counter()
                try:
                    status = str((await ask(client, picture, chance)).status_code)
                except httpx.HTTPError as error:
                    status = type(error).__name__
                tally.seconds.append(time.perf_counter() - started)
                tally.statuses[status] += 1

    await asyncio.gather(*(one(number) for number in range(clients)))
    return tally


@contextmanager
def program(*words: str, **variables: str) -> Iterator[tuple[str, int]]:
    """Start a server, with these variables; its address and process number, once it answers."""
    environment = os.environ | {"SEMBLANCE_REQUESTS_PER_MINUTE": "0", "SEMBLANCE_LOG_REQUESTS": "false"} | variables
    with subprocess.Popen([sys.executable, "-m", *words], stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stdout
            address = server.stdout.readline().split()[-1]
            until = time.monotonic() + _STARTING
            while not _answers(address):
                if time.monotonic() > until:
                    raise SystemExit(f"{' '.join(words)} did not answer within {_STARTING} s.")
                time.sleep(0.2)
            yield address, server.pid
        finally:
            server.terminate()


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/v1/health").status_code == 200
    except httpx.HTTPError:
        return False


def resident_megabytes(pid: int) -> float:
    """The memory of a process and its children that is in use."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    own = int(found[1]) / 1000 if found else 0.0
    return own + sum(resident_megabytes(int(child)) for child in children)


def measure(words: tuple[str, ...], clients: int, seconds: float, requests: int) -> dict[str, Any]:
    """One server under load: some seconds for delay, and a number of requests for memory."""
    with program(*words) as (address, pid):
        asyncio.run(hammer(address, clients, lambda tally: len(tally.seconds) < _SETTLED))
        before = resident_megabytes(pid)
        end = time.monotonic() + seconds
        tally = asyncio.run(hammer(address, clients, lambda _: time.monotonic() < end))
        rest = requests - len(tally.seconds)
        more = asyncio.run(hammer(address, clients, lambda tally: len(tally.seconds) < rest))
        after = resident_megabytes(pid)
    statuses = tally.statuses + more.statuses
    p50, p95, p99 = (1000 * float(value) for value in np.percentile(tally.seconds, (50, 95, 99)))
    return {
        "per_second": len(tally.seconds) / seconds,
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        "requests": statuses.total(),
        "refused": statuses[str(_BUSY)],
        "errors": {status: count for status, count in statuses.items() if not status.startswith(("2", str(_BUSY)))},
        "megabytes_before": before,
        "megabytes_after": after,
        "growth": after / before - 1,
    }


def faults(figures: dict[str, Any], requests: int) -> list[str]:
    """What is wrong with how a server bore so many requests, in words; growth tells nothing where they were few."""
    found = [f"Wrong answers: {count} × {status}." for status, count in figures["errors"].items()]
    if requests >= _ENOUGH and figures["growth"] >= _GROWTH:
        found.append(f"Memory grew by {figures['growth']:.1%} over {figures['requests']:,} requests.")
    return found


def bare() -> None:
    """The peer: the same answers by plain routes, of which one at a time is worked on."""
    service, turn = ExpressionService.load(), threading.Lock()
    service.warm_up()
    app = FastAPI()

    @app.post("/v1/recognise")
    def recognise(photo: UploadFile) -> dict[str, Any]:
        with turn:
            return {"faces": [each.to_dict() for each in service.recognise(photo.file.read())]}

    @app.post("/v1/compare")
    def compare(first: UploadFile, second: UploadFile) -> dict[str, Any]:
        with turn:
            return service.compare(first.file.read(), second.file.read()).to_dict()

    @app.post("/v1/similar")
    def similar(photo: UploadFile) -> dict[str, Any]:
        with turn:
            return {"neighbours": [each.to_dict() for each in service.similar(photo.file.read(), 12)]}

    @app.post("/v1/embed")
    def embed(photo: UploadFile) -> dict[str, Any]:
        with turn:
            return {"faces": [each.embedding.tolist() for each in service.recognise(photo.file.read())]}

    @app.get("/v1/gallery")
    def gallery(page: int, size: int) -> dict[str, Any]:
        with turn:
            return {"examples": [item.to_dict() for item in service.gallery.page(page, size)]}

    @app.get("/v1/health")
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    with listen("127.0.0.1", 0) as listening:
        print(f"Bare: http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])


def rows(figures: dict[str, dict[str, Any]]) -> str:
    """The table as Markdown."""
    head = ("server", "requests/s", "beside the bare", "p50", "p95", "p99", "requests", "503", "errors", "memory, MB")
    first = figures[BARE]["per_second"]
    lines = [
        (
            name,
            f"{row['per_second']:.1f}",
            f"{row['per_second'] / first:.2f} ×",
            *(f"{row[name]:,.0f} ms" for name in ("p50_ms", "p95_ms", "p99_ms")),
            f"{row['requests']:,}",
            f"{row['refused']:,}",
            ", ".join(f"{status}: {count}" for status, count in row["errors"].items()) or "none",
            f"{row['megabytes_before']:,.0f} → {row['megabytes_after']:,.0f} ({row['growth']:+.1%})",
        )
        for name, row in figures.items()
    ]
    return table(head, lines)


def main(arguments: list[str] | None = None) -> None:
    """Print a page of Markdown, or one JSON object; fails where ours gave wrong answers, or grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64, help="at once (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="of which delay is told (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=10_000, help="after which memory is (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes of ours (default: %(default)s)")
    parser.add_argument("--bare", action="store_true", help="be the bare application, until interrupted")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    if words.bare:
        bare()
        return
    port = listen("127.0.0.1", 0)
    number = str(port.getsockname()[1])
    port.close()
    servers = {
        SERVICE: ("siamese", "serve", "--port", number, "--workers", str(words.workers)),
        BARE: ("benchmarks.load", "--bare"),
    }
    figures = {name: measure(server, words.clients, words.seconds, words.requests) for name, server in servers.items()}
    print(told(figures, words, parser))
    if found := faults(figures[SERVICE], words.requests):
        raise SystemExit(" ".join(found))


def told(figures: dict[str, Any], words: argparse.Namespace, parser: argparse.ArgumentParser) -> str:
    """The page of Markdown, or the JSON object."""
    if words.json:
        return json.dumps({"clients": words.clients, "seconds": words.seconds, "servers": figures})
    given = {name: getattr(words, name) for name in ("clients", "seconds", "requests", "workers")}
    options = "".join(f" --{name} {value:g}" for name, value in given.items() if value != parser.get_default(name))
    return _PAGE.format(**given, options=options, table=rows(figures))


if __name__ == "__main__":
    main()
