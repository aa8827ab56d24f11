"""The translator: rules and templates (what is emitted), and listings of what was emitted.

The rule and template modules and the renderer need only the standard library (the build runs them
before the extension exists); units and listings load the extension on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbt.translator.listing import Listing
    from dbt.translator.translation import Options, Translation
    from dbt.translator.unit import Entry, Exit, Item, State, TranslationUnit

__all__ = [
    "Entry",
    "Exit",
    "Item",
    "Listing",
    "Options",
    "State",
    "Translation",
    "TranslationUnit",
]

_HOMES = {
    "Entry": "unit",
    "Exit": "unit",
    "Item": "unit",
    "Listing": "listing",
    "Options": "translation",
    "State": "unit",
    "Translation": "translation",
    "TranslationUnit": "unit",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'dbt.translator' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"dbt.translator.{home}"), name)
    globals()[name] = value
    return value
