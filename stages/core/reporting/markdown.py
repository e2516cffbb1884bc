"""Tables in Markdown that a terminal can show."""

from tabulate import tabulate

COLUMNS = 100  # of a terminal


def table(lines: list[list[str]], heads: list[str], left: int) -> str:
    """A table, the first `left` columns to the left; where it is wider than COLUMNS several, in each of which these stand again."""

    def of(columns: list[int]) -> str:
        cells = [[line[i] for i in columns] for line in lines]
        sides = ["left" if i < left else "right" for i in columns]
        return tabulate(cells, [heads[i] for i in columns], tablefmt="github", disable_numparse=True, colalign=sides)

    first = list(range(left))
    parts = [first]
    for column in range(left, len(heads)):
        if len(parts[-1]) > left and len(of([*parts[-1], column]).splitlines()[0]) > COLUMNS:
            parts.append(first)
        parts[-1] = [*parts[-1], column]
    return "\n\n".join(map(of, parts))
