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
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise Refused(f"{path} is not a complete safetensors file ({error}); {artifacts.MEND}") from None


def check_forms(path: Path, tensors: dict[str, Any], forms: dict[str, str]) -> None:
    """Raise Refused where the tensors that `path` held have other names, dtypes or shapes than they should.

    forms   of every tensor there should be, as `form` gives it
    """
    lacking, unknown = sorted(forms.keys() - tensors), sorted(tensors.keys() - forms)
    if lacking or unknown:
        found = " and ".join(
            f"{what} {', '.join(names[:3])}" + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            for what, names in (("lacks", lacking), ("should not hold", unknown))
            if names
        )
        raise Refused(f"{path} {found}; {artifacts.MEND}")
    for name, expected in forms.items():
        if form(tensors[name]) != expected:
            raise Refused(f"{path}: {name}: expected {expected}, found {form(tensors[name])}; {artifacts.MEND}")


def form(tensor: Any) -> str:
    """Dtype and shape of a tensor of numpy or torch, as in "float32 [2, 384]"."""
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"


def save(path: Path, tensors: dict[str, Any], save_file: Callable[[dict, Path], None]) -> None:
    """Write tensors as one safetensors file, by `save_file` of safetensors.numpy or safetensors.torch."""
    # Of an array that lies column by column safetensors.numpy would write the numbers in that order, without a word: scikit-learn's
    # weights of three classes and more are such.
    tensors = {name: np.ascontiguousarray(each) if isinstance(each, np.ndarray) else each for name, each in tensors.items()}
    with artifacts.whole(path, sum(tensor.nbytes for tensor in tensors.values())) as part:
        try:
            save_file(tensors, part)
        except SafetensorError as error:  # it hides the system's own error
            raise OSError(str(error)) from None
