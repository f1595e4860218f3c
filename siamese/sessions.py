"""An ONNX file → what runs it on the CPU."""

from pathlib import Path

import onnxruntime

from siamese.errors import ReferenceSetError


def load_session(path: str | Path, threads: int = 0) -> onnxruntime.InferenceSession:
    """The network in a file; `threads` 0 takes every core. Raises ReferenceSetError when it is not one."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # several sessions share the cores
    try:
        return onnxruntime.InferenceSession(Path(path).read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen unrelated classes, all meaning «not a network»
        raise ReferenceSetError(f"{path} is not a network that Semblance exported: {error}") from error
