"""Commands that the server runs; only if the setting ``allow_commands`` is on.

Options of a target: ``command``, the program and its arguments; no shell reads them; ``timeout``, which cannot be
longer than the setting ``outbound_timeout``: whatever takes longer belongs in an orchestrator, or goes on in the
background; ``env``, names of variables of the server that the command gets too. Options of an action: ``args``, added
to the command.

The command gets the firing as JSON on its standard input, and in its environment what ``environment`` says. It ends
with 0 if it did, or started, what it should; with 75 (EX_TEMPFAIL of sysexits.h) if trying again may help; with any
other status if it does not. What it wrote last is kept for people. If it takes too long, it is killed with all that it
started in its process group; nobody knows then how far it came, and it is run again with the same key.
"""

from __future__ import annotations

import errno
import json
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import IO, Final

from collector.outbound.guard import Deadline
from collector.outbound.sending import SECOND, Context, Kind, Outcome, Parcel, Result, Unusable
from triggers.notation import duration
from triggers.rules import Target

TEMPORARY: Final = os.EX_TEMPFAIL

INHERITED: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
"""Variables that every command gets as the server has them."""

MOST_KEPT: Final = 2048
"""Bytes of the output that are kept: the last ones."""

LOOK: Final = 0.02
"""Seconds between looks whether a silent command has ended."""

SHORTAGES: Final = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY})
"""Why a program may not be startable now, and be so later."""

NOT_ALLOWED: Final = "The server runs no commands: the setting allow_commands is off."


def send(target: Target, parcel: Parcel, context: Context) -> Outcome:
    """Run the command to its end. To test a target, see whether there is such a program, without running it."""
    if not context.allow_commands:
        return Outcome(Result.REFUSED, error=NOT_ALLOWED)
    command = target.options.get("command")
    if not isinstance(command, list) or not command or not all(isinstance(each, str) for each in command):
        raise Unusable(f"Target {target.id} has no command.")
    if parcel.kind is Kind.TEST:
        if shutil.which(command[0]) is None:
            return Outcome(Result.REFUSED, error=f"there is no program {command[0]}")
        return Outcome(Result.DELIVERED)
    if parcel.kind is not Kind.ACTION:
        raise Unusable(f"Target {target.id} only starts work; it takes no {parcel.kind.value}s.")
    args = parcel.body["action"].get("args") or []
    timeout = context.timeout
    if given := target.options.get("timeout"):
        timeout = min(timeout, duration(given) / SECOND)
    variables = environment(parcel, target.options.get("env") or [], os.environ)
    return _run([*command, *map(_text, args)], variables, json.dumps(parcel.body).encode(), timeout)


def environment(parcel: Parcel, names: Sequence[str], server: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of a command: little of the server's, and the firing.

    ``TIDEGATE_ATTEMPT`` counts from 1; ``TIDEGATE_IDEMPOTENCY_KEY`` is the same at each attempt.
    """
    firing, run = parcel.body["firing"], parcel.body["run"]
    given = {name: server[name] for name in (*INHERITED, *names) if name in server}
    return given | {
        "OPENLINEAGE_PARENT_ID": f"{run['namespace']}/{run['name']}/{run['id']}",
        "TIDEGATE_FIRING": firing["id"],
        "TIDEGATE_TRIGGER": firing["trigger"],
        "TIDEGATE_KEY": firing["key"],
        "TIDEGATE_IDEMPOTENCY_KEY": parcel.key,
        "TIDEGATE_ATTEMPT": str(parcel.attempt),
    }


def _run(command: list[str], variables: dict[str, str], content: bytes, timeout: float) -> Outcome:
    deadline = Deadline.after(timeout)
    # A file: a command that does not read what it gets would hold up whoever writes to a pipe.
    with tempfile.TemporaryFile() as given:
        given.write(content)
        given.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603  # as the rules have it, and only where the settings allow it
                command,
                env=variables,
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            shortage = isinstance(error, OSError) and error.errno in SHORTAGES
            return Outcome(
                Result.RETRY if shortage else Result.REFUSED, error=f"{command[0]} cannot be run: {error}"
            )
    assert process.stdout is not None  # noqa: S101  # it is a pipe, as asked for
    with process.stdout as output:
        said, ended = _follow(process, output, deadline)
    if not ended:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return Outcome(Result.UNKNOWN, error=_with(f"killed after {timeout:g} s", said))
    if process.returncode == 0:
        return Outcome(Result.DELIVERED, answer={"output": said} if said else {})
    if process.returncode < 0:
        # It did not decide to end; nobody knows how far it came.
        return Outcome(Result.UNKNOWN, error=_with(f"ended by signal {-process.returncode}", said))
    result = Result.RETRY if process.returncode == TEMPORARY else Result.REFUSED
    return Outcome(result, error=_with(f"exit status {process.returncode}", said))


def _follow(process: subprocess.Popen[bytes], output: IO[bytes], deadline: Deadline) -> tuple[str, bool]:
    """Read what a command writes until it ends: give the last of it, and whether it ended before the deadline.

    What it leaves in the background may hold its output open, so the end of the output is not waited for.
    """
    kept = b""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while not deadline.passed():
            # Before it is read: what it wrote up to its end is there then.
            ended = process.poll() is not None
            if selector.select(0 if ended else LOOK):
                if part := os.read(output.fileno(), 64 * 1024):
                    kept = (kept + part)[-MOST_KEPT:]
                else:
                    selector.unregister(output)  # from now on it only sleeps
            elif ended:
                break
    return kept.decode("utf-8", "replace").strip(), process.poll() is not None


def _with(why: str, said: str) -> str:
    return f"{why}: {said}" if said else why


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
