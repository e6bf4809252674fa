"""What is never shown: the secrets of a connection string, wherever an error repeats them."""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_plus

REDACTED = "<redacted>"

#: The password: up to the last @ before the path, as those who forget to encode theirs write it.
_PASSWORD = re.compile(r"^[^:/]+://[^:@]*:(?P<password>.*)@", re.DOTALL)
_OPTION = re.compile(
    r"[?&;](?:proxyPassword|tlsCertificateKeyFilePassword|password)=(?P<value>[^&;]*)",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"AWS_SESSION_TOKEN(?::|%3A)(?P<value>[^&;,]*)", re.IGNORECASE)
#: To the end of the text: there may be blanks in a password that is not encoded.
_URI = re.compile(r"mongodb(?:\+srv)?://.*", re.IGNORECASE | re.DOTALL)


class Secrets:
    """The secrets in a connection string, as written and as meant."""

    def __init__(self, uri: str) -> None:
        found = [match["password"] for match in _PASSWORD.finditer(uri)]
        found += [match["value"] for match in _OPTION.finditer(uri)]
        found += [match["value"] for match in _TOKEN.finditer(uri)]
        texts = {form for text in found for form in (text, unquote(text), unquote_plus(text))}
        # The longest first: one may be a part of another.
        self._texts = sorted(filter(None, texts), key=len, reverse=True)

    def hide(self, text: str) -> str:
        """The text of an error without them."""
        for secret in self._texts:
            text = text.replace(secret, REDACTED)
        return text


def without_secrets(text: str) -> str:
    """A text that may repeat a connection string, without the secrets in it."""
    return _URI.sub(lambda match: Secrets(match[0]).hide(match[0]), text)
