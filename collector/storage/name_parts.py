"""The parts of names that searches look up in an index, as SQL that both databases read alike.

Of a long name only the first ``SORT_PREFIX`` letters count: an index has no room for more, and finding the last part
takes time by the square of their number.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, text

from collector.storage.schema import SORT_PREFIX

# Constants, not parameters: the planners compare this text with the index's.
_FIRST, _LONGEST = text("1"), text(str(SORT_PREFIX))
_NONE, _DOT, _SLASH = text("''"), text("'.'"), text("'/'")


def beginning(name: ColumnElement[str]) -> ColumnElement[str]:
    """Give the first letters of a name, in lower case as the database knows it."""
    return func.lower(_cut(name))


def last_part(name: ColumnElement[str]) -> ColumnElement[str]:
    """Give what follows the last dot or slash of a name, in lower case: ``orders`` of ``shop.public.orders``."""
    cut = _cut(name)
    # Without the letters at the end that are no dot or slash.
    before = func.rtrim(cut, func.replace(func.replace(cut, _DOT, _NONE), _SLASH, _NONE))
    return func.lower(func.substr(cut, func.length(before) + _FIRST))


def _cut(name: ColumnElement[str]) -> ColumnElement[str]:
    return func.substr(name, _FIRST, _LONGEST)
