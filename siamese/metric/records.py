"""A small dataclass of numbers ↔ one JSON file, checked against the dataclass's types when it is read."""

from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, ValidationError

from siamese.errors import ReferenceSetError


class Record:
    """Gives a dataclass `save` and `load`."""

    def save(self, path: str | Path) -> None:
        """Write the fields as JSON."""
        Path(path).write_bytes(TypeAdapter(type(self)).dump_json(self, indent=2) + b"\n")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote. Raises ReferenceSetError when the file is missing or holds something else."""
        try:
            return TypeAdapter(cls).validate_json(Path(path).read_bytes())
        except (OSError, ValidationError) as error:
            kind = cls.__name__.lower()
            raise ReferenceSetError(f"{path} does not hold a {kind} that Semblance saved: {error}") from error
