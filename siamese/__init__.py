"""Semblance reads a face's expression by similarity; `ExpressionService` is the whole of it."""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from siamese.service import ExpressionService

__all__ = ["ExpressionService"]
__version__ = "0.1.0"

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # ONNX Runtime would keep a number of this machine, and send it


def __getattr__(name: str) -> Any:
    """Import the service at its first use, so that `import siamese` costs nothing."""
    if name != "ExpressionService":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from siamese.service import ExpressionService

    return ExpressionService
