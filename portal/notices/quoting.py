"""Write names that people have chosen into messages, so that no mail program makes links of them.

Mail programs turn addresses in plain text into links, also without a scheme. Brackets break that in
all of them, and a reader sees what was there. An invisible character would not do: programs differ
in which ones end a link, and browsers ignore some of them in host names (UTS 46).
"""

from __future__ import annotations

import re
from typing import Final

# The other dots are those that host names may have in place of a full stop (RFC 3490 §3.1).
_LINKED: Final = re.compile(
    r"://"
    r"|(?<=\w)[.\u3002\uff0e\uff61](?=[^\W\d])"  # a host: evil.example
    r"|(?<=[^\W\d]):(?=\S)"  # a scheme without slashes: tel:
    r"|(?<=\S)@(?=\S)"  # an e-mail address
    r"|//|\\\\"  # without a scheme: //host, \\host
)
# Of such an address, a mail program makes no other link than one to write to it.
_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def unlinked(text: str) -> str:
    """Return the text with brackets where a mail program would see a link: `evil[.]example`."""
    return _LINKED.sub(lambda found: f"[{found[0]}]", text)


def quoted(name: str) -> str:
    """Return a name in quotation marks, without links."""
    return f"“{unlinked(name)}”"


def address(email: str) -> str:
    """Return a person's e-mail address; an unusual one without links."""
    return email if _EMAIL.fullmatch(email) else unlinked(email)
