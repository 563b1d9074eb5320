"""Another model made live: staged, verified, swapped by one rename, rolled back by itself.

places.py       where a device's models and the record of the live one are
settings.py     the same by its edge.toml
standing.py     which model is live, which was before, and how it does; the record on disk
evaluation.py   figures of an evaluation.json, whoever wrote it
candidates.py   the models that may be made live
trying.py       tries a model in a process of its own, as the device would run it
verifying.py    that process, seen from outside
swapper.py      swap and roll back, for the page and the command line
starting.py     what the device begins with; the roll back by itself
commands.py     bricksight-edge model

The record is `<journal>.live-model.json`. A swap writes it beside itself, brings it to the disk
and renames it: whatever happens before that rename, the old model is live; after it, the new one.
"""
