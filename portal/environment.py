"""Reads environment variables, and names each that is missing or invalid.

Every function raises `ImproperlyConfigured` with a message that names the variable, the value found
(except a secret) and the value expected. No value is guessed: `ture` is an error, not `False`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from allauth.core.internal.ratelimit import parse_rates
from django.core.exceptions import ImproperlyConfigured
from django.http.request import validate_host

from portal.own_keys import OwnKey

_YES_OR_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_KEY_FILE_BYTES = 4096
_MAKE_ONE = "make one with: openssl rand -base64 48"
_SCOPE = re.compile(r"[\x21\x23-\x2b\x2d-\x3c\x3e-\x5b\x5d-\x7e]{1,100}")
_RESOURCE = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(/[A-Za-z0-9._~!$&'()*+;:@%/-]*)?")
_MAIL_SCHEMES = ("smtp", "smtp+tls", "smtp+ssl")
_CONTACT_SCHEMES = ("mailto:", "https://", "tel:")

# RFC 3986 §3, without the @ or second / that an unescaped password would leave in the URL.
_PLAIN = r"[\w.~!$&'()*,;=:-]"
_CHARACTER = rf"{_PLAIN}|%[0-9A-Fa-f]{{2}}"
_SERVER = re.compile(
    rf"[a-z+]+://((?:{_CHARACTER}|\+)*@)?(?P<hosts>(?:{_PLAIN}|[\[\]])*)"
    rf"(?:/(?:{_CHARACTER})*)?(?:\?(?:{_CHARACTER}|[+/?])*)?",
    re.ASCII,
)
_ESCAPED = "write @ as %40, # as %23, / as %2F, ? as %3F and % as %25 in user and password"


def text(name: str, default: str | None = None, *, like: str = "") -> str:
    """Return the variable unchanged; without a default it is required."""
    value = os.environ.get(name, default)
    if not value and default is None:
        hint = f", for example {like}" if like else ""
        raise ImproperlyConfigured(f"{name} is not set. Please give it{hint}.")
    return value or ""


def comma_separated(name: str, default: str | None = None, *, like: str = "") -> list[str]:
    """Return the comma-separated parts of the variable."""
    value = text(name, default, like=like)
    return [word.strip() for word in value.split(",") if word.strip()]


def yes_or_no(name: str, *, default: bool) -> bool:
    """Return whether the variable is true."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value not in _YES_OR_NO:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be true or false.")
    return _YES_OR_NO[value]


def number(name: str, default: int, *, least: int = 1, most: int | None = None) -> int:
    """Return the variable as a whole number within the limits, both included."""
    value = os.environ.get(name, "").strip() or str(default)
    expected = f"from {least} to {most}" if most is not None else f"of at least {least}"
    if not value.isdecimal() or int(value) < least or (most is not None and int(value) > most):
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be a whole number {expected}.")
    return int(value)


def sorted_file(name: str, record_bytes: int) -> str:
    """Return the path of a file of sorted records of `record_bytes` bytes; empty if not set.

    Compares about 256 records, to detect a file of another kind.
    """
    value = os.environ.get(name, "").strip()
    if not value:
        return ""
    path = Path(value)
    try:
        count, rest = divmod(path.stat().st_size, record_bytes)
        with path.open("rb") as file:
            some = [
                (file.seek(place * record_bytes), file.read(record_bytes))[1]
                for place in range(0, count, count // 256 + 1)
            ]
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name} is {value!r}, which cannot be read: {error.strerror}."
        ) from None
    if not count or rest or some != sorted(some):
        raise ImproperlyConfigured(
            f"{name} is {value!r}, which is no file of sorted records of {record_bytes} bytes. "
            "It must be the blocklist.dat of badkeys, unpacked."
        )
    return value


def scopes(name: str, default: str) -> dict[str, str]:
    """Return the scopes of tokens (RFC 6749 §3.3), each with its description for users."""
    named = _named(name, default, _SCOPE)
    if not named:
        raise ImproperlyConfigured(
            f"{name} is {os.environ.get(name)!r}; it must be like {default}: "
            "names without spaces, each name once, "
            "and what each allows, as people read it when they consent."
        )
    return named


def resources(name: str) -> dict[str, str]:
    """Return the resources of tokens (RFC 8707 §2), each with its description for users."""
    named = _named(name, "", _RESOURCE) if os.environ.get(name, "").strip() else {}
    if named is None:
        raise ImproperlyConfigured(
            f"{name} is {os.environ.get(name)!r}; it must be like "
            "https://api.example.com=Your accounts: addresses without query and fragment, "
            "each once, and what each is, as people read it when they consent."
        )
    return named


def _named(name: str, default: str, form: re.Pattern[str]) -> dict[str, str] | None:
    """Return the names with their descriptions, or None if the value has another form."""
    pairs = [each.partition("=") for each in comma_separated(name, os.environ.get(name) or default)]
    named = {key.strip(): meaning.strip() for key, _, meaning in pairs}
    are_fit = all(form.fullmatch(key) and meaning for key, meaning in named.items())
    return named if named and are_fit and len(named) == len(pairs) else None


def networks(name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the comma-separated IP networks, by default none."""
    values = comma_separated(name, default="")
    try:
        return tuple(ip_network(each) for each in values)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} is {','.join(values)!r}; it must be like 10.20.0.0/16,fd00:1::/64: {error}."
        ) from None


def rate(name: str, default: str) -> str:
    """Return a rate limit in the syntax of django-allauth, such as `5/5m/key,20/1m/ip`."""
    value = os.environ.get(name, "").strip() or default
    try:
        is_rate = all(
            each.amount > 0 and each.duration > 0 and each.per in {"ip", "user", "key"}
            for each in parse_rates(value)
        )
    except ValueError:
        is_rate = False
    if not is_rate:
        raise ImproperlyConfigured(
            f"{name} is {value!r}; it must be like {default}: how many, in which time "
            "(s, m, h or d) and for each ip, user or key; several of them have commas between."
        )
    return value


def choice(name: str, default: str, *, among: Sequence[str]) -> str:
    """Return the variable, in lower case, if it is one of these words."""
    value = os.environ.get(name, "").strip().lower() or default
    if value not in among:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be {' or '.join(among)}.")
    return value


def log_level(name: str, default: str) -> str:
    """Return the name of a level of Python's logging."""
    value = os.environ.get(name, "").strip().upper() or default
    if value not in _LOG_LEVELS:
        raise ImproperlyConfigured(
            f"{name} is {value!r}; it must be one of {', '.join(_LOG_LEVELS)}."
        )
    return value


def secret(name: str) -> str:
    """Return a secret of sufficient length."""
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. Please {_MAKE_ONE}")
    _check_secret(name, value)
    return value


def earlier_secrets(name: str) -> list[str]:
    """Return the comma-separated secrets, by default none."""
    values = comma_separated(name, default="")
    for value in values:
        _check_secret(name, value)
    return values


def _check_secret(name: str, value: str) -> None:
    if len(value) < 50:
        raise ImproperlyConfigured(
            f"{name} has a key of {len(value)} characters; it must have at least 50. "
            f"Please {_MAKE_ONE}"
        )


def own_keys(name: str) -> tuple[OwnKey, ...]:
    """Return the portal's own keys of a purpose: the first signs, and all are published.

    The variable holds a comma-separated list of sources with a key in PEM: the path of a file, or
    `env:` and the name of a variable.
    """
    keys: dict[bytes, OwnKey] = {}
    for source in comma_separated(name, default=""):
        if not source.startswith(("/", "env:")):
            # The message omits the value, which may be the key itself.
            raise ImproperlyConfigured(
                f"{name} must be like /run/secrets/checkpoint.pem or env:CHECKPOINT_KEY: "
                "full paths of files, or names of variables, with commas between."
            )
        is_file = source.startswith("/")
        held = _key_file(name, source) if is_file else os.environ.get(source[4:], "")
        try:
            key = OwnKey.parse(held)
        except ValueError as problem:
            raise ImproperlyConfigured(
                f"{name} names {source!r}, which {problem}. "
                "Please make a key with: manage.py own_keys --make FILE"
            ) from None
        if key.public_bytes in keys:
            raise ImproperlyConfigured(f"{name} names the key in {source!r} twice.")
        if not keys and not key.can_sign:
            raise ImproperlyConfigured(
                f"{name} names {source!r} first, which has only a public key; the first key signs."
            )
        keys[key.public_bytes] = key
    return tuple(keys.values())


def _key_file(name: str, source: str) -> str:
    """Return the content of a private key file, which only its user and group may read."""
    try:
        path = Path(source)
        mode = path.stat().st_mode
        if not path.is_file():
            raise ImproperlyConfigured(f"{name} names {source!r}, which is not a file.")
        # The group may read: Kubernetes gives a secret to the group of the pod.
        if mode & 0o027:
            raise ImproperlyConfigured(
                f"{name} names {source!r}, which others may read or its group may change "
                f"(mode {mode & 0o777:o}). Please run: chmod 600 {source}"
            )
        with path.open("rb") as file:
            return file.read(_KEY_FILE_BYTES).decode("ascii", "replace")
    except OSError as error:
        raise ImproperlyConfigured(
            f"{name} names {source!r}, which cannot be read: {error.strerror}."
        ) from None


def public_url(name: str, *, demo: bool) -> str:
    """Return the URL by which users and clients know the portal: only scheme and host.

    It is the issuer (RFC 8414 §2), which clients compare byte for byte.
    """
    url = text(name, like="https://keys.example.com")
    if not url.isascii():
        raise ImproperlyConfigured(
            f"{name} is {url!r}; please write the host in its xn-- form (RFC 5890), "
            "as DNS, certificates and clients have it."
        )
    parts = urlsplit(url)
    if parts.scheme != "https" and not (demo and parts.scheme == "http"):
        raise ImproperlyConfigured(
            f"{name} is {url!r}; it must begin with https:// (http:// only with DEMO)."
        )
    try:
        host, port = _host(url), parts.port
    except ValueError:
        host, port = "", None
    if not host or url != f"{parts.scheme}://{host}" + (f":{port}" if port else ""):
        raise ImproperlyConfigured(
            f"{name} is {url!r}; it must be like https://keys.example.com, in lower case, "
            "without a slash at the end, and without path, query, fragment or user."
        )
    if demo and not _is_near(parts.hostname or ""):
        raise ImproperlyConfigured(
            f"{name} is {url!r} and DEMO is set, which prints e-mails to the terminal and is for "
            "trying out on your own machine: please use http://localhost, or leave DEMO out."
        )
    return url


def _is_near(host: str) -> bool:
    """Return whether a host is this machine, or has a name without dots, as containers do."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return "." not in host or host.endswith(".localhost")


def hosts(name: str, *, of: str, demo: bool) -> list[str]:
    """Return the host names to serve; they must include the host of the URL `of`."""
    host = _host(of)
    names = comma_separated(name, like=host)
    if not all(each.isascii() for each in names):
        raise ImproperlyConfigured(
            f"{name} is {','.join(names)!r}; please write each host in its xn-- form (RFC 5890)."
        )
    if "*" in names and not demo:
        raise ImproperlyConfigured(
            f"{name} has a *; please name the hosts, because links in e-mails are made of them."
        )
    if not validate_host(host, names):
        raise ImproperlyConfigured(
            f"{name} is {','.join(names)!r}; it must contain {host}, the host of PUBLIC_URL."
        )
    return names


def address(name: str) -> tuple[str, int] | None:
    """Return the IP address and port to listen on, such as `127.0.0.1:9464`; None if not set."""
    value = os.environ.get(name, "").strip()
    if not value:
        return None
    host, _, port = value.rpartition(":")
    try:
        bare = str(ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        bare = ""
    if not bare or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise ImproperlyConfigured(
            f"{name} is {value!r}; it must be an IP address and a port, like 127.0.0.1:9464."
        )
    return bare, int(port)


def collector(name: str) -> str:
    """Return the URL of an OTLP receiver; empty if not set. It needs OpenTelemetry."""
    url = os.environ.get(name, "").strip()
    if not url:
        return ""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not parts.path.strip("/"):
        raise ImproperlyConfigured(
            f"{name} is {url!r}; it must be like http://127.0.0.1:4318/v1/traces."
        )
    if find_spec("opentelemetry") is None:
        raise ImproperlyConfigured(
            f"{name} is set, and OpenTelemetry is not installed. "
            "Please install requirements-tracing.txt, or build the image with TRACING=yes."
        )
    return url


def _host(url: str) -> str:
    """Return the host of a URL in the form of the Host header, without the port."""
    host = urlsplit(url).hostname or ""
    return f"[{host}]" if ":" in host else host


def database(name: str, *, demo: bool) -> dict[str, Any]:
    """Return Django's settings for the database with this URL: PostgreSQL, or SQLite for DEMO."""
    like = "postgresql://portal:password@db.example.com:5432/portal"
    url = text(name, like=like)
    scheme = url.partition(":")[0]
    if scheme == "sqlite" and not demo:
        raise ImproperlyConfigured(
            f"{name} names SQLite, which is for DEMO only; it must be like {like}."
        )
    if scheme not in {"postgresql", "postgres", "sqlite"}:
        raise ImproperlyConfigured(f"{name} must be like {like}; it begins with {scheme[:20]!r}.")
    if scheme != "sqlite":
        _check_server(name, url)
    try:
        settings = environ.Env.db_url_config(url)
    except ValueError:
        settings = {}
    if not settings.get("NAME"):
        raise ImproperlyConfigured(
            f"{name} has no database name, or a wrong port; it must be like {like}."
        )
    return dict(settings)


def _check_server(name: str, url: str) -> None:
    """Refuse a URL that has another meaning to the parser than to its author."""
    found = _SERVER.fullmatch(url)
    if not found:
        raise ImproperlyConfigured(
            f"{name} has a character that is not allowed there and must be escaped: {_ESCAPED}."
        )
    have_ports = {bool(re.search(r":\d+$", each)) for each in found["hosts"].split(",")}
    if len(have_ports) > 1:
        raise ImproperlyConfigured(
            f"{name} names several hosts, only some of them with a port: "
            "please give each its port, or none."
        )


def replica(name: str, *, of: str, demo: bool) -> dict[str, Any] | None:
    """Return Django's settings for the replica with this URL, or None if not set.

    `of` is the name of the primary's variable.
    """
    if not text(name, default=""):
        return None
    primary, settings = database(of, demo=demo), database(name, demo=demo)
    if any(each["ENGINE"] != "django.db.backends.postgresql" for each in (primary, settings)):
        raise ImproperlyConfigured(
            f"{name} is set, and only PostgreSQL has replicas: please leave it out, "
            f"or let {of} and {name} both begin with postgresql://."
        )
    if settings["NAME"] != primary["NAME"]:
        raise ImproperlyConfigured(
            f"{name} has the database {settings['NAME']!r}; it must be {primary['NAME']!r} "
            f"as in {of}: a replica has the same databases as its primary."
        )
    if _server(settings) == _server(primary):
        raise ImproperlyConfigured(
            f"{name} names the same server as {of}; please name the replica, or leave it out."
        )
    return settings


def session_options(name: str, limits: Mapping[str, str], options: str | None) -> str:
    """Return PostgreSQL's options of each session: the limits, then the options of the variable.

    `options` of the database's URL replace the variable, as in libpq. If the URL or the variable
    sets empty options, there are no limits: poolers refuse options.
    """
    given = os.environ.get(name) if options is None else options
    if given == "":
        return ""
    return " ".join([f"-c {key}={value}" for key, value in limits.items()] + [given or ""]).strip()


def _server(settings: dict[str, Any]) -> tuple[str, str, str]:
    """Return the address of a server: host, port, and the host or socket folder of its options."""
    options = settings.get("OPTIONS", {})
    return settings["HOST"], str(settings["PORT"] or 5432), options.get("host", "")


def mail(name: str) -> dict[str, Any]:
    """Return Django's settings for the mail server with this URL."""
    like = "smtp+tls://user:password@mail.example.com:587"
    url = text(name, like=like)
    settings: dict[str, Any] = {}
    if url.partition("://")[0] in _MAIL_SCHEMES:
        _check_server(name, url)
        with suppress(ValueError):
            settings = environ.Env.email_url_config(url)
    if not settings.get("EMAIL_HOST"):
        raise ImproperlyConfigured(
            f"{name} must be like {like}; it may begin with {', '.join(_MAIL_SCHEMES)}."
        )
    return settings


def contacts(name: str) -> list[str]:
    """Return the comma-separated contact URIs (RFC 9116 §2.5.3)."""
    found = comma_separated(name, default="")
    for each in found:
        if not each.startswith(_CONTACT_SCHEMES) or not re.fullmatch(r"[!-~]+", each):
            raise ImproperlyConfigured(
                f"{name} has {each!r}; it must be like mailto:security@example.com, "
                f"and may begin with {', '.join(_CONTACT_SCHEMES)}."
            )
    return found
