"""dvc.yaml, params.yaml and the code say the same: every file, every setting, no more and no less."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

import stages

ROOT = Path(__file__).parent.parent
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
STAGES = {name: stage.get("do", stage) for name, stage in PIPELINE.items()}


def tree_of(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def imported(path: str) -> set[str]:
    """Files of the project that this file imports, at the top or inside a function."""
    found = set()
    for node in ast.walk(tree_of(path)):
        names = []
        if isinstance(node, ast.ImportFrom):
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        candidates = {name.replace(".", "/") + ".py" for name in names}
        found |= {file for file in candidates if file.startswith("stages/") and (ROOT / file).is_file()}
    return found


def import_closure(path: str) -> set[str]:
    closure, todo = set(), {path}
    while todo:
        file = todo.pop()
        closure.add(file)
        todo |= imported(file) - closure
    return closure


def settings_read(path: str) -> list[str]:
    """Names that a stage passes to settings.read, with {stage} as DVC writes it."""
    [call] = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call) and ast.unparse(node.func) == "settings.read"]
    return [ast.unparse(argument).removeprefix("f").strip("'\"").replace("{stage}", "${key}") for argument in call.args]


def leaves(node: dict) -> set[str]:
    return {leaf for key, value in node.items() for leaf in ({key} | leaves(value) if isinstance(value, dict) else {key})}


def test_stage_list_is_exactly_this():
    with Repo(str(ROOT)) as repo:
        names = [stage.addressing for stage in repo.index.stages]
    assert names == [
        "inputs",
        "prepare",
        "finetune_encoder",
        "embed",
        "reduce",
        "cluster",
        "select_stage1",
        "train_stage1",
        "score_entropy@stage2",
        "score_entropy@stage3",
        "select_stageN@stage2",
        "select_stageN@stage3",
        "train_stageN@stage2",
        "train_stageN@stage3",
        "train_random@stage1",
        "train_random@stage2",
        "train_random@stage3",
        "compare_arm@entropy",
        "train_full",
        "report",
    ]


STRATEGY = "stages/core/strategies/${item}.py"
STRATEGIES = {str(file.relative_to(ROOT)) for file in (ROOT / "stages/core/strategies").glob("[!_]*.py")}


@pytest.mark.parametrize("name", STAGES)
def test_code_deps_are_the_import_closure(name):
    declared = [dep for dep in STAGES[name]["deps"] if dep.endswith(".py")]
    imports = import_closure(f"stages/{name}.py")
    if STRATEGY in declared:  # an arm runs again after a change of its own strategy, and of what any strategy may import
        imports = imports.union({STRATEGY}, *map(import_closure, STRATEGIES)) - STRATEGIES
    assert sorted(declared) == sorted(imports)


def test_strategies_do_not_import_each_other():
    for path in STRATEGIES:
        assert import_closure(path) & STRATEGIES == {path}


@pytest.mark.parametrize("name", STAGES)
def test_params_declared_are_the_params_read(name):
    read = settings_read(f"stages/{name}.py")
    assert STAGES[name].get("params") == (None if STAGES[name].get("always_changed") else read)


@pytest.mark.parametrize("name", STAGES)
def test_a_command_is_its_module_and_at_most_the_name_of_a_stage(name):
    assert re.fullmatch(rf"python -m stages\.{name}( \$\{{(key|item)\}})?", STAGES[name]["cmd"])


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_opens_with_what_it_reads_writes_and_is_set_by(name):
    docstring = ast.get_docstring(tree_of(f"stages/{name}.py"))
    assert docstring.startswith(f"{name}: ")
    assert [word for word in ("reads ", "writes ", "params ") if f"\n{word}" not in docstring] == []


@pytest.mark.parametrize("name", STAGES)
def test_what_stands_on_the_plots_page_is_made_harmless(name):
    plots = [Path(out).stem for out in STAGES[name]["outs"] if out.startswith("data/plots/")]
    calls = [node for node in ast.walk(tree_of(f"stages/{name}.py")) if isinstance(node, ast.Call)]
    written = {node.args[0].value for node in calls if ast.unparse(node.func) == "artifacts.save_plot"}
    assert written == set(plots)


def test_every_stage_file_is_a_stage():
    assert {file.stem for file in (ROOT / "stages").glob("[!_]*.py")} == set(STAGES)


def test_every_setting_is_read_somewhere():
    used = set()
    for file in (ROOT / "stages").rglob("*.py"):
        if file.name != "settings.py":
            tree = ast.parse(file.read_text(encoding="utf-8"))
            used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names = leaves({**PARAMS, "rounds": PARAMS["rounds"]["stage2"]})
    assert names - used - set(STAGES) - {"rounds"} == set()


def test_no_param_has_a_name_that_the_run_cache_ignores():
    # DVC drops keys called size or nfiles when it looks a stage up in the run-cache: a stale output would come back.
    assert leaves(PARAMS) & {"size", "nfiles"} == set()


def test_every_setting_has_a_comment():
    lines = (ROOT / "params.yaml").read_text().splitlines()
    silent = [line for line in lines if re.match(r"\s+\w+: \S", line) and "#" not in line and "after:" not in line]
    assert silent == []


def test_a_python_is_asked_for_what_every_stage_imports():
    top, of_make = set(), {ROOT / f"stages/core/{name}.py" for name in ("fetch", "overlay")}  # which knows the environment
    for file in {*(ROOT / "stages").rglob("*.py")} - of_make:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            top |= {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            top |= {node.module} if isinstance(node, ast.ImportFrom) else set()
    top = {name.split(".")[0] for name in top} - {"stages"}
    assert sorted(top - sys.stdlib_module_names) == sorted(stages.NEEDED)


UNSAFE = {
    "pickle": r"\bpickle\.|import pickle|allow_pickle\s*=\s*True|joblib",
    "remote code": r"trust_remote_code(?!=False)",
    "unsafe yaml": r"yaml\.(load|unsafe_load|full_load)\(",
    "torch.load": r"torch\.load\(",
    "eval": r"(?<![\w.])(eval|exec)\(",
    "global seed": r"np\.random\.seed\(|(?<!\w)random\.seed\(",
}


@pytest.mark.parametrize("what", UNSAFE)
def test_no_unsafe_call_in_the_code(what):
    files = [*(ROOT / "stages").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    found = [file.name for file in files if re.search(UNSAFE[what], file.read_text(encoding="utf-8"))]
    assert found == (["peers.py"] if what == "global seed" else [])  # it asks a library that takes its seed no other way


def test_every_dependency_is_pinned():
    for file in ROOT.glob("requirements*.txt"):
        lines = [line for line in file.read_text().splitlines() if line and not line.startswith(("#", "-r "))]
        assert [line for line in lines if not re.fullmatch(r"[\w.\-\[\]]+==[\w.+]+", line)] == []


def test_every_package_that_is_imported_is_a_requirement():
    at_hand = {"sklearn": "scikit_learn", "yaml": "pyyaml", "umap": "umap_learn"}
    files = ("requirements.txt", "requirements-tune.txt")
    required = {line.split("==")[0].lower().replace("-", "_") for file in files for line in (ROOT / file).read_text().splitlines()}
    for file in (ROOT / "stages").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for top in {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"stages"}:
                assert at_hand.get(top, top) in required, f"{file.name} imports {top}"
