"""Events out of their minds; ``tests.acceptance.fuzz`` by itself sends more of them."""

from __future__ import annotations

import random

from tests.acceptance.fuzz import Fuzz, look_around
from tests.acceptance.server import running

EVENTS = 500
"""On each database."""


def test_whatever_comes_the_server_answers_and_goes_on(database_url: str) -> None:
    seed = random.randrange(2**32)
    with running(database_url) as server:
        fuzz = Fuzz(server.port, seed, events=EVENTS)
        fuzz.run()
        assert fuzz.failures == [], seed
        assert fuzz.sent >= EVENTS
        server.await_projected()
        shown = look_around(server, seed)
        assert shown["/parked"] == 0, seed
        assert shown["/events"] > 100
        assert shown["/rejected"] > 20
