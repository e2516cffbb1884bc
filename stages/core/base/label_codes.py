"""What stands in place of a class number where there is none."""

OPEN = -1  # nobody has answered yet
NO_CLASS = -2  # somebody has, and none can be said
CONFLICT = -3  # two people disagree
