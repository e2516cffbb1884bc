"""A hub of data sets and models on this machine, as much of one as the clients ask for: folders served by HTTP."""

import hashlib
import json
import os
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlparse

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def serving(root: Path):
    """Address of a hub whose repositories are the folders root/datasets/OWNER/NAME and root/models/OWNER/NAME."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"root": root}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def environment(address: str, home: Path) -> dict[str, str]:
    """Environment of a process whose hub is at `address` and whose cache is in `home`; the clients read it when imported."""
    places = {"HF_HOME": home, "HF_HUB_CACHE": home / "hub", "HF_DATASETS_CACHE": home / "datasets"}
    places = {name: str(place) for name, place in places.items()}
    return {**os.environ, **places, "HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0", "NO_PROXY": "127.0.0.1"}


class _Handler(BaseHTTPRequestHandler):
    root: Path

    def do_GET(self):
        address = urlparse(self.path)
        words = unquote(address.path).strip("/").split("/")
        if words[0] == "api":  # /api/KIND/OWNER/NAME, or that with /revision/REVISION or /tree/REVISION/FOLDER
            repo, (what, _, *folder) = self.root.joinpath(*words[1:4]), (*words[4:], "", "")[: max(2, len(words) - 4)]
            found = self.tree(repo, "/".join(folder), "recursive=true" in address.query) if what == "tree" else self.about(repo)
            self.answer(200, json.dumps(found).encode()) if repo.is_dir() else self.missing("RepoNotFound")
        else:  # /OWNER/NAME/resolve/REVISION/FILE, data sets with /datasets before it
            kind = words.pop(0) if words[0] == "datasets" else "models"
            file = self.root.joinpath(kind, *words[:2], *words[4:])
            self.answer(200, file.read_bytes()) if file.is_file() else self.missing("EntryNotFound")

    do_HEAD = do_GET

    def about(self, repo: Path) -> dict:
        files = [{"rfilename": str(file.relative_to(repo))} for file in sorted(repo.rglob("*.*"))]
        return {"_id": "0", "id": "/".join(repo.parts[-2:]), "sha": COMMIT, "private": False, "tags": [], "siblings": files}

    def tree(self, repo: Path, folder: str, recursive: bool) -> list[dict]:
        found = sorted((repo / folder).rglob("*") if recursive else (repo / folder).glob("*"))
        kinds = ["directory" if path.is_dir() else "file" for path in found]
        return [
            {"type": kind, "path": str(path.relative_to(repo)), "size": path.stat().st_size, "oid": str(number)}
            for number, (kind, path) in enumerate(zip(kinds, found))
        ]

    def answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        etag = hashlib.sha256(content).hexdigest()
        for name, value in {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"', "Content-Length": len(content), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def missing(self, code: str) -> None:
        self.answer(404, b"", **{"X-Error-Code": code})

    def log_message(self, *words):
        pass
