"""The page of the model: what it is, how well it does, and how another one is made live.

pages.py     its routes
views.py     what they answer
facts.py     what the bundle says of itself
figures.py   the figures of its evaluation
tables.py    each label, each group of pictures, look-alikes and all else of the evaluation
plots.py     where bars and points of the plots are
markdown.py  the model card as headings, paragraphs, lists and tables
staged.py    the models that may be made live
"""
