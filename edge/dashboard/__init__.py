"""The page on the local network: it shows, and asks; it never waits on the pipeline.

app.py            builds the application and its routes
guard.py          who may ask for what: hosts, origins, headers, errors
pictures.py       frames and Grad-CAM as JPEG, each encoded once
lime_pictures.py  the same of LIME, also while it is being made
shown.py          the board, and what pages may still ask of it
views.py          the routes that answer with pictures
api.py            the routes that answer with JSON
state.py          a snapshot as JSON
state_explained.py
                  its explanations
values.py         text and numbers that a page may show
static/           plain JavaScript modules and one style sheet
"""

from edge.dashboard.app import create_app

__all__ = ["create_app"]
