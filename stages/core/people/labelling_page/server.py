"""The addresses of the page.

GET   /            page.html, and /page.js, /page.css
GET   /show        what a window shows: who, window, at_once, guess, again, key
GET   /hold        a visible window keeps its rows: window
GET   /earlier     earlier answers: who, words
POST  /answer      {who, key, label, at}; the answer is on disk before this returns
POST  /choose      {who}: ask for the next rows
POST  /doubt       {who}: look for answers that a model doubts
GET   /doubts      the answers found: who
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stages.core.base.errors import Refused
from stages.core.people.labelling_page.desk import Desk
from stages.core.people.labelling_page.guard import Guard
from stages.core.people.records import journal

FOLDER = Path(__file__).parent
FILES = {"/": ("page.html", "text/html"), "/page.js": ("page.js", "text/javascript"), "/page.css": ("page.css", "text/css")}


def app(desk: Desk, token: str, port: int) -> Guard:
    """The ASGI application behind its guard."""

    def file(request: Request) -> Response:
        name, kind = FILES[request.url.path]
        text = (FOLDER / name).read_text(encoding="utf-8")
        return Response(text.replace("TOKEN", token) if name == "page.html" else text, media_type=kind)

    def show(params: QueryParams) -> dict:
        at_once = params.get("at_once", "1")
        return desk.show(
            _annotator(params.get("who")),
            params.get("window", "")[:64],
            int(at_once) if at_once.isascii() and at_once.isdigit() and len(at_once) < 3 else 1,
            params.get("guess") == "1",
            params.get("again") == "1",
            params.get("key", ""),
        )

    def get(path: str, call: Callable[[QueryParams], dict]) -> Route:
        return Route(path, lambda request: JSONResponse(call(request.query_params)))

    def post(path: str, call: Callable[..., dict], *names: str) -> Route:
        """A route that calls a method of the desk with the annotator and texts of these names."""

        async def handle(request: Request) -> Response:
            who, *others = await _texts_of(request, "who", *names)
            return JSONResponse(await run_in_threadpool(call, _annotator(who), *others))

        return Route(path, handle, methods=["POST"])

    routes = [
        *(Route(path, file) for path in FILES),
        get("/show", show),
        get("/hold", lambda params: desk.hold(params.get("window", "")[:64])),
        get("/earlier", lambda params: desk.earlier(_annotator(params.get("who")), params.get("words", ""))),
        get("/doubts", lambda params: desk.doubts(_annotator(params.get("who")))),
        post("/answer", desk.answer, "key", "label", "at"),
        post("/choose", desk.choose),
        post("/doubt", desk.doubt),
    ]
    return Guard(Starlette(routes=routes, exception_handlers={Refused: _refused, HTTPException: _no_such}), token, port)


def _annotator(name: str | None) -> str:
    journal.file_of(name or "")
    return name


async def _texts_of(request: Request, *names: str) -> list[str]:
    """These texts of a JSON object. Raises Refused if one is missing or is not a text."""
    try:
        given: Any = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise Refused("the request is not JSON") from None
    if not isinstance(given, dict) or any(not isinstance(given.get(name), str) for name in names):
        raise Refused(f"the request lacks a text; possible: an object with {', '.join(names)}")
    return [given[name] for name in names]


def _refused(request: Request, refusal: Exception) -> Response:
    words = str(refusal).encode(errors="backslashreplace").decode()  # JSON may hold half a character, which no reply can
    return JSONResponse({"error": words}, 409)


def _no_such(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"{request.method} {request.url.path[:60]}: {error.detail}"}, error.status_code)
