"""`make model [OUT=model PUSH=user/name STATIC=1]`: save the model of data/model as a folder to take away, or upload it to a hub.

The folder needs nothing from this project: see stages/core/takeaway/folder.py. STATIC=1 saves a student of the model instead, which
needs no encoder: see stages/core/takeaway/student.py.
"""

import platform
import re
import subprocess
import time
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from stages.core import task
from stages.core.base import artifacts, hub, params, paths
from stages.core.base.errors import Refused, short, switch
from stages.core.prediction import predictor, record
from stages.core.prediction.ensemble import Ensemble
from stages.core.rows import labels, measures
from stages.core.takeaway import card, folder, student

FOLDER = "model"
TIMED = 5_000  # texts


def main(out: str = "", push_to: str = "", static: str = "") -> None:
    out = Path(out or FOLDER)
    if push_to and not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", push_to, re.ASCII):
        raise Refused(f"PUSH = {push_to}: not a name on the hub; possible: user/name")
    models = predictor.load().models
    measured, student_of = artifacts.load_json(record.METRICS), ""
    made = taught(models) if switch("STATIC", static) else None
    if made:
        student_of = f"{models.about.kind.accuracy} {measured['accuracy']:.4f}" if "accuracy" in measured else "not measured"
        measured = tried(made, student_of)
    facts = card.Facts(
        about=models.about,
        measured=measured,
        answered=artifacts.load_json(paths.ANSWERED),
        pool_rows=artifacts.pool_rows(),
        params=without_folders(params.load()),
        commit=commit(),
        versions={"python": platform.python_version()} | {name: metadata.version(name) for name in card.LIBRARIES},
        student_of=student_of,
    )
    folder.write(out, models, card.written(facts, push_to.rpartition("/")[2] or Path.cwd().name), made)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    holds = "a static model" if made else f"{len(facts.about.members)} models"
    print(f"model: {out} holds {holds}, {size / 1e6:,.0f} MB; try: python {out / folder.SCRIPT} 'a text'")
    if push_to:
        push(out, push_to)


def taught(models: Ensemble) -> student.Student:
    """A student of what the models say of the pool, or of so many random rows."""
    texts = artifacts.texts(paths.POOL)
    rows = np.sort(np.random.default_rng(0).permutation(len(texts))[: student.MOST_TEXTS])
    texts = [texts[row] for row in rows]
    return student.taught(texts, models.probabilities(texts, f"labels {len(texts):,} texts for the student"), models.about.kind)


def tried(made: student.Student, student_of: str) -> dict:
    """What the card says of a student, as in data/model.json; prints its accuracy and speed."""
    actual, texts = labels.holdout(), artifacts.texts(paths.HOLDOUT)
    known, kind = np.flatnonzero(task.codes(actual) >= 0), task.of(actual)
    if not len(known):
        return {"members": 1}
    pool = artifacts.texts(paths.POOL)[:TIMED]
    start = time.perf_counter()
    made.probabilities(pool)
    speed = len(pool) / (time.perf_counter() - start)
    said = made.probabilities([texts[row] for row in known])
    right = measures.accuracy(said, actual[known])
    has = f"{kind.accuracy} {right:.4f} (the full model: {student_of})"
    print(f"model: the static model has {has} and labels {speed:,.0f} texts a second")
    measured = {"members": 1, "accuracy": right, "macro_f1": measures.macro_f1(said, actual[known]), "holdout_rows": len(known)}
    return measured | kind.further(said, actual[known])


def without_folders(value: Any) -> Any:
    """Settings with absolute paths cut to their last name: where files lie on this machine is private."""
    if isinstance(value, dict):
        return {key: without_folders(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_folders(item) for item in value]
    is_path = isinstance(value, str) and value.startswith(("/", "~"))
    return Path(value).name if is_path else value


def commit() -> str:
    """The commit that is checked out, in words; unknown if git gives none."""
    try:
        head, changes = (
            subprocess.run(["git", *words], capture_output=True, text=True, check=True, timeout=60).stdout.strip()  # noqa: S603, S607
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return head + (", with changes that are not committed" if changes else "")


def push(out: Path, name: str) -> None:
    """Upload the folder to the hub. Raises Refused if the hub is out of reach or refuses; the folder stays."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    api = HfApi()
    try:
        with suppress(HfHubHTTPError):  # the hub answers; the next calls explain better what is wrong
            api.model_info(name, timeout=hub.SECONDS)
        api.create_repo(name, exist_ok=True)
        address = api.upload_folder(repo_id=name, folder_path=out, commit_message=f"Gleaner, commit {commit()}")
    except Exception as error:  # dozens of types, for names, access and network
        raise Refused(
            f"PUSH = {name}: not uploaded ({type(error).__name__}: {short(error)}); {out} is complete: check network and "
            f"name, log in with `hf auth login`, and run the same again"
        ) from None
    print(f"model: {address}")
