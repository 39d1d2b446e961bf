"""The UUIDs by which Marquez's clients know runs, versions and schemas: each a function of what it stands for.

Marquez has two identifiers for each version, one for some answers and one for others; here they are one, so that any
identifier that an answer names can be asked for.
"""

from __future__ import annotations

import hashlib
import uuid

from lineage.model import run_key

LOW = 62
"""Bits of a version 8 UUID after the variant: of the dataset's id. The 60 before it hold the number of a run."""

CHECK = (1 << LOW) - 1


def run_uuid(run_id: str) -> str:
    """Give the UUID of a run: its own id, if that is one; else 16 bytes of a hash, under which it is found too."""
    return _written(run_key(run_id).hex())


def name_uuid(*parts: str) -> str:
    """Give the UUID of a text, as Java makes it of bytes: what Marquez does with names joined by colons."""
    digest = hashlib.md5(":".join(parts).encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
    return str(uuid.UUID(bytes=digest, version=3))


def job_uuid(job_id: int) -> str:
    """Give the UUID of a job."""
    return name_uuid("job", str(job_id))


def dataset_version_uuid(dataset_id: int, run_row: int) -> str:
    """Give the UUID of the version of a dataset that a run (by the number of its row) made.

    0 stands for no run: the dataset as it was found when somebody read it. The number can be read back from the UUID,
    so a version is found without looking through all of them.
    """
    high, low = divmod(run_row, 1 << 12)
    return _written(f"{high << 80 | 0x8 << 76 | low << 64 | 0b10 << LOW | dataset_id & CHECK:032x}")


def _written(digits: str) -> str:
    # A page of jobs has a thousand of these; the class of the standard library takes four times as long.
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def run_of_version(dataset_ids: list[int], version: uuid.UUID) -> tuple[int, int] | None:
    """Read back (dataset id, number of the run's row); None if it is no version of any of these datasets."""
    high, low = version.int >> 80, version.int >> 64 & 0xFFF
    run_row = high << 12 | low
    found = (id_ for id_ in dataset_ids if dataset_version_uuid(id_, run_row) == str(version))
    dataset_id = next(found, None)
    return None if dataset_id is None else (dataset_id, run_row)
