"""GLEANER_TEST_DTYPE=bfloat16 makes `auto` mean bfloat16 in all processes of the tests, as on a processor that has units for it."""

import importlib.abc
import importlib.util
import os
import sys
from pathlib import Path

DTYPE = os.environ.get("GLEANER_TEST_DTYPE")
MODULE = "stages.core.encoding.encoder"


class Forced(importlib.abc.MetaPathFinder):
    """Changes the encoder's dtype_of as soon as it is imported, which takes seconds."""

    def find_spec(self, name, path, target=None):
        if name != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def loaded(module) -> None:
            load(module)
            plain = module.dtype_of
            module.dtype_of = lambda setting: plain(DTYPE if setting == "auto" else setting)

        spec.loader.exec_module = loaded
        return spec


def force(folder: Path) -> None:
    """In this process, and by a sitecustomize.py in the folder in those that it starts."""
    sys.meta_path.insert(0, Forced())
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))


SITECUSTOMIZE = f"{Path(__file__).read_text(encoding='utf-8')}\nsys.meta_path.insert(0, Forced())\n" if DTYPE else ""
