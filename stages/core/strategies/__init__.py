"""Ways to choose the rows to label, one file each: the arm NAME of params.yaml is NAME.py here.

A strategy is one pure function `pick(known, wanted, rng)`:

    known    what is known about the pool (stages/core/known.py)
    wanted   number of rows, at least 1 and fewer than are open
    rng      numpy Generator, the only source of chance

It returns int64 [wanted], open rows of pool.jsonl, none twice; compare_arm refuses anything else. A strategy that asks for
a model at the first stage, where there is none, starts from the rows that the random arm draws for the same seed; at any
other it is refused. One that chooses by labels nobody paid for says USES_POOL_LABELS = True; it takes each stage's budget
afresh and is given no model, and the report sets it apart. A file that is added here runs no other stage and no other arm.
"""
