"""Who may use the dashboard, and what they did there; knows no web.

roles.py      what somebody may do
passwords.py  hashes of passwords, and which are too weak
store.py      the file behind all of it: access.sqlite beside the journal
users.py      people with a password
tokens.py     scripts with a token
sessions.py   who is logged in
set_up.py     the one-time token with which the first admin is made
audit.py      who changed what, append-only
attempts.py   how often somebody may guess
commands.py   `bricksight-edge users` and `tokens`
"""
