"""How the results were made: settings, dropped rows and versions."""

import platform
from importlib import metadata
from typing import Any

PACKAGES = ("dvc", "numpy", "scikit-learn", "scipy", "torch", "transformers", "tokenizers", "umap-learn")


def settings(section: Any, before: str = "") -> list[list[str]]:
    """[name, value] of every setting of a section, or of a dict of sections, in the order of params.yaml."""
    rows = []
    for name, value in (section if isinstance(section, dict) else vars(section)).items():
        if isinstance(value, dict) or hasattr(value, "__dict__"):
            rows += settings(value, f"{before}{name}.")
        else:
            rows.append([f"{before}{name}", "none" if value is None else str(value)])
    return rows


def dropped(examples: dict[str, list[dict]]) -> list[dict]:
    """what, text and label of the rows in data/dropped.json; "" without a label."""
    return [
        {"what": kind.replace("_", " "), "text": row["text"], "label": row["label"] or ""}
        for kind, rows in examples.items()
        for row in rows
    ]


def versions() -> list[list[str]]:
    """[package, version], Python first."""
    return [["python", platform.python_version()], *([name, metadata.version(name)] for name in PACKAGES)]
