"""DVC in this process, which calls stages instead of starting them: real DVC and real stages, without 30 times Python and imports.

As a process of its own a stage takes about 2 s, most of it imports; called, 0.1 s. What rests on processes (signals, the shell, the
door `python -m stages`) uses Project.run.
"""

import copy
import functools
import io
import json
import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from unittest import mock

import dvc.cli
import networkx
import yaml
from dvc.dvcfile import Lockfile
from dvc.logger import ColorFormatter
from dvc.output import Output
from dvc.repo import Repo
from dvc.stage.exceptions import StageCmdFailedError
from dvc.stage.serialize import to_lockfile
from dvc.utils import strictyaml
from dvc.utils.serialize import _yaml

from stages.core.base.errors import Refused
from stages.core.base.params import EXPONENT
from stages.core.settings import rules


@dataclass
class Ran:
    """What a dvc command did: stages that it ran, in order, without inputs, which always runs; its output; its exit status."""

    stages: list[str] = field(default_factory=list)
    output: str = ""
    returncode: int = 0


def dvc_in(folder: Path, *words: str) -> Ran:
    """`dvc WORDS` in the folder."""
    ran, output = Ran(), io.StringIO()
    to_output = logging.StreamHandler(output)
    to_output.setFormatter(ColorFormatter(log_colors=False))
    logger = logging.getLogger("dvc")
    with ExitStack() as stack:
        stack.enter_context(chdir(folder))
        stack.enter_context(redirect_stdout(output))
        stack.enter_context(redirect_stderr(output))
        stack.enter_context(mock.patch.dict(os.environ, DVC_TEST="1"))  # else DVC prints JSON past a stdout that is redirected
        stack.enter_context(_quick(folder))
        stack.enter_context(mock.patch("dvc.stage.run.cmd_run", functools.partial(_call, ran.stages)))
        logger.addHandler(to_output)
        stack.callback(logger.removeHandler, to_output)
        ran.returncode = dvc.cli.main(list(words))
    ran.output = output.getvalue()
    return ran


def stages_to_run(folder: Path) -> set[str]:
    """Stages that DVC finds changed, and all that follow from them.

    The stage inputs runs in every `dvc repro`, so it does here; what follows from it is told by the files that it writes.
    """
    with chdir(folder), redirect_stdout(io.StringIO()):
        import_module("stages.inputs").main()
        changed, graph = _changed_in(folder)
        looked = "collect_answers" in changed
        if looked:  # it, too, only looks: what follows is told by the files that it writes
            import_module("stages.collect_answers").main()
            changed = _changed_in(folder)[0] - {"collect_answers"}
    after = changed | {before for name in changed for before in networkx.ancestors(graph, name)}
    return after | ({"collect_answers"} if looked else set())


def _changed_in(folder: Path) -> tuple[set[str], networkx.DiGraph]:
    """Names of the stages that DVC finds changed, without inputs, and which needs which."""
    with _quick(folder), Repo(str(folder)) as repo, repo.lock:
        graph = networkx.relabel_nodes(repo.index.graph, {stage: stage.addressing for stage in repo.index.graph})
        return {stage.addressing for stage in repo.index.stages if stage.status(check_updates=True)} - {"inputs"}, graph


def _call(ran: list[str], stage, dry: bool = False, run_env: dict | None = None) -> None:
    """In place of dvc.stage.run.cmd_run: the command is `python -m stages NAME [KEY]`."""
    name, *key = stage.cmd.split()[3:]
    if name != "inputs":
        ran.append(stage.addressing)
    try:
        with chdir(stage.wdir):  # where an experiment works in a copy, another folder
            rules.check_file(name)
            import_module(f"stages.{name}").main(*key)
    except Refused as refusal:
        print(f"error: {refusal}")
        raise StageCmdFailedError(stage.cmd, 1) from None


@contextmanager
def _quick(folder: Path) -> Iterator[None]:
    """DVC parses the same YAML and hashes the same code for every stage, and writes dvc.lock after each; here it does each once.

    It writes dvc.lock by ruamel.yaml, which takes a second; PyYAML makes the same bytes of it (test_pipeline) in a fiftieth.
    """
    code, hashed, to_dump = str(folder.resolve() / "stages"), {}, {}
    build, reproduce = Output._build, Repo.reproduce

    def build_once(self, odb, path, *words, **options):
        if not str(path).startswith(code):
            return build(self, odb, path, *words, **options)
        key = path, id(odb), options.get("dry_run")
        if key not in hashed:
            hashed[key] = build(self, odb, path, *words, **options)
        return hashed[key]

    def dump_later(self, stages, **options):
        for stage in stages:
            to_dump[stage.addressing] = self, stage

    def reproduce_then_dump(self, *words, **options):
        try:
            return reproduce(self, *words, **options)
        finally:
            if to_dump:
                lockfile = next(iter(to_dump.values()))[0]
                content = lockfile.load() or {"schema": "2.0", "stages": {}}
                for _, stage in to_dump.values():
                    content["stages"].update(to_lockfile(stage))
                plain = json.loads(json.dumps(content))
                text = yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
                Path(lockfile.path).write_text(text, encoding="utf-8")
            to_dump.clear()

    with (
        mock.patch.object(_yaml, "parse_yaml", _parsed),
        mock.patch.object(strictyaml, "parse_yaml", _parsed),
        mock.patch.object(Output, "_build", build_once),
        mock.patch.object(Lockfile, "dump_stages", dump_later),
        mock.patch.object(Repo, "reproduce", reproduce_then_dump),
    ):
        yield


class _Dumper(yaml.CSafeDumper):
    """Writes 2e-05 as YAML 1.2 has it; PyYAML would write 2.0e-05."""


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", EXPONENT, list("-+0123456789"))
_Dumper.add_representer(float, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float", repr(value)))
_parse = _yaml.parse_yaml


def _parsed(text: str, path: str, typ: str = "safe"):
    return _parse(text, path, typ) if typ != "safe" else copy.deepcopy(_parsed_once(text, path))


@functools.lru_cache(maxsize=16)
def _parsed_once(text: str, path: str):
    return _parse(text, path)
