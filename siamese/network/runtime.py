"""Face crops → embeddings, in ONNX Runtime: the path that every answer takes."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siamese.faces.align import CROP_SIZE, INPUT_SIZE
from siamese.faces.contrast import stretched
from siamese.sessions import load_session

INPUT, OUTPUT = "crops", "embeddings"
NETWORK_FILES = {"fp32": "network.onnx", "int8": "network.int8.onnx"}  # by precision, in a reference set
FINGERPRINT = "fingerprint"  # in a file's metadata: of the network that it was made from


class Embedder:
    """An exported network, loaded once and safe to call from several threads.

    `fingerprint` names the network that embeddings belong to: the file's checksum, or, where the file is another form
    of a network, with embeddings that compare with its own, the fingerprint of that network.
    """

    def __init__(self, path: str | Path, threads: int = 0, batch_size: int = 64, stretch: bool = False) -> None:
        """Load `path`; `threads` 0 takes every core; with `stretch`, the contrast of each crop is stretched first.

        Raises ReferenceSetError when it is not such a network.
        """
        self.batch_size = batch_size
        self.stretch = stretch
        self._session = load_session(path, threads)
        side = self._session.get_inputs()[0].shape[-1]
        self._halved = side == CROP_SIZE  # exported while that was the size of crops
        made_from = self._session.get_modelmeta().custom_metadata_map.get(FINGERPRINT)
        self.fingerprint = made_from or hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]

    @property
    def embedding_size(self) -> int:
        """Components of an embedding."""
        return int(self._session.get_outputs()[0].shape[1])

    def embed(self, crops: NDArray[np.uint8], mirror: bool = True) -> NDArray[np.float32]:
        """Grey crops (n, 96, 96) uint8 → embeddings (n, embedding_size) float32 of unit length.

        With `mirror`, each is the normalised mean over the crop and its mirror image, which an expression survives.
        """
        if len(crops) == 0:
            return np.empty((0, self.embedding_size), dtype=np.float32)
        batches = [crops[start : start + self.batch_size] for start in range(0, len(crops), self.batch_size)]
        return np.concatenate([self._embed_batch(batch, mirror) for batch in batches])

    def _embed_batch(self, crops: NDArray[np.uint8], mirror: bool) -> NDArray[np.float32]:
        shown = stretched(crops) if self.stretch else crops
        if self._halved and crops.shape[-1] == INPUT_SIZE:
            shown = shown.reshape(-1, CROP_SIZE, 2, CROP_SIZE, 2).mean(axis=(2, 4))
        views = np.concatenate([shown, shown[:, :, ::-1]]) if mirror else shown
        pixels = views[:, None].astype(np.float32) / 255
        (embeddings,) = self._session.run(None, {INPUT: pixels})
        mean = embeddings.reshape(-1, len(crops), embeddings.shape[1]).mean(axis=0)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)
