"""How the document of a trigger becomes a drawing, an evaluation tree, a table of joins, and a chart of a replay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from collector.questions.trigger_sentences import HIDDEN, leaves
from collector.times import now_us
from collector.web import trigger_words
from collector.web.drawing.joins import Box, Fork, JoinDrawing, drawn
from collector.web.drawing.replay_chart import Chart, Happened, chart
from collector.web.rendering import count, dataset_url
from lineage.instants import parse_instant
from triggers.zones import local, zone

Document = Mapping[str, Any]

HOLDS: Final = 3
"""That are drawn; the text beside has them all."""

ACTIONS: Final = 6

NEAR: Final = 120_000_000
"""µs between what a replay fires and what was fired that are taken for the same: decisions lag behind."""

MINUTE: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """One condition of an evaluation: a glyph (``✓ ✗ – ?``) and what it says, the words, and the parts of it."""

    glyph: str
    said: str
    words: str
    open: bool
    leaf: Document | None = None
    standing: Document | None = None
    parts: list[Line] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Compared:
    """A firing of a replay beside the one that was recorded; one of the two may be None."""

    would: Document | None
    did: Document | None

    @property
    def at(self) -> int:
        return parse_instant((self.would or self.did or {})["at"])[0]


def by_input(trigger: Document) -> dict[str, Document]:
    """Give how the inputs of a trigger stand, by their ids, as far as these may be seen."""
    return {each["input"]: each for each in trigger["standings"] if each["input"] is not None}


def clock(text: str, timezone: str) -> str:
    """Write an instant by the clock of a trigger: the time, and the day if that is not today's."""
    own = zone(timezone)
    at, now = local(parse_instant(text)[0], own), local(now_us(), own)
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%d %b %H:%M}"


# --- the drawing ---------------------------------------------------------------------------------------------------


def join_drawing(trigger: Document, join: Document | None) -> JoinDrawing:
    """Draw what a trigger waits for, for the join that is looked at; what it does, only for those who may see that."""
    tree = trigger["evaluation"] if join is None else join["evaluation"] or trigger["evaluation"]
    standings, inputs = by_input(trigger), {each["id"]: each for each in trigger.get("inputs", ())}
    holds = [] if join is None else join["holds"]
    return drawn(
        _fork(tree, trigger, standings, inputs),
        [_hold(each, trigger["timezone"]) for each in holds[:HOLDS]],
        _actions(trigger),
    )


def _fork(tree: Document, trigger: Document, standings: Document, inputs: Document) -> Fork:
    parts: list[Box | Fork] = [
        _fork(each, trigger, standings, inputs)
        if "of" in each
        else _input(each, trigger["timezone"], standings.get(each["input"]), inputs.get(each["input"]))
        for each in tree["of"]
    ]
    return Fork(tree["at_least"], tuple(parts), tree["met"])


def state_of(leaf: Document, standing: Document | None) -> str:
    """Give how an input of an evaluation stands; ``standing`` says of a missing one why."""
    if leaf["met"]:
        return "arrived"
    if "gate" in leaf and leaf["gate"] is not None:
        return "blocked" if leaf["gate"] == "failed" else "checking"
    known = standing["state"] if standing is not None else "waiting"
    return known if known in ("failed", "late") else "waiting"


def _input(leaf: Document, timezone: str, standing: Document | None, known: Document | None) -> Box:
    state, latest = state_of(leaf, standing), leaf.get("latest")
    name = leaf["input"] or HIDDEN
    datasets = known["datasets"] if known is not None else []
    href = None
    if latest is not None:
        href = dataset_url(latest["dataset"])
    elif len(datasets) == 1:
        href = dataset_url(datasets[0])
    title = " ".join(filter(None, (name, *(f"{each['namespace']} {each['name']}" for each in datasets[:1]))))
    note = _note(leaf, state, timezone, standing)
    if leaf["optional"]:
        note = f"optional, {note}"
    return Box(name, note, state, leaf["optional"], href, f"{title}: {note}")


def _note(leaf: Document, state: str, timezone: str, standing: Document | None) -> str:
    latest = leaf.get("latest")
    came = "" if latest is None else clock(latest["received_at"], timezone)
    if state == "arrived":
        rows = "" if latest is None or latest["rows"] is None else f", {count(latest['rows'])} rows"
        return f"arrived {came}{rows}"
    if state in ("blocked", "checking"):
        return f"came {came}, {leaf['missing'] or 'held back by its gate'}"
    if latest is not None:
        return f"came {came}, {leaf['missing'] or 'something'} missing"
    said = {"failed": "its run failed", "late": "late"}.get(state)
    return ", ".join(filter(None, (said, expected(standing, timezone)))) or "has not arrived"


def expected(standing: Document | None, timezone: str) -> str:
    """Say when an input is expected, and how sure that is: ``expected 08:20 ±5 min``."""
    if standing is None or standing["expected_at"] is None:
        return ""
    text = f"expected {clock(standing['expected_at'], timezone)}"
    if standing["expected_from"] is None or standing["expected_until"] is None:
        return text
    begin, end = (parse_instant(standing[name])[0] for name in ("expected_from", "expected_until"))
    return f"{text} ±{max(1, round((end - begin) / 2 / MINUTE))} min"


def _hold(held: Document, timezone: str) -> Box:
    until = "until something happens" if held["until"] is None else f"until {clock(held['until'], timezone)}"
    text = trigger_words.hold(held)
    return Box(held["by"].replace("_", " "), until, "held", title=f"{text}, {until}")


def _actions(trigger: Document) -> list[Box]:
    definition = trigger["definition"]
    if definition is None:
        return [Box("what it does", "you may not see it")]
    bodies = definition.get("do", [])
    if not bodies:
        return [Box("nothing", "the firing is only recorded")]
    boxes = [Box(*trigger_words.action(each), title=" ".join(trigger_words.action(each))) for each in bodies]
    if len(boxes) > ACTIONS:
        boxes[ACTIONS - 1 :] = [Box(f"and {len(boxes) - ACTIONS + 1} more")]
    return boxes


# --- the evaluation ------------------------------------------------------------------------------------------------


def evaluation_tree(tree: Document, standings: Document) -> Line:
    """Give an evaluation for reading; what decided it is open."""
    return _line(tree, standings, needed=True)


def _line(tree: Document, standings: Document, *, needed: bool) -> Line:
    met = tree["met"]
    if "of" not in tree:
        standing = standings.get(tree["input"])
        glyph, said = _glyph(tree, needed=needed)
        return Line(glyph, said, tree["input"] or HIDDEN, open=False, leaf=tree, standing=standing)
    parts = [_line(each, standings, needed=not met) for each in tree["of"]]
    required = [each for each in tree["of"] if not each.get("optional")]
    there = sum(each["met"] for each in required)
    number = tree["at_least"]
    words = "all" if number == len(required) else "any" if number == 1 else f"{number}"
    glyph, said = ("✓", "met") if met else ("✗", "not met") if needed else ("–", "not needed")
    return Line(
        glyph, said, f"{words} of {len(required)}: {there} {'is' if there == 1 else 'are'} there",
        open=needed or not met, parts=parts,
    )  # fmt: skip


def _glyph(leaf: Document, *, needed: bool) -> tuple[str, str]:
    if leaf["met"]:
        return "✓", "met"
    if leaf.get("hidden") or leaf.get("gate") == "awaited":
        return "?", "not known yet"
    return ("✗", "not met") if needed and not leaf["optional"] else ("–", "not needed")


# --- joins by key --------------------------------------------------------------------------------------------------


def cells_of(join: Document, standings: Document) -> list[tuple[str, Document]]:
    """Give the state of each input of a join, with what the evaluation says of it."""
    if join["evaluation"] is None:
        return []
    return [(state_of(leaf, standings.get(leaf["input"])), leaf) for leaf in leaves(join["evaluation"])]


# --- the replay ----------------------------------------------------------------------------------------------------


def compared(replay: Document) -> list[Compared]:
    """Put the firings of a replay beside those that were recorded, by key and time, in order."""
    left = sorted(replay["recorded"], key=lambda each: each["at"])
    found = []
    for would in replay["firings"]:
        at = parse_instant(would["at"])[0]
        same = next(
            (
                each
                for each in left
                if each["key"] == would["key"] and abs(parse_instant(each["at"])[0] - at) <= NEAR
            ),
            None,
        )
        if same is not None:
            left.remove(same)
        found.append(Compared(would, same))
    found += [Compared(None, each) for each in left]
    return sorted(found, key=lambda each: each.at)


def replay_chart(trigger: Document, replay: Document, pairs: Sequence[Compared]) -> Chart:
    """Draw a replay: what came for each input, when the trigger would have fired, and when it did."""
    timezone = trigger["timezone"]
    came: dict[str, list[Happened]] = {
        each["input"]: [] for each in trigger["standings"] if each["input"] is not None
    }
    for each in replay["arrivals"]:
        update = each["update"]
        title = f"{update['dataset']['name']} {clock(update['received_at'], timezone)}"
        came.setdefault(each["input"], []).append(Happened(parse_instant(update["received_at"])[0], title))
    since, until = (parse_instant(replay[name])[0] for name in ("since", "until"))
    rows = [
        ("would fire", list(_fired(pairs, "would", timezone))),
        ("did fire", list(_fired(pairs, "did", timezone))),
    ]
    return chart(since, until, timezone, list(came.items()), rows)


def _fired(pairs: Sequence[Compared], which: str, timezone: str) -> Iterator[Happened]:
    for each in pairs:
        firing = getattr(each, which)
        if firing is None:
            continue
        kind = "same" if each.would is not None and each.did is not None else "only"
        if firing["cause"] == "manual":
            kind = "hand"
        key = f"{firing['key']} " if firing["key"] else ""
        yield Happened(parse_instant(firing["at"])[0], f"{key}{clock(firing['at'], timezone)}", kind)
