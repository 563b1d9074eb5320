"""The page of what the machine sees now, and why.

pages.py          its routes
pictures.py       frames and Grad-CAM as JPEG, each encoded once
lime_pictures.py  the same of LIME, also while it is being made
shown.py          the board, and what pages may still ask of it
views.py          the routes that answer with pictures
api.py            the routes that answer with JSON
state.py          a snapshot as JSON
state_explained.py
                  its explanations
"""
