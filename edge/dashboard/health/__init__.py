"""The page of how the device does, and what monitors ask.

pages.py    its routes
views.py    the page, its state as JSON, /livez, /readyz and /metrics
state.py    timings and vitals as JSON
metrics.py  the same for Prometheus
"""
