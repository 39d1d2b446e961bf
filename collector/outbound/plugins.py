"""Senders of somebody's own: entry points of the group ``tidegate.actions``, each named after a kind of target.

Each is called as ``collector.outbound.sending.Sender`` says. It is loaded when something is first sent to a target of
its kind, once. Whatever is wrong with it is the outcome of what it was to send, and nobody else's affair; only its time
is its own: one that never comes back holds up what goes to its targets.
"""

from __future__ import annotations

import json
import threading
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Final

import structlog

from collector.outbound.sending import Context, Outcome, Parcel, Result, Sender
from triggers.rules import Target

GROUP: Final = "tidegate.actions"

log = structlog.get_logger(__name__)

_LOADING: Final = threading.Lock()


def plugin(kind: str) -> Sender | None:
    """Give the sender that is installed for a kind of targets, loaded; None if there is none."""
    with _LOADING:
        return _loaded(kind)


@cache
def _loaded(kind: str) -> Sender | None:
    for entry in entry_points(group=GROUP, name=kind):
        try:
            found = entry.load()
            if not callable(found):
                raise TypeError(f"{entry.value} cannot be called")
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            log.exception("plugin not loaded", kind=kind, entry=entry.value)
            return _broken(f"The plugin for {kind} cannot be loaded: {type(error).__name__}: {error}")
        return _careful(kind, found)
    return None


def _broken(why: str) -> Sender:
    def send(target: Target, parcel: Parcel, context: Context) -> Outcome:
        # It may be mended, and the server started anew, while there are attempts left.
        return Outcome(Result.RETRY, error=why)

    return send


def _careful(kind: str, own: Any) -> Sender:
    def send(target: Target, parcel: Parcel, context: Context) -> Outcome:
        try:
            outcome = own(target, parcel, context)
        except (SystemExit, KeyboardInterrupt) as error:
            # Neither means the server here: the signals of those who stop it arrive in another thread.
            return Outcome(
                Result.UNKNOWN,
                error=f"The plugin for {kind} wanted to end the server: {type(error).__name__}",
            )
        try:
            return _sound(outcome)
        except (AttributeError, TypeError, ValueError) as error:
            return Outcome(Result.UNKNOWN, error=f"The plugin for {kind} gave no outcome: {error}")

    return send


def _sound(outcome: Any) -> Outcome:
    """Give an outcome that can be stored; raises ``AttributeError``, ``TypeError`` or ``ValueError`` for any other."""
    answer = None if outcome.answer is None else json.loads(json.dumps(dict(outcome.answer), allow_nan=False))
    return Outcome(
        Result(outcome.result),
        None if outcome.status is None else int(outcome.status),
        None if outcome.error is None else str(outcome.error),
        None if outcome.retry_after is None else int(outcome.retry_after),
        bool(outcome.away),
        answer,
    )
