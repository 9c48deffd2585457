"""Private keys are looked for first."""

from __future__ import annotations

import re
from typing import Final

from portal.core.algorithms import PUBLIC_HALF
from portal.core.reasons import Reason, Refused

_LABEL: Final = re.compile(r"(BEGIN|END)[A-Z0-9]{0,24}?PRIVATEKEY")


def refuse_private(data: bytes) -> None:
    """Raise `Refused` when there is a private key in the data."""
    squeezed = re.sub(r"[^A-Z0-9]", "", data.decode("latin-1").upper())
    if _LABEL.search(squeezed):
        raise Refused(
            Reason.PRIVATE_KEY,
            found="This is a private key.",
            needed="Never share it. Please make a new pair.",
            command=PUBLIC_HALF,
        )
