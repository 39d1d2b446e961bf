"""Pages of long lists by keyset: the next page begins after the last row of this one.

Unlike with offsets, rows that come in between neither repeat a row nor hide one, and page 1,000 costs what page 1
costs as long as an index has the order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, and_, or_

T = TypeVar("T")
R = TypeVar("R")

Key = tuple[Any, ...]
"""The values, in its last row, of the columns that a list is ordered by; together they are unique."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items of a list, and where the next ones begin; ``next`` is None at the end."""

    items: list[T]
    next: Key | None = None

    def map(self, change: Callable[[T], R]) -> Page[R]:
        """Give the same page with each item changed."""
        return Page([change(item) for item in self.items], self.next)


def ordered(
    statement: Select[Any],
    order: Sequence[ColumnElement[Any]],
    after: Key | None,
    limit: int,
    *,
    newest: bool = False,
) -> Select[Any]:
    """Order ``statement`` by ``order`` (backwards if ``newest``), begin after a key, take one row over ``limit``.

    The row too many tells whether there is a next page. The first comparison, though implied by the others, is the
    one that both planners look up in an index; SQLite does not do that for a row value with an expression in it.
    """
    if after is not None:
        bound = order[0] <= after[0] if newest else order[0] >= after[0]
        statement = statement.where(bound, _beyond(order, after, newest))
    return statement.order_by(*(column.desc() if newest else column for column in order)).limit(limit + 1)


def cut(rows: Sequence[T], limit: int, key: Callable[[T], Key]) -> Page[T]:
    """Make a page of rows that a statement from ``ordered`` gave."""
    kept = list(rows[:limit])
    return Page(kept, key(kept[-1]) if len(rows) > limit else None)


def _beyond(order: Sequence[ColumnElement[Any]], key: Key, newest: bool) -> ColumnElement[bool]:
    column, *others = order
    value, *values = key
    strictly: ColumnElement[bool] = column < value if newest else column > value
    if not others:
        return strictly
    return or_(strictly, and_(column == value, _beyond(others, tuple(values), newest)))
