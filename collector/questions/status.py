"""The one sentence that says how everything stands."""

from __future__ import annotations

from collections.abc import Sequence

from collector.questions.causes import CauseShown
from collector.storage.causes import Counts


def sentence(counts: Counts, first: Sequence[CauseShown], violated: int, watched: int, *, heard: bool) -> str:
    """Say what to know first.

    ``first`` are some of the causes, ``watched`` counts what is expected of datasets and ``violated`` how much of that
    is not so; ``heard``: events have come.
    """
    if counts.causes:
        alone = counts.causes == 1 and first
        said = first[0].title if alone else f"{counts.causes:,} causes"
        if counts.datasets and not (alone and counts.datasets == 1 and first[0].alert.type == "dataset"):
            makes = "makes" if alone else "make"
            said = f"{said} and {makes}" if alone else f"{said} {makes}"
            said += f" {counted(counts.datasets, 'dataset')} late"
        elif not alone:
            said += " are open"
        return f"{said}{_cared_for(counts)}."
    if violated:
        return (
            f"{violated:,} of {counted(watched, 'expectation')} {'is' if violated == 1 else 'are'} not met."
        )
    if watched:
        return "The one expectation is met." if watched == 1 else f"All {watched:,} expectations are met."
    if heard:
        return "Nothing is expected of any dataset yet."
    return "No event has come yet."


def counted(number: int, noun: str) -> str:
    """Write a number with what it counts."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _cared_for(counts: Counts) -> str:
    if counts.acknowledged == counts.causes:
        return "; somebody takes care of it" if counts.causes == 1 else "; somebody takes care of each"
    parts = [
        f"{number:,} of these {word}"
        for number, word in ((counts.acknowledged, "acknowledged"), (counts.muted, "silenced"))
        if number
    ]
    return f"; {', '.join(parts)}" if parts and counts.causes > 1 else ""
