"""The page as one file: no network, no other file. Texts get into it as json alone, and onto the screen as text alone."""

import html
import json
import re
from pathlib import Path

FOLDER = Path(__file__).parent
SCRIPTS = ("d3.min.js", "parts.js", "curve.js", "map.js", "sections.js")


def page(contents: dict) -> str:
    """HTML; the same contents give the same bytes.

    contents   as contents.gathered makes them
    """
    answer = contents["answer"]
    filled = {
        "title": html.escape(contents["title"]),
        "answer": html.escape(answer["sentence"] if answer else "Nothing is measured yet."),
        "tables": html.escape(contents["made"]["tables"]),
        "style": _asset("page.css"),
        "scripts": "\n".join(f"<script>\n{_asset(name).strip()}\n</script>" for name in SCRIPTS),
        "contents": as_script(contents),
    }
    # In one pass: what was put in is not looked through again.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: filled[match[1]], _asset("page.html"))


def as_script(contents: dict) -> str:
    """json that stands in a script element: no text can end it, or begin a comment, since "<" is written as an escape."""
    written = json.dumps(contents, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return written.replace("<", "\\u003c")


def _asset(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
