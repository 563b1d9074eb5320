"""The pages of the blind study.

pages.py        their routes
staff.py        make, open, close and read studies
participant.py  take part: code, consent, questions, withdrawal
results.py      what a closed study found, for its page
answering.py    what goes wrong in a study, as an answer
"""
