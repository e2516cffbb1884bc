"""Tasks for other tools: what a round asks for and nobody has answered, in tasks/, which git does not keep.

Texts stand in them in any case, since people have to read them; the files can be made again at any time.
"""

from collections import Counter
from pathlib import Path
from types import ModuleType

from stages.commands.labelling import Labelling
from stages.commands.tools.task import Task
from stages.core.base import artifacts
from stages.core.base.errors import Refused
from stages.core.rows import rounds

FOLDER = Path("tasks")


def write(tool: ModuleType, names: list[str] | None, predict: bool) -> None:
    """
    tool      one of stages/commands/tools
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
        guess = guesses(state, name) if predict else {}
        if predict and not guess:
            print(f"{name}: no model has spoken of it, so no predictions")
        rows = [Task(key, state.texts[key].text, guess.get(key)) for key in left]
        for number, (end, content) in enumerate(tool.tasks(rows, state.classes).items()):
            file = FOLDER / f"{name}.{tool.NAME}{end}"
            with artifacts.whole(file) as part:
                part.write_text(content, encoding="utf-8", newline="\n")
            print(f"{file}: {'the classes' if number else f'{len(rows):,} tasks'}")


def guesses(state: Labelling, name: str) -> dict[str, str]:
    """By key the class that the models before a round predict, that of most seeds; none where no model has spoken."""
    if name not in state.stages:
        return {}
    try:
        predicted = rounds.load_predicted(name, state.settings.seeds, len(state.key_of_row()), len(state.classes))
    except Refused:  # not made yet
        return {}
    said = {}
    for key in state.keys_of(name):
        text = state.texts[key]
        numbers = Counter(int(number) for number in predicted[:, text.row] if number != rounds.NOT_PREDICTED)
        if numbers and not text.held:
            said[key] = state.classes[numbers.most_common(1)[0][0]]
    return said
