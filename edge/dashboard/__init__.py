"""The pages on the local network: they show, and ask; they never wait on the pipeline.

app.py    builds the application out of its pages
guard.py  what holds for every request: hosts, origins, headers, errors
hosts.py  under which names the page may be reached
access/   who may call what: logging in, users, the audit
live/     what the machine sees now, and why
items/    the journal, one item on a card, corrections
study/    the blind forced choice between two explanations
bins/     what lies in each bin, the wanted list, exports
machine/  the link, its faults, moving by hand, settings
model/    its card and figures; another model
health/   how the device does, for people and monitors
routes.py puts views at their addresses
values.py text and numbers that a page may show
static/   plain JavaScript modules and style sheets
"""

from edge.dashboard.app import create_app

__all__ = ["create_app"]
