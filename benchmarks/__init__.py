"""Our code beside what a user would use in its place, timed in turn: `make bench`, or `make bench QUICK=1` for a reduced run.

Every module here has `run(quick)`, which gives rows of results; `python -m benchmarks NAME ...` runs some, without names all.
"""
