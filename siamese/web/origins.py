"""A request's Origin → whether a page of another site has sent it."""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection


def foreign(asking: HTTPConnection, allowed: Collection[str]) -> bool:
    """Whether a page of neither this site nor an `allowed` origin asks; no browser sends what cannot be read as one."""
    origin = asking.headers.get("origin")
    if not origin or origin in allowed:
        return False
    try:
        return urlsplit(origin).netloc != asking.url.netloc
    except ValueError:  # of either address
        return True
