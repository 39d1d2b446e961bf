"""Dagster: a firing starts a run of a job by GraphQL.

Options of a target: ``url``, of the webserver, or of a deployment of Dagster+; ``token``, which Dagster+ wants, or
whatever stands before an open-source webserver. Options of an action: ``job``; ``repository`` and ``location`` if
several have a job of that name, or to spare the look-up; ``run_config``, ``tags`` and ``partition`` of the run.

Dagster has no idempotency: the same request twice starts two runs, and nobody may choose the id of a run. So each run
is tagged with the key of what is sent, and before each attempt Dagster is asked whether there is such a run. If there
are several, which takes two requests under way at once, the oldest counts.

The tags also name the firing. dagster-openlineage reads none of them (it has no parent for runs), but the id of a run
is that of its OpenLineage run, so it is recognised. ``tidegate/parent`` is for jobs that start something themselves:
it is what ``OPENLINEAGE_PARENT_ID`` wants.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from collector.outbound.calling import Api, Reply, bearer
from collector.outbound.sending import Context, Kind, Outcome, Parcel, Result, Unusable, option
from triggers.rules import Target

KEY: Final = "tidegate/key"

KNOWN: Final = """
query Known($key: String!) {
  runsOrError(filter: {tags: [{key: "tidegate/key", value: $key}]}) {
    __typename
    ... on Runs { results { runId status } }
    ... on Error { message }
  }
}
"""

JOBS: Final = """
query Jobs {
  workspaceOrError {
    __typename
    ... on Workspace {
      locationEntries {
        name
        loadStatus
        locationOrLoadError {
          __typename
          ... on RepositoryLocation { repositories { name jobs { name } } }
          ... on Error { message }
        }
      }
    }
    ... on Error { message }
  }
}
"""

LAUNCH: Final = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on InvalidStepError { invalidStepKey }
    ... on InvalidOutputError { invalidOutputName }
    ... on Error { message }
  }
}
"""

VERSION: Final = "query Version { version }"


class Place(NamedTuple):
    """Where a job is."""

    location: str
    repository: str


class Ended(Exception):
    """An attempt ended before the run was started, or found."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.error)
        self.outcome = outcome


def send(target: Target, parcel: Parcel, context: Context) -> Outcome:
    """Start a run, or find that it was started before. To test a target, ask for the version of the server."""
    root = option(target, "url").rstrip("/").removesuffix("/graphql")
    api = Api.of(root, context, parcel.at, _authorization(root, target.options.get("token")))
    try:
        if parcel.kind is Kind.TEST:
            reply, _ = _ask(api, VERSION, {}, "version")
            return Outcome(Result.DELIVERED, reply.status)
        if parcel.kind is not Kind.ACTION:
            raise Unusable(f"Target {target.id} only starts work; it takes no {parcel.kind.value}s.")
        return _known(api, parcel) or _launch(api, parcel)
    except Ended as ended:
        return ended.outcome


def job_of(action: Mapping[str, Any]) -> str:
    """Give the name of the job of an action, which may be written as a node of the graph; raises ``Unusable``."""
    job = action.get("job")
    name = job.get("name") if isinstance(job, Mapping) else job
    if not isinstance(name, str) or not name:
        raise Unusable("The action names no job of Dagster.")
    return name


def tags_of(parcel: Parcel) -> list[dict[str, str]]:
    """Give the tags of a run: those of the action, and ours."""
    action, firing, run = (parcel.body[part] for part in ("action", "firing", "run"))
    tags = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in (action.get("tags") or {}).items()
    }
    if action.get("partition") is not None:
        tags["dagster/partition"] = str(action["partition"])
    tags |= {
        KEY: parcel.key,
        "tidegate/firing": firing["id"],
        "tidegate/trigger": firing["trigger"],
        "tidegate/parent": f"{run['namespace']}/{run['name']}/{run['id']}",
    }
    return [{"key": name, "value": value} for name, value in tags.items()]


def _known(api: Api, parcel: Parcel) -> Outcome | None:
    """Look for the run of an earlier attempt."""
    reply, found = _ask(api, KNOWN, {"key": parcel.key}, "runsOrError")
    if found["__typename"] != "Runs":
        raise Ended(Outcome(Result.RETRY, reply.status, f"runs: {_said(found)}"))
    # The newest come first.
    return _started(api, reply, found["results"][-1]["runId"], known=True) if found["results"] else None


def _launch(api: Api, parcel: Parcel) -> Outcome:
    action = parcel.body["action"]
    job = job_of(action)
    location, repository = action.get("location"), action.get("repository")
    place = Place(location, repository) if location and repository else _find(api, job, location, repository)
    params = {
        "selector": {
            "repositoryLocationName": place.location,
            "repositoryName": place.repository,
            "jobName": job,
        },
        "runConfigData": action.get("run_config") or {},
        "mode": "default",
        "executionMetadata": {"tags": tags_of(parcel)},
    }
    reply, found = _ask(api, LAUNCH, {"params": params}, "launchRun", reads=False)
    match found["__typename"]:
        case "LaunchRunSuccess":
            return _started(api, reply, found["run"]["runId"], known=False)
        case "PythonError":
            # Anything that went wrong in the server, before the run was made or after: the next attempt looks.
            return Outcome(Result.UNKNOWN, reply.status, _said(found))
        case _:
            return Outcome(Result.REFUSED, reply.status, _said(found))


def _find(api: Api, job: str, location: str | None, repository: str | None) -> Place:
    """Find the one place that has a job, as far as it is not given; raises ``Ended``."""
    reply, found = _ask(api, JOBS, {}, "workspaceOrError")
    if found["__typename"] != "Workspace":
        raise Ended(Outcome(Result.RETRY, reply.status, f"workspace: {_said(found)}"))
    places: list[Place] = []
    unread: list[str] = []
    for entry in found["locationEntries"]:
        if location not in (None, entry["name"]):
            continue
        loaded = entry["locationOrLoadError"]
        if loaded is None or loaded["__typename"] != "RepositoryLocation" or entry["loadStatus"] != "LOADED":
            unread.append(entry["name"])
        places += [
            Place(entry["name"], each["name"])
            for each in (loaded or {}).get("repositories", ())
            if repository in (None, each["name"]) and any(known["name"] == job for known in each["jobs"])
        ]
    match places:
        case [place]:
            return place
        case []:
            # A location that is being loaded, or does not load, may have it soon.
            result = Result.RETRY if unread else Result.REFUSED
            why = f"; not loaded: {', '.join(unread)}" if unread else ""
            raise Ended(Outcome(result, reply.status, f"no location has a job {job}{why}"))
    listed = ", ".join(f"{each.repository} in {each.location}" for each in places)
    raise Ended(
        Outcome(
            Result.REFUSED, reply.status, f"several have a job {job}; name repository and location: {listed}"
        )
    )


def _started(api: Api, reply: Reply, run_id: str, *, known: bool) -> Outcome:
    answer = {"run_id": run_id, "url": api.link(f"/runs/{run_id}"), "duplicate": known}
    return Outcome(Result.DELIVERED, reply.status, answer=answer)


def _ask(
    api: Api, query: str, variables: Mapping[str, Any], field: str, *, reads: bool = True
) -> tuple[Reply, Any]:
    """Give what GraphQL answers for a field; raises ``Ended`` if it is nothing."""
    reply = api.call("POST", "/graphql", {"query": query, "variables": variables}, reads=reads)
    found = (reply.said.get("data") or {}).get(field)
    if found is not None:
        return reply, found
    errors = reply.said.get("errors")
    said = reply.outcome(repeatable=reads)
    if not errors:
        raise Ended(said)
    text = "; ".join(str(each.get("message")) for each in errors)
    # An error of a field has a path (GraphQL, 7.1.2): the request was carried out in part. One without is about the
    # request itself, although Dagster answers 500 to it as well.
    if any(each.get("path") for each in errors):
        raise Ended(dataclasses.replace(said, result=Result.RETRY if reads else Result.UNKNOWN, error=text))
    raise Ended(dataclasses.replace(said, result=Result.REFUSED, error=text))


def _said(found: Mapping[str, Any]) -> str:
    """Give the words of an error."""
    messages = [each["message"] for each in found.get("errors", ())]
    messages += [
        found[name] for name in ("message", "invalidStepKey", "invalidOutputName") if found.get(name)
    ]
    said = " ".join("; ".join(messages).split())
    return f"{found['__typename']}: {said}" if said else str(found["__typename"])


def _authorization(root: str, token: str | None) -> dict[str, str]:
    if not token:
        return {}
    host = urlsplit(root).hostname or ""
    # https://docs.dagster.io/api/graphql: Dagster+ has a header of its own.
    return {"dagster-cloud-api-token": token} if host.endswith(".dagster.cloud") else bearer(token)
