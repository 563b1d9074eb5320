"""What the dashboard promises, measured on the running app.

device.py       the app in a process of its own, and what its board says
viewers.py      pages that poll, one of them stalled
view_figures.py twenty viewers: /livez, frame ages, labelling
page_figures.py weight of the first load, camera to screen, in Chromium
door_figures.py routes without logging in, and the fuzzer
fuzzing.py      requests out of chance over every route
"""
