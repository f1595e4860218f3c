"""Train a twin network: `python train_siamese.py --help` lists every setting."""

import sys

from siamese.errors import SemblanceError
from siamese.training.config import parse
from siamese.training.loop import train

_INTERRUPTED = 130  # what shells and make know as ended by Ctrl-C

if __name__ == "__main__":
    try:
        train(*parse())
    except SemblanceError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
