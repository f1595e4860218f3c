"""An address → a socket that listens there."""

import socket

from siamese.errors import SettingsError

_BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on. Raises SettingsError when the address cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:  # OverflowError: there is no such port
        raise SettingsError(
            f"Nothing can listen at {host}:{port} ({error}). Is the port taken? Choose one with --port."
        ) from error
