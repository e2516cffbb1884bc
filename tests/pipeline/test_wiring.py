"""dvc.yaml, params.yaml and the code say the same: every file, every setting, no more and no less."""

import ast
import functools
import itertools
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo
from dvc.utils.serialize import modify_yaml

ROOT = Path(__file__).parent.parent.parent
PIPELINE = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
PARAMS = yaml.safe_load((ROOT / "params.yaml").read_text())
STAGES = {name: stage.get("do", stage) for name, stage in PIPELINE.items()}


def file_of(name: str) -> str:
    """One file serves train_stage1 and train_stageN."""
    return f"stages/{'train_stageN' if name == 'train_stage1' else name}.py"


def tree_of(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def files_of(name: str) -> set[str]:
    """The file of a module, if it is one of the project, and the __init__.py of every package that it lies in."""
    parts = name.split(".")
    packages = ["/".join([*parts[:depth], "__init__.py"]) for depth in range(1, len(parts) + 1)]
    return {file for file in (*packages, "/".join(parts) + ".py") if (ROOT / file).is_file()} if parts[0] == "stages" else set()


@functools.cache
def imported(path: str) -> frozenset[str]:
    """Files of the project that this file imports, at the top or inside a function."""
    names = []
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return frozenset(file for name in names for file in files_of(name))


def import_closure(path: str) -> set[str]:
    closure, todo = set(), {path}
    while todo:
        file = todo.pop()
        closure.add(file)
        todo |= imported(file) - closure
    return closure


def code_deps(name: str) -> dict[str, set[str]]:
    """What a stage declares of the code, with the files that it stands for: a folder for all in it, a choice for every one."""
    declared = [dep for dep in STAGES[name]["deps"] if dep.startswith("stages/")]
    patterns = {dep: re.sub(r"\$\{[^}]*\}", "[!_]*", dep) if dep.endswith(".py") else f"{dep}/**/*.py" for dep in declared}
    return {dep: {str(file.relative_to(ROOT)) for file in ROOT.glob(pattern)} for dep, pattern in patterns.items()}


def outs_of(name: str) -> list[str]:
    outs = [*STAGES[name]["outs"], *STAGES[name].get("metrics", [])]
    return [out if isinstance(out, str) else next(iter(out)) for out in outs]


def settings_read(path: str) -> list[str]:
    """Names that a stage passes to params.read, with {stage} as DVC writes it."""
    [call] = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call) and ast.unparse(node.func) == "params.read"]
    return [ast.unparse(argument).removeprefix("f").strip("'\"").replace("{stage}", "${key}") for argument in call.args]


def leaves(node: dict) -> set[str]:
    return {leaf for key, value in node.items() for leaf in ({key} | leaves(value) if isinstance(value, dict) else {key})}


def test_stage_list_is_exactly_this():
    with Repo(str(ROOT)) as repo:
        names = [stage.addressing for stage in repo.index.stages]
    assert names == [
        "inputs",
        "prepare",
        "collect_answers",
        "finetune_encoder",
        "embed",
        "name_classes",
        "map",
        "reduce",
        "cluster",
        "select_stage1",
        "buy_labels@stage1",
        "buy_labels@stage2",
        "buy_labels@stage3",
        "train_stage1",
        "score_entropy@stage2",
        "score_entropy@stage3",
        "select_stageN@stage2",
        "select_stageN@stage3",
        "train_stageN@stage2",
        "train_stageN@stage3",
        "summarise_scores@stage2",
        "summarise_scores@stage3",
        "train_random@stage1",
        "train_random@stage2",
        "train_random@stage3",
        "compare_arm@entropy",
        "train_final@bucketed",
        "train_final@random",
        "train_full",
        "calibrate",
        "report",
    ]


def test_dvc_yaml_is_short_enough_for_a_table_of_contents():
    assert len((ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines()) <= 212


# Imported with every stage: how a process starts and ends, which changes no number.
START = {"stages/__init__.py", "stages/core/__init__.py", "stages/core/people/__init__.py"}
# Rooms in which every file is one choice of a setting.
CHOICES = {
    room: {str(file.relative_to(ROOT)) for file in (ROOT / "stages/core" / room).glob("[!_]*.py")}
    for room in ("learners", "strategies")
}


@pytest.mark.parametrize("name", STAGES)
def test_code_deps_hold_the_import_closure_and_nothing_beside_it(name):
    declared = code_deps(name)
    choices = {file for dep, files in declared.items() if "${" in dep or Path(dep).name in CHOICES for file in files}
    imports = set().union(*map(import_closure, {file_of(name)} | choices)) - START
    assert imports - set().union(*declared.values()) == set()
    assert [dep for dep, files in declared.items() if not files & imports] == []


CHOSEN_BY = {
    "train": "stages/core/learners/${train.trainer}.py",
    "score_entropy": "stages/core/strategies/${score_entropy.score}.py",
    "select_stage1": "stages/core/strategies/${select_stage1.pick}.py",
    "select_stageN": "stages/core/strategies/${select_stageN.by}.py",
}


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_that_is_set_by_a_choice_depends_on_the_file_of_that_choice(name):
    expected = [dep for setting, dep in CHOSEN_BY.items() if setting in STAGES[name].get("params", [])]
    expected += ["stages/core/strategies/${item}.py"] if name == "compare_arm" else []
    if name == "report":  # it shows what was chosen, and uses none of it
        expected = []
    if name in (
        "train_final",
        "train_full",
        "calibrate",
    ):  # its learner may be none, which is no file, or that of either: it depends on all
        expected = []
        assert "stages/core/learners" in STAGES[name]["deps"]
    assert [dep for dep in STAGES[name]["deps"] if "${" in dep and dep.startswith("stages/")] == expected
    for room in {Path(dep).parent for dep in expected}:
        assert f"{room}/__init__.py" in STAGES[name]["deps"]


@pytest.mark.parametrize("room", CHOICES)
def test_choices_do_not_import_each_other(room):
    assert len(CHOICES[room]) > 2
    for path in CHOICES[room]:
        assert import_closure(path) & CHOICES[room] == {path}


def test_packages_that_no_stage_depends_on_by_name_are_empty():
    packages = {str(file.relative_to(ROOT)) for file in (ROOT / "stages").rglob("__init__.py")}
    full = {path for path in packages if (ROOT / path).read_text(encoding="utf-8").strip()}
    rooms = {f"stages/core/{room}/__init__.py" for room in ("learners", "strategies", "task")}  # the last by its folder
    assert full == {"stages/__init__.py"} | rooms


def test_every_file_that_a_stage_reads_is_written_by_a_stage():
    with Repo(str(ROOT)) as repo:
        outs = {out.fs_path for out in repo.index.outs}
        deps = {dep.fs_path for dep in repo.index.deps if Path(dep.fs_path).is_relative_to(ROOT / "data")}
    results = ROOT / "data/results"  # the folders of all arms, and of one, each of whose stages is an out
    asked = {str(ROOT / f"data/asked/{name}.npy") for name in ("stage1", "stage2", "stage3", "random", "prelabelled")}
    parts = {str(results), str(results / "bucketed"), str(results / "random"), str(ROOT / "data/map")} | asked
    assert deps - outs == parts  # of outs, or folders of some
    assert len([out for out in outs if Path(out).is_relative_to(results)]) == 11


@pytest.mark.parametrize("name", STAGES)
def test_params_declared_are_the_params_read(name):
    assert STAGES[name]["params"] == settings_read(file_of(name))


def test_the_rooms_read_no_params_but_those_of_the_machine_which_nobody_declares():
    declared = {param for stage in STAGES.values() for param in stage["params"]}
    assert [param for param in declared if param.split(".")[0] == "machine"] == []
    asked, rooms = set(), (ROOT / "stages/core/settings", ROOT / "stages/core/people")
    beside_the_stages = {file for room in rooms for file in room.rglob("*.py") if file.parent.name != "records"}
    for file in [file for file in (ROOT / "stages/core").rglob("*.py") if file not in beside_the_stages]:
        calls = [node for node in ast.walk(tree_of(str(file.relative_to(ROOT)))) if isinstance(node, ast.Call)]
        asked |= {(file.stem, ast.unparse(call.func)) for call in calls if ast.unparse(call.func).startswith("params.")}
    assert {function for _, function in asked} - {"params.Section"} == {"params.machine"}  # a section may come from another file


@pytest.mark.parametrize("name", STAGES)
def test_a_command_is_its_module_and_at_most_the_name_of_a_stage(name):
    word = Path(file_of(name)).stem
    assert re.fullmatch(rf"python -m stages {word}( stage1| \$\{{(key|item)\}})?", STAGES[name]["cmd"])


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_opens_with_what_it_reads_writes_and_is_set_by(name):
    docstring = ast.get_docstring(tree_of(file_of(name)))
    assert docstring.startswith(f"{Path(file_of(name)).stem}: ")
    assert [word for word in ("reads ", "writes ", "params ") if f"\n{word}" not in docstring] == []
    said = re.sub(r"\s*\([^)]*\)", "", docstring.split("\nparams ")[1].split("\n\n")[0])
    assert said.split() == ", ".join(STAGES[name]["params"]).replace("${key}", "STAGE").split()


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_names_every_file_and_folder_of_data_that_it_reads_and_writes(name):
    reads, writes = ast.get_docstring(tree_of(file_of(name))).split("\nreads ")[1].split("\nwrites ")
    item = "ARM" if name in ("compare_arm", "train_final") else "STAGE"
    first = "STAGE" if name == "train_stage1" else "stage1"
    for paths, said in (([dep for dep in STAGES[name]["deps"] if dep.startswith("data/")], reads), (outs_of(name), writes)):
        written = [path.replace("${item.after}", "AFTER").replace("${key}", "STAGE").replace("${item}", item) for path in paths]
        written = [path.replace("stage1", first) for path in written]
        assert [path for path in written if path not in said] == []


@pytest.mark.parametrize("name", STAGES)
def test_what_stands_on_the_plots_page_is_made_harmless(name):
    plots = [Path(out).stem for out in outs_of(name) if out.startswith("data/plots/")]
    calls = [node for node in ast.walk(tree_of(file_of(name))) if isinstance(node, ast.Call)]
    written = {node.args[0].value for node in calls if ast.unparse(node.func) == "artifacts.save_plot"}
    assert written == set(plots)


def test_every_stage_file_is_a_stage():
    assert {f"stages/{file.name}" for file in (ROOT / "stages").glob("[!_]*.py")} == set(map(file_of, STAGES))


def test_no_stage_but_embed_loads_what_takes_seconds_before_it_needs_it():
    """torch takes two seconds of a stage that encodes nothing, scikit-learn three; a change of m runs eleven stages."""
    light = [f"stages.{file.stem}" for file in (ROOT / "stages").glob("*.py") if file.stem not in ("__init__", "__main__", "embed")]
    script = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script, *light], cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(light) > 15
    assert {"torch", "transformers", "sklearn", "scipy", "umap"} & set(done.stdout.split()) == set()


def test_every_setting_is_read_somewhere():
    used = set()
    for file in (ROOT / "stages").rglob("*.py"):
        if file.name != "settings.py":
            tree = ast.parse(file.read_text(encoding="utf-8"))
            used |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
            used |= {"from" for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value == "labels.from"}
    names = leaves({**PARAMS, "rounds": PARAMS["rounds"]["stage2"]})
    assert names - used - set(STAGES) - {"rounds"} == set()


def test_no_param_has_a_name_that_the_run_cache_ignores():
    # DVC drops keys called size or nfiles when it looks a stage up in the run-cache: a stale output would come back.
    assert leaves(PARAMS) & {"size", "nfiles"} == set()


def test_every_setting_has_a_comment():
    lines = (ROOT / "params.yaml").read_text().splitlines()
    settings = [
        (above, line) for above, line in itertools.pairwise(lines) if re.match(r"\s+\w+: \S", line) and "after:" not in line
    ]
    assert [line for above, line in settings if "#" not in line and not above.lstrip().startswith("#")] == []
    assert len(settings) > 80


SEVERAL = (
    "seeds prepare.splits prepare.missing_labels labels.classes labels.rename finetune_encoder.score_range embed.layers stages"
)
SEVERAL += " rounds train_final.arms random_at arms"


@pytest.mark.slow
@pytest.mark.parametrize("name", SEVERAL.split())
def test_dvc_exp_run_can_empty_and_fill_every_list(tmp_path, monkeypatch, name):
    """With a comment beside a list, DVC's writer leaves a file that no one can read."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    expected = yaml.safe_load(Path("params.yaml").read_text())
    *sections, last = name.split(".")
    for value in ([], ["a"], ["a", "b" * 90], {}, {"a": "b"}, [], "auto", ["a"], []):
        with modify_yaml("params.yaml") as content:
            for where in (content, expected):
                functools.reduce(dict.__getitem__, sections, where)[last] = value
        assert yaml.safe_load(Path("params.yaml").read_text()) == expected


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
    files = [f"requirements{name}.txt" for name in ("", "-tune", "-excel", "-label", "-ray")]
    required = {line.split("==")[0].lower().replace("-", "_") for file in files for line in (ROOT / file).read_text().splitlines()}
    for file in (ROOT / "stages").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for top in {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"stages"}:
                assert at_hand.get(top, top) in required, f"{file.name} imports {top}"
