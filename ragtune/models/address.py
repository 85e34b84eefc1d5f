"""Addresses of servers: checked before anything runs, filled in with variables, and never shown with their password."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, PlainSerializer

from ragtune.errors import ModelError, without_login

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_SUCH = "an endpoint is a URL such as http://localhost:8000/v1"
#: a text shorter than this is no secret worth hiding
_SECRET = 4
_PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY")


def well_formed(endpoint: str) -> str:
    """The address as it is.

    Raises:
        ValueError: it is no address, as it stands or whatever its variables hold.
    """
    filled = _VARIABLE.sub("1", endpoint)
    if _VARIABLE.match(endpoint):  # the variable holds the beginning
        filled = "http://1" + filled[1:]
    if wrong := _problem(filled):
        raise ValueError(wrong)
    return endpoint


def _problem(url: str) -> str:
    """What is wrong with an address, or ""; never what it says."""
    import httpx

    if not url.startswith(("http://", "https://")):
        return _SUCH
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        return f"{_SUCH}; its host or port cannot be read"
    if not named or any(c.isspace() or not c.isprintable() for c in url):
        return f"{_SUCH}; its host or port cannot be read"
    if parts.query or parts.fragment:
        return f"{_SUCH}, without ? and #"
    return ""


#: an address in a settings file: checked when read, and written without its user name and password
Endpoint = Annotated[str, AfterValidator(well_formed), PlainSerializer(without_login, when_used="json")]


@dataclass(frozen=True)
class Address:
    """Where to ask: ``url`` without user name and password, ``headers`` that carry them, the ``key``.

    ``secrets`` are texts that must never be shown.
    """

    url: str
    key: str
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()

    def cleaned(self, text: str) -> str:
        """The text without the secrets that it repeats."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return re.sub(r"\b(?:sk|pk|hf|gsk|xai|Bearer|Basic)[-_ ][\w.*+/=-]{6,}", "***", without_login(text))


def address(endpoint: str, key_env: str) -> Address:
    """The address that ``endpoint`` names, its variables filled in, with the key that the variable ``key_env`` holds.

    Raises:
        ModelError: a variable is not set, or holds no address or no key; or the proxy cannot be used.
    """
    shown = without_login(endpoint)
    for name in _VARIABLE.findall(endpoint):
        if not os.environ.get(name):
            raise ModelError(f"the variable {name} is not set.", where=shown, fix=f"Set ${name}.")
    values = [os.environ[name].strip() for name in _VARIABLE.findall(endpoint)]
    url = _VARIABLE.sub(lambda match: os.environ[match[1]].strip(), endpoint)
    if wrong := _problem(url):
        raise ModelError(f"{wrong}.", where=shown, fix="Mend the address or its variables.")
    _refuse_socks(shown)
    parts = urlsplit(url)
    login = unquote(parts.username or ""), unquote(parts.password or "")
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    headers = {}
    if any(login):
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(login).encode()).decode()
    key = _key(key_env, shown)
    found = [key, parts.password or "", *login, *headers.values(), *(v for v in values if v not in bare)]
    secrets = sorted({s for s in found if len(s) >= _SECRET and s != NO_KEY}, key=len, reverse=True)
    return Address(bare, key, headers, tuple(secrets))


#: what is sent where there is no key
NO_KEY = "none"


def _key(name: str, shown: str) -> str:
    """The key, without the line break that a file leaves at its end."""
    key = os.environ.get(name, "").strip() or NO_KEY
    if not (key.isascii() and key.isprintable()):
        raise ModelError(
            f"the key in ${name} holds a line break or letters that no key has.",
            where=shown,
            fix=f"Put the key alone into ${name}.",
        )
    return key


def _refuse_socks(shown: str) -> None:
    from importlib.util import find_spec

    for name in (spelt for proxy in _PROXIES for spelt in (proxy, proxy.lower())):
        if os.environ.get(name, "").startswith("socks") and find_spec("socksio") is None:
            raise ModelError(
                f"${name} names a SOCKS proxy, which needs the package socksio.",
                where=shown,
                fix=f"pip install 'httpx[socks]', or unset ${name}.",
            )
