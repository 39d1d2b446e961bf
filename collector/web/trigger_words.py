"""What a trigger is and how it stands, in words, from the document that the API gives of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from collector.api.documents import write_document
from collector.questions.trigger_sentences import HIDDEN, HOLDS, leaves, wanted
from collector.web.drawing.labels import shown

Document = Mapping[str, Any]

NAMED: Final = 3
"""Inputs that a sentence names."""

MOST: Final = 8
"""Parts of a condition that are named in words."""

SAYS_WHAT: Final = ("deployment", "dag", "asset", "job", "job_id", "title", "text")
"""Options of actions that say best what is started, or told."""

MODES: Final = {
    "latched": "each input once since it fired last",
    "window": "all inputs close to each other in time",
    "epoch": "all inputs since the last tick of a schedule",
    "partition": "all inputs of the same partition",
    "level": "any input, while all are as they should be",
}

THEN: Final = {
    "alert": "people are told what is missing",
    "fire_partial": "it fires with what is there",
    "drop": "what has come is given up",
}

CAUSES: Final = {
    "data": "all that it waits for was there",
    "deadline": "its deadline passed, and it fires with what is there",
    "manual": "somebody fired it by hand",
}


def headline(trigger: Document, join: Document | None) -> str | None:
    """Say why a trigger has not fired, of the join that is looked at; None if there is nothing to wait for yet."""
    said = []
    if trigger["broken_at"] is not None:
        said.append("it fired too often, and waits to be resumed")
    if trigger["paused_at"] is not None:
        said.append("it is paused")
    if join is not None and join["evaluation"] is not None:
        said += [hold(each) for each in join["holds"] if each["by"] not in ("paused", "breaker")]
        said += [] if join["holds"] else _missing(join)
    return f"Not fired because {'; '.join(said)}." if said else None


def _missing(join: Document) -> Iterator[str]:
    tree = join["evaluation"]
    told = [leaf for leaf in leaves(tree) if not leaf["optional"]]
    missing = [leaf for leaf in told if not leaf["met"]]
    if join["state"] == "blocked":
        for leaf in missing:
            if leaf.get("gate") == "failed":
                yield f"{name_of(leaf)} came, but {leaf['missing'] or 'does not pass its gate'}"
    elif join["state"] == "waiting" and missing:
        if any("of" in each for each in tree["of"]) or tree["at_least"] < len(told):
            yield f"it waits for {wanted(tree)}"
        else:
            yield f"{_named(missing)} not arrived ({len(missing)} of {len(told)} missing)"


def hold(held: Document) -> str:
    """Say what holds a join back; until when is told beside."""
    return str(held["text"] or HOLDS.get(held["by"], held["by"]))


def name_of(leaf: Document) -> str:
    """Name an input of an evaluation, as far as it may be seen."""
    return str(leaf["input"] or HIDDEN)


def action(body: Document) -> tuple[str, str]:
    """Name an action of a rule, and say what is started or told."""
    verb = "start" if "start" in body else "notify"
    what = next((body[name] for name in SAYS_WHAT if name in body), "")
    if isinstance(what, Mapping):
        what = what.get("name", "")
    after = f"after {body['after']}" if "after" in body else ""
    return f"{verb} {body[verb]}", ": ".join(filter(None, (after, str(what))))


def counting(trigger: Document, key: str | None) -> str:
    """Say which updates count for the join that is looked at."""
    join = (trigger["definition"] or {}).get("join", {})
    match trigger["mode"]:
        case "partition":
            return f"Counting updates of the partition {key}." if key else "Counting updates by partition."
        case "epoch":
            return "Counting what came since the tick of its schedule."
        case "window":
            within = f" {join['within']}" if "within" in join else " some time"
            return f"Counting updates within{within} of each other, since it fired last."
        case _:
            expire = f", for {join['expire']} at most" if "expire" in join else ""
            return f"Counting updates since it fired last{expire}."


def definition(body: Document) -> Iterator[tuple[str, str]]:
    """Say what a rule means, as terms and what they are."""
    yield "Waits for", condition(body["when"])
    join = body.get("join", {})
    mode = join.get("mode", "level")
    yield "Joined", _joined(mode, join)
    if "earliest" in body:
        yield "Not before", f"{body['earliest']} of the day on which it is complete"
    if "schedule" in body:
        yield "Fires at", f"the ticks of {body['schedule']}"
    if "deadline" in body:
        due = body["deadline"]
        when = f"at {due['at']}" if "at" in due else f"{due['after']} after it began"
        yield "Deadline", f"{when}; then {THEN[due['then']]}"
    for text in guards(body.get("guard", {})):
        yield "Guard", text
    if "catch_up" in body:
        yield "Missed ticks", _flat(body["catch_up"])
    if "on_blocked" in body:
        yield "When blocked", f"{body['on_blocked']['notify']} is told"
    if "timezone" in body:
        yield "Clock", body["timezone"]


def written(body: Document) -> str:
    """Write a rule as a rule file has it, with what hides in its names made visible."""
    return "\n".join(map(shown, write_document(body).split("\n")))


def _joined(mode: str, join: Document) -> str:
    said = [MODES[mode]]
    if "schedule" in join:
        said.append(f"ticks of {join['schedule']}")
    if "within" in join:
        said.append(f"within {join['within']}")
    if "key" in join:
        key = join["key"]
        sources = f", as {_listed(key['from'])} has it" if "from" in key else ""
        said.append(f"a partition is a {key.get('grain', 'day')}{sources}")
    if "expire" in join:
        said.append(f"given up after {join['expire']}")
    return "; ".join(said)


def guards(guard: Document) -> Iterator[str]:
    """Say what holds back what is complete."""
    if "debounce" in guard:
        most = f", but {guard['debounce']['max_wait']} at most" if "max_wait" in guard["debounce"] else ""
        yield f"waits until nothing has come for {guard['debounce']['quiet']}{most}"
    if "cooldown" in guard:
        yield f"at least {guard['cooldown']} between two firings of the same key"
    if "max_in_flight" in guard:
        lost = f"; lost after {guard['lost_after']}" if "lost_after" in guard else ""
        yield f"at most {guard['max_in_flight']} of its runs of a key at a time{lost}"
    if "max_fires" in guard:
        yield f"stops itself after {guard['max_fires']['count']} firings in {guard['max_fires']['per']}"
    if "max_chain" in guard:
        yield f"at most {guard['max_chain']} times in the chain of its own causes"


def condition(body: Document) -> str:
    """Say what a condition is met by."""
    if "n_of" in body:
        return f"{body['n_of']['count']} of ({', '.join(_some(body['n_of']['of']))})"
    if "all" in body:
        return " and ".join(_some(body["all"]))
    if "any" in body:
        return " or ".join(_some(body["any"]))
    return _part(body)


def _some(parts: Sequence[Document]) -> list[str]:
    """Name parts, of many only the first ones."""
    if len(parts) <= MOST:
        return [*map(_part, parts)]
    return [*map(_part, parts[: MOST - 1]), f"{len(parts) - MOST + 1} more"]


def _part(body: Document) -> str:
    if "dataset" not in body:
        inner = condition(body)
        return inner if "n_of" in body else f"({inner})"
    selector = body["dataset"]
    name = body.get("id") or selector.get("name") or _flat(selector)
    gate = body.get("require", {})
    needs = []
    if "assertions" in gate:
        needs.append("its checks passed")
    if "expectation" in gate:
        needs.append(f"{_listed(gate['expectation'])} met")
    if "grain" in body:
        needs.append(f"every {body['grain']} of it")
    if body.get("optional"):
        needs.append("optional")
    return f"{name} [{', '.join(needs)}]" if needs else name


def _named(missing: list[Document]) -> str:
    names = [name_of(each) for each in missing]
    if len(names) > NAMED:
        names = [*names[: NAMED - 1], f"{len(names) - NAMED + 1} more"]
    verb = "has" if len(names) == 1 else "have"
    return f"{', '.join(names[:-1])}{' and ' if len(names) > 1 else ''}{names[-1]} {verb}"


def _listed(given: Any) -> str:
    return given if isinstance(given, str) else ", ".join(map(str, given))


def _flat(given: Any) -> str:
    if isinstance(given, Mapping):
        return ", ".join(f"{name} {_flat(value)}" for name, value in given.items())
    return _listed(given) if isinstance(given, list) else str(given)
