"""Tasks for labelling tools: the unanswered rows of a round, in tasks/, which git ignores.

They always hold the texts, because people must read them. The files can be written again at any time.
"""

from pathlib import Path
from types import ModuleType

from stages.core import task
from stages.core.base import artifacts
from stages.core.people.labelling import Labelling
from stages.core.people.tools.exchange import Task

FOLDER = Path("tasks")


def write(tool: ModuleType, names: list[str] | None, predict: bool) -> None:
    """
    tool      a file of stages/core/people/tools
    names     of rounds; None for all with unanswered rows
    predict   whether to add the model's guesses; the holdout gets none, because it measures the model
    """
    state = Labelling()
    for name in names or state.round_names:
        unanswered = state.open_keys(name)
        if not unanswered:
            if names:
                print(f"{name}: every row is answered, no tasks are written")
            continue
        predicted = state.predicted(name) if predict else None
        guesses = [state.guess(predicted, state.texts[key]) for key in unanswered]
        if predict and not any(guesses):
            print(f"{name}: no model has predicted these rows, so the tasks have no predictions")
        rows = [
            Task(key, state.texts[key].text, task.names(state.kind.read(guess or ""))) for key, guess in zip(unanswered, guesses)
        ]
        for number, (end, content) in enumerate(tool.tasks(rows, state.classes, state.kind.nothing).items()):
            file = FOLDER / f"{name}.{tool.NAME}{end}"
            with artifacts.whole(file) as part:
                part.write_text(content, encoding="utf-8", newline="\n")
            print(f"{file}: {'the classes' if number else f'{len(rows):,} tasks'}")
