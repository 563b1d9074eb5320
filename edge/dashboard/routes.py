"""Puts views at their addresses."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint

Views = Mapping[str, Callable[..., Any]]
"""Each view by its address."""


def add_looks(pages: Blueprint, views: Views) -> None:
    """Views that only show something, each under its own name."""
    _add(pages, views, "GET")


def add_acts(pages: Blueprint, views: Views) -> None:
    """Views that change something, each under its own name."""
    _add(pages, views, "POST")


def _add(pages: Blueprint, views: Views, method: str) -> None:
    for address, view in views.items():
        pages.add_url_rule(address, view_func=view, methods=[method])
