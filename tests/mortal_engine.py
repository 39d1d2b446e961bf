"""An engine in a process of its own, which dies of SIGKILL at a write of its choice.

``python -m tests.mortal_engine DATABASE_URL before|after|never NUMBER``
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Any

from collector.engine import looking
from collector.engine.runner import Engine
from collector.storage.engine import Database
from collector.storage.leases import holder

DAY = 86_400_000_000


def main(url: str, moment: str, number: int) -> None:
    """Run; the ``number``-th round that writes is the last, before or after it is committed."""
    left = number

    def die(*_: Any) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    def dying(done: Any) -> Any:
        def do(*given: Any) -> Any:
            found = done(*given)
            die()
            return found

        return do

    engine: Any = Engine(Database(url), holder=holder(), settle=0, lag=DAY, keep=30 * DAY)
    if moment == "before":
        looking.write = dying(looking.write)
    if moment == "after":
        engine._take_over = dying(engine._take_over)
    engine.run(threading.Event())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
