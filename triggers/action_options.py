"""What may be said to each kind of target in the actions of a trigger: one table for what is read and what is checked.

Kinds of somebody's own, that entry points make, are not in it: what may be said to them only they know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from triggers.errors import Step
from triggers.parts import WORDS, Body

TEXT: Final = (str,)
KEYS: Final = (dict,)
NUMBER: Final = (int, str)


_TEMPLATE = re.compile(r"\{[{%]")


class Option(NamedTuple):
    """Something that may be said: in which forms, or as a template that gives one of them, and what it means."""

    forms: tuple[type, ...]
    means: str
    texts: bool = False
    """Of a list: all of it are texts."""
    example: str = ""
    """Of a text that is like this, with a slash."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What targets of one kind can do, and what may be said to them."""

    starts: bool
    """``start`` may name them: what they do is a run of its own."""
    notifies: bool
    """``notify`` may name them."""
    options: Mapping[str, Option] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    """One of these, and only one."""
    with_: Mapping[str, str] = field(default_factory=dict)
    """Options that go with one of ``needs``, and with which."""
    messages: bool = False
    """Alerts may be sent there."""


MESSAGE: Final = {
    "title": Option(TEXT, "of the message"),
    "text": Option(TEXT, "the message"),
}

KINDS: Final[Mapping[str, Kind]] = {
    "apprise": Kind(starts=False, notifies=True, options=MESSAGE, messages=True),
    "webhook": Kind(
        starts=True,
        notifies=True,
        options={"body": Option((dict, list, str), "what is posted beside the firing"), **MESSAGE},
        messages=True,
    ),
    "pagerduty": Kind(starts=False, notifies=True, options=MESSAGE, messages=True),
    "email": Kind(starts=False, notifies=True, options=MESSAGE, messages=True),
    "prefect": Kind(
        starts=True,
        notifies=False,
        options={
            "deployment": Option(TEXT, "of which a run is made", example="FLOW/DEPLOYMENT"),
            "parameters": Option(KEYS, "of the flow run"),
            "tags": Option((list,), "of the flow run", texts=True),
            "labels": Option(KEYS, "of the flow run"),
            "name": Option(TEXT, "of the flow run"),
        },
        needs=("deployment",),
    ),
    "airflow": Kind(
        starts=True,
        notifies=False,
        options={
            "dag": Option(TEXT, "id of the DAG of which a run is started"),
            "conf": Option(KEYS, "of the DAG run"),
            "note": Option(TEXT, "on the DAG run"),
            "asset": Option(TEXT, "URI of the asset of which an event is made"),
            "extra": Option(KEYS, "of the asset's event"),
        },
        needs=("dag", "asset"),
        with_={"conf": "dag", "note": "dag", "extra": "asset"},
    ),
    "dagster": Kind(
        starts=True,
        notifies=False,
        options={
            "job": Option((str, dict), "its name"),
            "repository": Option(TEXT, "in which the job is, if several have one of that name"),
            "location": Option(TEXT, "in which the repository is"),
            "run_config": Option(KEYS, "of the run"),
            "tags": Option(KEYS, "of the run"),
            "partition": Option(TEXT, "key of the partition that the run is for"),
        },
        needs=("job",),
    ),
    "dbt_cloud": Kind(
        starts=True,
        notifies=False,
        options={
            "job_id": Option(NUMBER, "of the job"),
            "cause": Option(TEXT, "why the job runs; if left out, which trigger fired"),
            "git_branch": Option(TEXT, "to check out"),
            "git_sha": Option(TEXT, "to check out"),
            "schema_override": Option(TEXT, "instead of the job's own"),
            "dbt_version_override": Option(TEXT, "instead of the job's own"),
            "target_name_override": Option(TEXT, "instead of the job's own"),
            "threads_override": Option(NUMBER, "instead of the job's own"),
            "timeout_seconds_override": Option(NUMBER, "instead of the job's own"),
            "generate_docs_override": Option((bool,), "instead of the job's own"),
            "steps_override": Option((list,), "commands instead of the job's own", texts=True),
        },
        needs=("job_id",),
    ),
    "databricks": Kind(
        starts=True,
        notifies=False,
        options={
            "job_id": Option(NUMBER, "of the job"),
            "job_parameters": Option(KEYS, "of the run"),
        },
        needs=("job_id",),
    ),
    "command": Kind(
        starts=True,
        notifies=False,
        options={"args": Option((list,), "arguments after those that the target has", texts=True)},
    ),
}

COMMON: Final = ("id", "start", "notify", "after", "delivery", "job")
"""What may be said of any action. ``job`` is a node of the graph, or in a text the name of the job in Dagster."""


def faults(body: Body, kind_name: str) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Give what is wrong with what an action says to a target of this kind, and where in the body."""
    kind = KINDS.get(kind_name)
    if kind is None:
        return
    if "start" in body and not kind.starts:
        yield ("start",), f"the kind {kind_name} starts no runs; write notify"
        return
    if "notify" in body and not kind.notifies:
        yield ("notify",), f"the kind {kind_name} only starts runs; write start"
        return
    given = {name: value for name, value in body.items() if name not in COMMON}
    if "job" in body and ("job" in kind.options or isinstance(body["job"], str)):
        given["job"] = body["job"]
    for name, value in given.items():
        option = kind.options.get(name)
        if option is None:
            yield (name,), _unknown(kind_name, kind, name)
        elif isinstance(value, str) and _TEMPLATE.search(value):
            # It may give anything.
            continue
        elif type(value) not in option.forms:
            yield (name,), f"must be {' or '.join(WORDS[form] for form in option.forms)}"
        elif option.example and "/" not in value:
            yield (name,), f"no {name}: {value!r}; write {option.example}"
        elif option.texts:
            yield from (
                ((name, number), "must be a text")
                for number, item in enumerate(value)
                if not isinstance(item, str)
            )
    found = [name for name in kind.needs if name in given]
    if kind.needs and len(found) != 1:
        yield (), f"the kind {kind_name} needs {' or '.join(kind.needs)}{', and only one' if found else ''}"
        return
    for name, other in kind.with_.items():
        if name in given and other not in given:
            yield (name,), f"goes with {other}, not with {found[0]}"


def _unknown(kind_name: str, kind: Kind, name: str) -> str:
    if name == "job":
        return (
            "as a text it is the name of a job in Dagster; of a job of the graph there are namespace and name"
        )
    return f"the kind {kind_name} takes {', '.join(kind.options)}"
