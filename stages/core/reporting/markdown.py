"""Tables in Markdown that fit a terminal, and texts in a line of it."""

from tabulate import tabulate

COLUMNS = 100  # of a terminal
CHARACTERS = 60  # of a text in a line


def quoted(texts: list[str]) -> str:
    """Some texts, shortened, in one line of Markdown."""
    return ", ".join("`{}`".format(repr(text[:CHARACTERS])[1:-1].replace("`", "'")) for text in texts)


def table(lines: list[list[str]], heads: list[str], left: int) -> str:
    """A table with its first `left` columns aligned left. One wider than COLUMNS is split, and each part repeats these columns."""

    def part_of(columns: list[int]) -> str:
        cells = [[line[i] for i in columns] for line in lines]
        sides = ["left" if i < left else "right" for i in columns]
        return tabulate(cells, [heads[i] for i in columns], tablefmt="github", disable_numparse=True, colalign=sides)

    first = list(range(left))
    parts = [first]
    for column in range(left, len(heads)):
        if len(parts[-1]) > left and len(part_of([*parts[-1], column]).splitlines()[0]) > COLUMNS:
            parts.append(first)
        parts[-1] = [*parts[-1], column]
    return "\n\n".join(map(part_of, parts))
