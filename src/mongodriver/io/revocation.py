"""Whether the certificates of servers were revoked (ocsp-support specification).

Asked are, in this order: what is remembered, the response that the server staples, and the
responders that the certificate names. A certificate that demands a staple is believed only if one
of them vouches for it; all others also when nobody knows.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from .deadline import sooner
from .ocsp import Answer, NotBelieved, NotKnown, Question, must_staple, now
from .responders import ask_responders
from .stapling import Dial, stapled_response

if TYPE_CHECKING:
    from .base import Address

ValueT = TypeVar("ValueT")

#: Seconds in which somebody must have answered.
PATIENCE = 5.0
#: Seconds for which nobody is asked again after nobody has known.
PAUSE = 60.0
#: How many answers are remembered.
_MAX_KNOWN = 1024

#: Asks, until a deadline at most; raises ssl.SSLCertVerificationError for what was revoked.
Inquiry = Callable[["float | None"], None]


class Revocation:
    """What one client has been told of certificates.

    :param ask_responders: whether responders may be asked.
    :param ask_servers: whether servers can be asked for a staple.
    """

    def __init__(self, ask_responders: bool = True, ask_servers: bool = False) -> None:
        self._ask_responders = ask_responders
        self._ask_servers = ask_servers
        self._known: dict[bytes, tuple[bool, datetime]] = {}
        self._quiet_until: dict[bytes, float] = {}

    def inquiry(
        self,
        certificate: bytes,
        issuer: bytes | None,
        urls: Sequence[str],
        address: Address,
        dial: Dial,
    ) -> Inquiry | None:
        """What is still to be asked about a server's certificate; None if nothing is.

        :param certificate: in DER, trusted but for this.
        :param issuer: the next certificate of the chain that was verified; None if there is none.
        :param urls: of the certificate's responders.
        :param address: of the server.
        :param dial: opens another connection with it.
        :raises ssl.SSLCertVerificationError: where it is known to be revoked.
        """
        strict = must_staple(certificate)
        if not urls and not strict:
            return None
        if issuer is None:
            if strict:
                raise _refused("it demands a stapled OCSP response, and has no issuer to sign one")
            return None
        about = sha256(issuer + certificate).digest()
        known = self._known.get(about)
        if known is not None and now() < known[1]:
            _judge(known[0])
            return None
        if not strict and self._quiet_until.get(about, 0.0) > monotonic():
            return None

        def ask(deadline: float | None) -> None:
            # What takes its time, the import of `cryptography` for one, is done here.
            deadline = sooner(deadline, PATIENCE)
            answer = self._ask(certificate, issuer, urls, address, dial, deadline)
            if answer is None:
                if strict:
                    raise _refused("it demands a stapled OCSP response, and nobody vouches for it")
                _remember(self._quiet_until, about, monotonic() + PAUSE)
                return
            if answer.until is not None:
                _remember(self._known, about, (answer.revoked, answer.until))
            _judge(answer.revoked)

        return ask

    def _ask(
        self,
        certificate: bytes,
        issuer: bytes,
        urls: Sequence[str],
        address: Address,
        dial: Dial,
        deadline: float | None,
    ) -> Answer | None:
        try:
            question = Question(certificate, issuer)
        except ValueError:
            return None  # not for this library
        if self._ask_servers:
            response = stapled_response(address, certificate, dial, deadline)
            if response:
                try:
                    return question.answer(response, now())
                except NotKnown:
                    pass
                except NotBelieved as exc:
                    raise _refused(f"the stapled OCSP response proves nothing: {exc}") from exc
        if not self._ask_responders:
            return None
        return ask_responders(question, urls, deadline)


def _remember(memory: dict[bytes, ValueT], key: bytes, value: ValueT) -> None:
    while len(memory) >= _MAX_KNOWN:
        memory.pop(next(iter(memory), b""), None)
    memory[key] = value


def _judge(revoked: bool) -> None:
    if revoked:
        raise _refused("it was revoked, says an OCSP response")


def _refused(why: str) -> ssl.SSLCertVerificationError:
    return ssl.SSLCertVerificationError(
        1, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {why}"
    )
