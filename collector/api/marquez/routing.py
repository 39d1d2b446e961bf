"""The table of routes: each module of the API declares its own, ``dispatch`` looks for the one that a path means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, TypeVar

from collector.api.marquez.paths import Names, Pattern
from collector.auth import OPERATE, READ

V = TypeVar("V", bound=Callable[..., object])

MAX_READINGS = 1000
"""Ways to read one decoded path that are looked up; real names leave one to three."""


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path. ``view`` takes the path's parameters by name, and gives a ``Response`` or what is to be
    written as JSON.
    """

    method: str
    pattern: Pattern
    scope: str
    view: Callable[..., object]


class Reading(NamedTuple):
    """What a path may mean."""

    route: Route
    names: Names


class Routes:
    """The routes of a part of the API; paths begin after ``/api/v1``."""

    def __init__(self) -> None:
        self.all: list[Route] = []

    def get(self, path: str) -> Callable[[V], V]:
        """Declare a view that reads; it answers HEAD too."""
        return self._declare("GET", path, READ)

    def put(self, path: str, scope: str = OPERATE) -> Callable[[V], V]:
        """Declare a view that writes; callers need ``scope``."""
        return self._declare("PUT", path, scope)

    def post(self, path: str, scope: str = OPERATE) -> Callable[[V], V]:
        """Declare a view that writes; callers need ``scope``."""
        return self._declare("POST", path, scope)

    def delete(self, path: str, scope: str = OPERATE) -> Callable[[V], V]:
        """Declare a view that takes something away; callers need ``scope``."""
        return self._declare("DELETE", path, scope)

    def _declare(self, method: str, path: str, scope: str) -> Callable[[V], V]:
        def declare(view: V) -> V:
            self.all.append(Route(method, Pattern.of(path), scope, view))
            return view

        return declare


class Table:
    """All routes."""

    def __init__(self, parts: Iterable[Routes]) -> None:
        self._routes = [route for part in parts for route in part.all]

    def matches(self, segments: Sequence[str]) -> list[Reading]:
        """Give what a path means, read as it was sent: one reading for each method, with the most literals."""
        found = [
            Reading(route, names)
            for route in self._routes
            if (names := route.pattern.match(segments)) is not None
        ]
        best = max((reading.route.pattern.literals for reading in found), default=0)
        return [reading for reading in found if reading.route.pattern.literals == best]

    def readings(self, paths: Iterable[Sequence[str]]) -> list[Reading]:
        """Give all that a decoded path may mean; ``paths`` are its segments, if there are several ways to see them.

        In the order in which they are to be believed if nothing of them is known: longer routes first, as few names
        hold the words of a path; then those whose first names are short.
        """
        found = list(islice(self._readings(paths), MAX_READINGS))
        return sorted(found, key=lambda reading: -reading.route.pattern.literals)

    def _readings(self, paths: Iterable[Sequence[str]]) -> Iterator[Reading]:
        for segments in paths:
            for route in self._routes:
                for names in route.pattern.cuts(segments):
                    yield Reading(route, names)
