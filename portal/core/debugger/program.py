"""Reads the request that a program, an export or a log line shows, by the names of parameters.

It does not parse the language. It looks for the few names that a token request has, and takes the
value after each. So it reads JavaScript, Python, PowerShell, Go, C#, Java, wget, HTTPie, HAR and
Postman alike. Each pattern takes each character once, and begins with a letter, which is fast to
find.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Final
from urllib.parse import unquote_plus

from portal.core.debugger.request_text import Parameters, RequestText

_MAX_VALUES: Final = 200
_MAX_URLS: Final = 50
_TELLING: Final = frozenset({"client_assertion", "client_assertion_type", "grant_type"})

_QUOTED: Final = r"\"[^\"]*+\"|'[^']*+'|`[^`]*+`"
_VALUE: Final = re.compile(
    r"(client_assertion_type|client_assertion|client_secret|client_id|grant_type|scope)"
    r"(?![A-Za-z0-9_-])"
    r"[\"'`\])}]{0,3}\s{0,20}"
    r"(,\s{0,20}[\"']?value[\"']?\s{0,9}[:=]|=>|:=|==?|:|,|to\b)"
    r"(\s{0,20})(?:\[\]string)?[\[{(]{0,2}[fbrFBR@]{0,2}"
    rf"({_QUOTED}|[^\s\"'`&,;()\[\]{{}}<>]++)"
)
_PART_OF_A_NAME: Final = re.compile(r"[A-Za-z0-9_.$-]")
_SIGIL: Final = re.compile(r"[$%<{]")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*", re.ASCII)
_GRANT: Final = re.compile(r"[a-z]+_[a-z_]+")

# The others are searched in the text in lower case.
_CALLS: Final = (
    "fetch(", "axios.", "axios(", "requests.", "httpx.", "got.post(", "ky.post(", "urlopen(",
    "invoke-restmethod", "invoke-webrequest", "wget ", "httpclient", "httprequest", "http.post",
    "http.newrequest", "curl_setopt", "net::http", "restclient", "xmlhttprequest", "urlrequest",
    "okhttp", "resttemplate", "webclient", "reqwest", '"request":{', '"request": {',
    '"_type":"request"', '"_type": "request"',
)  # fmt: skip
_HTTPIE: Final = re.compile(r"(?:\$ )?https? (?:-\S{1,30} ){0,5}(get|post|put|(?=http))")
_METHODS: Final = tuple(
    re.compile(f"{before}(get|post|put|patch|delete|head)\\b")
    for before in (
        r"method[\"']?\s{0,9}[:=]\s{0,9}[\"'`]?",
        r"-method\s{1,9}[\"']?",
        r"(?:requests|httpx|axios|got|ky)\.",
        r"newrequest\([\"']",
    )
)
_JSON: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"body\s{0,3}[:=]\s{0,3}json\.stringify\(",
        r"data\s{0,3}[:=]\s{0,3}json\.(?:stringify|dumps)\(",
        r"json\s{0,3}[:=]\s{0,3}[{a-z]",
        r"content-?type[\"'`\])]{0,3}\s{0,5}[:=,]?\s{0,5}(?:\"value\":\s{0,3})?[\"'`]?application/json",
        r"-body\s{1,3}\(?[^|\n]{0,99}\|\s{0,3}convertto-json",
        r"postasjson|jsoncontent",
        r"axios\.post\([^,]{0,300},\s{0,20}\{",
        r"axios\(\{[^{}]{0,300}data:\s{0,3}\{",
        r"stringcontent\([^()]{0,200}application/json",
        r"mediatype\.application_json",
    )
)
_GET_BY_DEFAULT: Final = ("fetch(", "invoke-restmethod", "invoke-webrequest")
_BASIC: Final = re.compile(r"auth=\(|set_?basic_?auth\(|auth:\s{0,3}\{")
_FORMS: Final = ("x-www-form-urlencoded", "urlsearchparams", "formurlencodedcontent")
_MULTIPART: Final = ("multipart/form-data", "formdata(", '"mode":"formdata"', '"mode": "formdata"')
# Not `params = {`, which is a variable.
_IN_QUERY: Final = re.compile(r"(?:params|query)(?:=|: ?)\{[^{}]*client_assertion")
_URL: Final = re.compile(r"https?://[^\s\"'`<>()\[\],;\\]++")
_URL_NAME: Final = re.compile(r"(?:url|uri|raw)[\"'`]?\s{0,9}[:=]?\s{0,9}[\"'`]?\Z", re.IGNORECASE)
_URL_NAME_BEFORE: Final = 30
_AUTHORIZATION: Final = re.compile(
    r"authorization[\"'`\])]{0,3}\s{0,9}[:=,]\s{0,9}(?:\"value\":\s{0,3})?[fbr@]?[\"'`]?"
    r"(basic|bearer)\b"
)


def read_program(text: str) -> RequestText | None:
    """Return the request that a text shows, or None if it names no parameter of one."""
    parameters: Parameters = {}
    assumed: set[str] = set()
    spans = []
    for match in islice(_VALUE.finditer(text), _MAX_VALUES):
        if match.start() and _PART_OF_A_NAME.match(text, match.start() - 1):
            continue
        name, value = match[1], match[4]
        spans.append(match.span(4))
        if _is_variable(name, value, glued=match[2] in {"=", "=="} and not match[3]):
            assumed.add(name)
        else:
            value = value.strip("\"'`").removesuffix("\\")  # of a shell, before a line break
            parameters.setdefault(name, (unquote_plus(value) if "%" in value else value,))
    if _TELLING.isdisjoint(parameters.keys() | assumed):
        return None
    lower = text.lower()
    is_whole = any(call in lower for call in _CALLS) or _HTTPIE.match(lower) is not None
    return RequestText(
        "a program" if is_whole else "a text",
        parameters,
        authorization_in(text) or ("Basic" if is_whole and _BASIC.search(lower) else ""),
        _content_type(lower),
        method=_method(lower) if is_whole else "",
        url=_url(text, spans) if is_whole else "",
        is_whole=is_whole,
        assumed=frozenset(assumed - parameters.keys()),
    )


def _is_variable(name: str, value: str, *, glued: bool) -> bool:
    """Tell whether a value is a variable of the program. `glued` means it is written `name=value`.

    A word without quotes is one, but not in a form body or in the arguments of HTTPie.
    """
    if value[0] in "\"'`":
        return False
    if name in {"client_assertion", value}:
        return "eyJ" not in value
    if name == "grant_type" and _GRANT.fullmatch(value):
        return False
    return _SIGIL.match(value) is not None or (not glued and _NAME.fullmatch(value) is not None)


def authorization_in(text: str) -> str:
    """Return the scheme of an Authorization header in a text, or an empty string."""
    match = _AUTHORIZATION.search(text.lower())
    return match[1].capitalize() if match else ""


def _content_type(lower: str) -> str:
    if any(mark in lower for mark in _MULTIPART):
        return "multipart/form-data"
    httpie = _HTTPIE.match(lower)
    if httpie and "--form" not in lower and "-f " not in httpie[0]:
        return "application/json"
    if any(mark in lower for mark in _FORMS):
        return ""
    return "application/json" if any(pattern.search(lower) for pattern in _JSON) else ""


def _method(lower: str) -> str:
    found = [_HTTPIE.match(lower), *(pattern.search(lower) for pattern in _METHODS)]
    method = next((match[1].upper() for match in found if match and match[1]), "")
    by_default = "GET" if any(call in lower for call in _GET_BY_DEFAULT) else ""
    return method or by_default


def _url(text: str, spans: list[tuple[int, int]]) -> str:
    """Return the first URL that is named as one, or else the first that is no parameter."""
    urls = []
    for match in islice(_URL.finditer(text), _MAX_URLS):
        at = match.start()
        if not any(start <= at < end for start, end in spans):
            named = _URL_NAME.search(text[max(at - _URL_NAME_BEFORE, 0) : at])
            urls.append((named is None, match[0].rstrip(".")))
    url = min(urls, key=lambda each: each[0], default=(True, ""))[1]
    return f"{url}?" if url and _IN_QUERY.search(text) and "?" not in url else url
