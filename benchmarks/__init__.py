"""Our code and what users would use instead, timed in turn: `make bench`, or `make bench QUICK=1` for a reduced run.

Each module that make bench runs has `run(quick)`, which gives rows of results. `python -m benchmarks NAME ...` runs some of them.
"""
