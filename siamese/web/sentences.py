"""What went wrong → the sentence that a person is told."""

import logging

from siamese.errors import SemblanceError

NO_ANSWER = "Something went wrong on this side, and it was written to the log. Please try again, or try another photo."

logger = logging.getLogger(__name__)


def sentence_of(error: Exception) -> str:
    """What to tell a person about an error; writes those that nobody foresaw to the log."""
    if isinstance(error, SemblanceError):
        return str(error)
    logger.exception("An answer failed", exc_info=error)
    return NO_ANSWER


def duration(seconds: float) -> str:
    """600 → «10 minutes»."""
    number, unit = (round(seconds), "second") if seconds < 120 else (round(seconds / 60), "minute")
    return f"{number} {unit}{'' if number == 1 else 's'}"
