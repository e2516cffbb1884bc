"""Tensors of models as safetensors files, checked when read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from stages.core.base import artifacts
from stages.core.base.errors import Refused


def load(path: Path, load_file: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """The tensors of a safetensors file, by `load_file` of safetensors.numpy or safetensors.torch."""
    with artifacts.reading(path, "safetensors", (OSError, SafetensorError)):
        return load_file(path)


def check_forms(path: Path, tensors: dict[str, Any], forms: dict[str, str]) -> None:
    """Raise Refused if the tensors read from `path` have other names, or another `form`, than `forms`, by name, gives."""
    lacking, unknown = sorted(forms.keys() - tensors), sorted(tensors.keys() - forms)
    if lacking or unknown:
        problems = " and ".join(
            f"{what} {', '.join(names[:3])}" + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            for what, names in (("lacks", lacking), ("should not hold", unknown))
            if names
        )
        raise Refused(f"{path} {problems}; {artifacts.MEND}")
    for name, expected in forms.items():
        if form(tensors[name]) != expected:
            raise Refused(f"{path}: {name}: expected {expected}, found {form(tensors[name])}; {artifacts.MEND}")


def form(tensor: Any) -> str:
    """Dtype and shape of a numpy or torch tensor, as in "float32 [2, 384]"."""
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"


def save(path: Path, tensors: dict[str, Any], save_file: Callable[[dict, Path], None]) -> None:
    """Write tensors as one safetensors file, by `save_file` of safetensors.numpy or safetensors.torch."""
    # safetensors.numpy silently writes a column-major array in that order. scikit-learn's weights of 3+ classes are such arrays.
    tensors = {name: np.ascontiguousarray(value) if isinstance(value, np.ndarray) else value for name, value in tensors.items()}
    with artifacts.whole(path, sum(tensor.nbytes for tensor in tensors.values())) as part:
        try:
            save_file(tensors, part)
        except SafetensorError as error:  # it hides the system's own error
            raise OSError(str(error)) from None
