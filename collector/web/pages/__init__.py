"""The pages: each module with a ``blueprint`` is a group of them."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from collector.web.entry import Page

_MODULES = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]

PAGES: Final[tuple[Page, ...]] = tuple(
    module.blueprint for module in _MODULES if hasattr(module, "blueprint")
)
"""All of them."""
