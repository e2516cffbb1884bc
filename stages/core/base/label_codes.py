"""Codes that stand in place of a class number."""

OPEN = -1  # nobody has answered yet
NO_CLASS = -2  # somebody answered that no class fits
CONFLICT = -3  # two annotators disagree
