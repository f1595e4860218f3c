"""A request's Host → whether it is a name of this service.

Any site may give a name of its own the address of this machine. To a browser, a page of that name and the service are
then one site, and the page may read and do here whatever the service's own could (DNS rebinding).
"""

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from siamese.settings import Settings
from siamese.web.api import problems

_FOR_PROBES = ("/v1/health", "/v1/ready")  # which ask by an address that nobody knows beforehand
_LONGEST = 253  # characters of a name that is told: no name has more
_FOREIGN = 1008  # the code with which a WebSocket is closed (RFC 6455)


def with_own_names(settings: Settings, host: str) -> Settings:
    """The settings of a service that listens at `host`: names are checked at one that this machine alone can reach."""
    return settings.model_copy(update={"hosts": f"{settings.hosts} {host}".strip()}) if _own(host) else settings


class OwnNames:
    """Refuses requests to other names than those of this machine, and those that are named; of none, any is taken."""

    def __init__(self, app: ASGIApp, names: list[str]) -> None:
        self.app, self.names = app, [each.lower() for each in names]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, as ASGI has it."""
        foreign = self._foreign(scope) if scope["type"] in ("http", "websocket") else ""
        answer = _refusal(scope, foreign) if foreign else self.app
        await answer(scope, receive, send)

    def _foreign(self, scope: Scope) -> str:
        """The name by which a request asks, where it may not; a browser always names one."""
        asked = Headers(scope=scope).get("host", "")
        if not asked or not self.names or scope["path"] in _FOR_PROBES:
            return ""
        name = _without_port(asked)
        return "" if name in self.names or name == "localhost" or _loopback(name) else name


def _refusal(scope: Scope, name: str) -> ASGIApp:
    if scope["type"] == "websocket":
        return WebSocketClose(_FOREIGN, "This is no name of the service. See SEMBLANCE_HOSTS.")
    detail = f"«{name[:_LONGEST]}» is no name of this service. Add it to SEMBLANCE_HOSTS if it shall be one."
    return problems.answer(Request(scope), problems.FOREIGN_NAME, detail)


def _without_port(host: str) -> str:
    """A Host's name, in small letters; what cannot be read stays as it is, and is no name of ours."""
    try:
        return urlsplit(f"//{host}").hostname or host
    except ValueError:
        return host


def _loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _own(host: str) -> bool:
    """Whether this machine alone can reach what listens there."""
    try:
        return all(_loopback(str(each[4][0])) for each in socket.getaddrinfo(host, None))
    except OSError:  # there is no such address, as `listen` will say
        return False
