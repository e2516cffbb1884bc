"""The stages of the pipeline, one file each."""

import gc
import importlib.util
import os
import signal
import sys

from stages.core.base import starters

# `python -m stages.NAME` comes here first. Ctrl-C ends it without a word from here on, in the seconds that imports last too; and
# at once: Python's own handler waits for the end of compiled code, which in UMAP is a minute. Nothing needs tidying up, since
# files get their names only when they are whole.
COMMAND = sys.argv[:1] == ["-m"]
if COMMAND:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

# Importing torch and transformers makes a great many objects that all stay; looking for garbage among them takes half a second
# of every stage that imports them.
gc.set_threshold(100_000)

# Read by OpenMP when torch is loaded. By default its threads spin for so long while they wait that two stages side by side
# (`dvc queue start -j 2`) take each other's cores: on 2 cores each encoded 3,200 tokens/s, with this 6,000; alone, 12,000
# either way. Shorter still (1,000) slows training by a fifth.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# DVC, and a shell that may stand between; taken before the seconds that imports last, so that DVC's end is noticed in them.
KEPT = "GLEANER_STARTED_BY"
STARTED_BY = [int(process) for process in os.environ.get(KEPT, "").split(",") if process] or starters.of_this_process()

# What every stage needs: `python` is whichever Python is first on the path.
NEEDED = (
    *("datasets", "numpy", "pydantic", "safetensors", "sklearn", "tabulate"),
    *("threadpoolctl", "tokenizers", "torch", "tqdm", "transformers", "yaml"),
)
if COMMAND and any(importlib.util.find_spec(name) is None for name in NEEDED):
    from stages.core.base import interpreter

    interpreter.change(NEEDED, STARTED_BY, KEPT)
os.environ.pop(KEPT, None)
