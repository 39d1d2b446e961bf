"""E-mail by SMTP. Mails about one group of alerts refer to one that never was, so programs show them as one thread.

Options of a target: ``host``; ``port``; ``security``: ``starttls`` (the default), ``tls`` or ``none``; ``username`` and
``password``; ``from``; ``to``, an address or a list.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any, Final

from collector.outbound.fired import message_of
from collector.outbound.guard import Deadline, Guard, Unreachable, describe
from collector.outbound.http import NoAnswer
from collector.outbound.sending import SECOND, Context, Kind, Outcome, Parcel, Result, Unusable, option
from triggers.rules import Target

PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}


def send(target: Target, parcel: Parcel, context: Context) -> Outcome:
    """Send a mail to all addresses of a target."""
    if parcel.kind is Kind.ACKNOWLEDGEMENT:
        return Outcome(Result.REFUSED, error="Nobody is told by mail that somebody has taken something on.")
    mail, sender, to = compose(target, parcel)
    deadline = Deadline.after(context.timeout)
    said = False
    try:
        with _session(target, context, deadline) as smtp:
            said = True
            refused = smtp.send_message(mail, sender, to)
    except smtplib.SMTPRecipientsRefused as error:
        return _all_refused(error.recipients)
    except smtplib.SMTPResponseException as error:
        return _answered(error.smtp_code, error.smtp_error)
    except smtplib.SMTPNotSupportedError as error:
        return Outcome(Result.REFUSED, error=str(error))
    except (smtplib.SMTPException, OSError, ValueError) as error:
        # A ValueError is what a socket that was shut down under TLS can end in.
        problem = f"{option(target, 'host')}: {'timed out' if deadline.passed() else describe(error)}"
        raise (NoAnswer if said else Unreachable)(problem) from error
    if refused:
        others = "; ".join(f"{who}: {code} {_text(text)}" for who, (code, text) in refused.items())
        return Outcome(Result.DELIVERED, error=f"not to all: {others}")
    return Outcome(Result.DELIVERED)


def compose(target: Target, parcel: Parcel) -> tuple[EmailMessage, str, list[str]]:
    """Write the mail; give also who sends it to whom. It is the same at each attempt. Raises ``Unusable``."""
    message = message_of(parcel)
    to = target.options.get("to")
    addresses = [to] if isinstance(to, str) else list(to or [])
    sender = option(target, "from")
    mail = EmailMessage()
    try:
        # As the library reads them, also "Name <address>"; a line break in one would begin another header.
        mail["From"] = sender
        mail["To"] = ", ".join(addresses)
        found: list[Address] = [*mail["From"].addresses, *mail["To"].addresses]
    except (MessageError, ValueError) as error:
        raise Unusable(f"Target {target.id} has an address that is none.") from error
    if len(found) < 2 or not all(each.username and each.domain for each in found):
        raise Unusable(f"Target {target.id} needs an address in from and in to.")
    domain = found[0].domain
    mail["Subject"] = " ".join(message.title.split())
    mail["Date"] = datetime.fromtimestamp(message.at // SECOND, UTC)
    mail["Message-ID"] = f"<{parcel.key}@{domain}>"
    mail["In-Reply-To"] = mail["References"] = f"<group-{message.group}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail, found[0].addr_spec, [each.addr_spec for each in found[1:]]


@contextlib.contextmanager
def _session(target: Target, context: Context, deadline: Deadline) -> Iterator[smtplib.SMTP]:
    """Connect and log in; whatever the server does, the session ends by the deadline."""
    security = target.options.get("security") or "starttls"
    if security not in PORTS:
        raise Unusable(f"Target {target.id}: security is {' or '.join(PORTS)}.")
    smtp = _Smtp(context.guard, deadline, context.http.tls if security == "tls" else None)
    # The library limits each step; a server that says a word now and then would never end.
    watch = threading.Timer(deadline.left(), smtp.abort)
    watch.daemon = True
    watch.start()
    try:
        smtp.connect(option(target, "host"), int(target.options.get("port") or PORTS[security]))
        if security == "starttls":
            smtp.starttls(context=context.http.tls)
        if target.options.get("username"):
            smtp.login(option(target, "username"), option(target, "password"))
        yield smtp
        with contextlib.suppress(smtplib.SMTPException, OSError):
            smtp.quit()  # it has the mail already; how it says good-bye makes no difference
    finally:
        watch.cancel()
        smtp.close()


class _Smtp(smtplib.SMTP):
    """Connects where the guard allows it."""

    def __init__(self, guard: Guard, deadline: Deadline, tls: ssl.SSLContext | None) -> None:
        # The library would look up the name of this machine, which may take long.
        super().__init__(local_hostname=socket.gethostname() or "localhost")
        self._guard = guard
        self._deadline = deadline
        self._tls = tls

    def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
        connection = self._guard.connect(host, port, self._deadline)
        # ``starttls`` verifies the certificate for this name.
        self._host = host
        connection.settimeout(self._deadline.left())
        return self._tls.wrap_socket(connection, server_hostname=host) if self._tls else connection

    def abort(self) -> None:
        """End whatever the other thread waits for."""
        if (connection := self.sock) is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _all_refused(recipients: dict[str, tuple[int, bytes]]) -> Outcome:
    # If one of them may be taken later, all are tried again: none has got the mail.
    code, text = min(recipients.values(), key=lambda reply: reply[0])
    return _answered(code, text)


def _answered(code: int, text: bytes | str) -> Outcome:
    if code < 0:
        return Outcome(Result.UNKNOWN, error=f"answered what is no reply: {_text(text)}")
    result = Result.REFUSED if 500 <= code < 600 else Result.RETRY
    return Outcome(result, code, f"answered {code}: {_text(text)}")


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said
