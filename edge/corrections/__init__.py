"""What people said is right where the model was asked: kept for good, and a data set to train on.

corrections.py   what was said, append-only, beside the journal
correction.py    one thing that somebody said
database.py      the file
pictures.py      the pictures it speaks of, which outlive the journal's
likeness.py      whether two pictures are nearly the same
groups.py        near-duplicates, which must not be on two sides of a split
export.py        a data set in the trainer's format
commands.py      bricksight-edge corrections
"""
