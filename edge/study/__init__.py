"""The blind forced choice: which of two explanations do people trust more?

plan.py           what a study asks
files.py          files of studies: read with clear errors, written whole
codes.py          codes that people type, and ids
design.py         who sees what, in which order, on which side
said.py           what is known of its people, and what they said
answers.py        that, in a database for each study, safe for many threads
answers_file.py   the file behind it
conducting.py     one participant and their next question
study.py          one study that was made
studies.py        all of them, and what may be done with one
sources.py        where pictures come from: a journal, or a folder
drawing.py        how both explanations are drawn, so that only the maps differ
making.py         pictures -> Grad-CAM and LIME, in a process of its own
progress.py       how far that is, as a file
child.py          that process, seen from outside
file.py           a whole study, plan and answers, as one JSON file
rows.py           answers as rows, and as tidy CSV
paper.py          the source paper's own answers
exact.py          exact tests: sign-flip by person, binomial
intervals.py      Wilson and Clopper-Pearson; intraclass correlation and design effect
analysis.py       what the answers say
sentences.py      the same in words
report.py         the same on the terminal
commands.py       bricksight-edge study ...
"""
