"""Tasks for other tools: what a round asks for and nobody has answered, in tasks/, which git does not keep.

Texts stand in them in any case, since people have to read them; the files can be made again at any time.
"""

from pathlib import Path
from types import ModuleType

from stages.core.base import artifacts
from stages.core.people.labelling import Labelling
from stages.core.people.tools.task import Task

FOLDER = Path("tasks")


def write(tool: ModuleType, names: list[str] | None, predict: bool) -> None:
    """
    tool      one of stages/core/people/tools
    names     of rounds; None for all that wait for an answer
    predict   whether the model's guesses go with them; rows of the holdout have none, since they measure the model
    """
    state = Labelling()
    for name in names or state.names:
        left = state.open_keys(name)
        if not left:
            if names:
                print(f"{name}: all that was asked for is answered, no tasks are written")
            continue
        predicted = state.predicted(name) if predict else None
        guesses = [state.guess(predicted, state.texts[key]) for key in left]
        if predict and not any(guesses):
            print(f"{name}: no model has spoken of it, so no predictions")
        rows = [Task(key, state.texts[key].text, guess) for key, guess in zip(left, guesses)]
        for number, (end, content) in enumerate(tool.tasks(rows, state.classes).items()):
            file = FOLDER / f"{name}.{tool.NAME}{end}"
            with artifacts.whole(file) as part:
                part.write_text(content, encoding="utf-8", newline="\n")
            print(f"{file}: {'the classes' if number else f'{len(rows):,} tasks'}")
