"""The pages of the items: what was seen and decided, and what people say is right.

pages.py      the routes
asked.py      what a query asks for, as a link that can be shared
views.py      the pages: the list and one item
api.py        the same as JSON, and corrections
looks.py      the routes of pictures
rows.py       an item as a row
card.py       an item with everything that is known of it
wire.py       what went to the machine and came back, and where that is recorded
pictures.py   kept pictures, and maps drawn on them
maps.py       what to know of those maps before they are believed
shown.py      a page of the list
store.py      what all of them stand on
similar.py    items that look alike
"""
