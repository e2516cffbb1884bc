"""The page as one file that needs neither network nor other files. Texts enter it as json and are shown as text, never as HTML."""

import html
import json
import re
from pathlib import Path

FOLDER = Path(__file__).parent
SCRIPTS = ("d3.min.js", "parts.js", "curve.js", "map.js", "sections.js")


def page(contents: dict) -> str:
    """HTML of contents.collected; the same contents give the same bytes."""
    answer = contents["answer"]
    values = {
        "title": html.escape(contents["title"]),
        "answer": html.escape(answer["sentence"] if answer else "Nothing is measured yet."),
        "tables": html.escape(contents["made"]["tables"]),
        "style": _asset("page.css"),
        "scripts": "\n".join(f"<script>\n{_asset(name).strip()}\n</script>" for name in SCRIPTS),
        "contents": as_script(contents),
    }
    # In one pass, so that a value with "{{...}}" in it stays as it is.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], _asset("page.html"))


def as_script(contents: dict) -> str:
    """json inside a script element. "<" is escaped, so no text can end the element or begin a comment."""
    written = json.dumps(contents, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return written.replace("<", "\\u003c")


def _asset(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
