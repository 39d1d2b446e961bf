"""Rule files: read as one, with every mistake and its line; written again; and described for editors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from collector.api import rule_shapes, rule_templates
from collector.api.documents import Written, read_text, read_written, write_document
from collector.api.rule_fields import describe
from collector.engine.folder import files_in
from collector.errors import FieldError, Unprocessable
from collector.outbound.secrets import SecretForbidden, Secrets, references
from triggers.documents import Row
from triggers.errors import Step, dotted
from triggers.rule_files import Fault, Place, document_of, rows_of

COMPONENTS: Final = "#/components/schemas/"


def read_rules(paths: Iterable[Path], secrets: Secrets | None = None) -> list[Row]:
    """Read files, and all files of folders, as one. Rules that name other than these ``secrets`` are wrong.

    Raises:
        BadRequest: a file cannot be read.
        Unprocessable: the rules mean nothing; it names all that is wrong, with file, line and path.
    """
    files = [file for path in paths for file in files_in(path)]
    errors: list[FieldError] = []
    written: list[Written] = []
    for file in files:
        try:
            written.append(read_written(read_text(file), rule_shapes.RuleFile(), str(file)))
        except Unprocessable as error:
            errors += error.errors
    if errors:
        # What one file lacks might stand in another that cannot be read.
        raise _wrong(files, errors)
    rows, faults = rows_of([each.data for each in written])
    for number, each in enumerate(written):
        found = [*rule_templates.faults(each.data), *(_forbidden(each.data, secrets) if secrets else ())]
        faults += [Fault(Place(number, path), why) for path, why in found]

    def place(place: Place) -> str:
        return written[place.document].place(f"${dotted(place.path)}")

    errors = [
        FieldError(
            place(fault.place),
            rule_shapes.sentence(
                f"{fault.reason}, see {place(fault.other)}" if fault.other else fault.reason
            ),
        )
        for fault in faults
    ]
    if errors:
        raise _wrong(files, errors)
    return rows


def rules_of(document: Mapping[str, Any]) -> list[Row]:
    """Give the rules of a document that has been checked."""
    return rows_of([document])[0]


def check_secrets(document: Mapping[str, Any], secrets: Secrets) -> None:
    """Raise ``Unprocessable`` if a document names other secrets than these."""
    errors = tuple(FieldError(f"${dotted(path)}", why) for path, why in _forbidden(document, secrets))
    if errors:
        raise Unprocessable("; ".join(f"{each.path}: {each.reason}" for each in errors), errors=errors)


def write_rules(rows: Iterable[Row]) -> str:
    """Write the file that ``read_rules`` reads as these rules."""
    return write_document(document_of(rows))


def json_schema() -> dict[str, Any]:
    """Describe rule files as JSON Schema, for editors. What only the meaning of values can tell is left out."""
    plugin = MarshmallowPlugin()
    spec = APISpec("Rules", "1", "3.1.0", plugins=[plugin])
    assert plugin.converter is not None  # noqa: S101  # for the type checker: the plugin has it once it has a document
    describe(plugin.converter)
    spec.components.schema("RuleFile", schema=rule_shapes.RuleFile)
    found = _refer(spec.to_dict()["components"]["schemas"])
    for key, name in plugin.converter.refs.items():
        found[name].setdefault("description", " ".join((key[0].__doc__ or "").split()))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rules of Tidegate, version 1",
        **found.pop("RuleFile"),
        "$defs": found,
    }


def _forbidden(document: Mapping[str, Any], secrets: Secrets) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Give the places where a document names a secret that it may not name, and why not."""
    named = {
        ("targets",): document.get("targets"),
        ("alerting", "owner_map"): document.get("alerting", {}).get("owner_map"),
    }
    for part, value in named.items():
        for path, reference in references(value, *part):
            try:
                secrets.check(reference)
            except SecretForbidden as error:
                yield path, str(error)


def _wrong(files: Sequence[Path], errors: list[FieldError]) -> Unprocessable:
    names = str(files[0]) if len(files) == 1 else f"These {len(files)} files"
    return Unprocessable(f"{names} cannot be used.", errors=tuple(errors))


def _refer(value: Any) -> Any:
    """Give a part of an OpenAPI document as JSON Schema has it."""
    if isinstance(value, dict):
        return {
            key: re.sub(f"^{COMPONENTS}", "#/$defs/", inner) if key == "$ref" else _refer(inner)
            for key, inner in value.items()
        }
    return [_refer(each) for each in value] if isinstance(value, list) else value
