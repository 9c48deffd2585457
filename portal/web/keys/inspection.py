"""What the page says it sees in a key, before anything is registered."""

from __future__ import annotations

from dataclasses import dataclass

from django.views.decorators.debug import sensitive_variables

from portal.accounts.models import User
from portal.core.algorithms import ALGORITHMS, Algorithm
from portal.core.public_key import PublicKey
from portal.registry.actions import read_key
from portal.registry.key_policy import key_policy
from portal.registry.models import Client


@dataclass(frozen=True, slots=True)
class KeyInspection:
    """A key that may be registered, and the algorithms that it may be registered for."""

    key: PublicKey
    algorithms: tuple[Algorithm, ...]
    notes: tuple[str, ...]

    @property
    def kid(self) -> str:
        """The kid the key will have (RFC 7638)."""
        return self.key.thumbprint

    @property
    def names(self) -> str:
        """The algorithms in a sentence: "PS256, PS384 or PS512"."""
        *most, last = [each.name for each in self.algorithms]
        return f"{', '.join(most)} or {last}" if most else last

    @property
    def recommended(self) -> Algorithm:
        """The algorithm to choose when nothing speaks against it: the table has the best first."""
        return self.algorithms[0]


@sensitive_variables("material")
def inspect_key(material: bytes | str, *, by: User, client: Client) -> KeyInspection:
    """Read and judge what was given; raise `Refused`. Nothing of it is kept."""
    key = read_key(material, by=by, client=client)
    policy = key_policy()
    policy.check_key(key)
    return KeyInspection(key, policy.algorithms_for(key), policy.notes_on(key))


def offered_algorithms() -> tuple[Algorithm, ...]:
    """Return all algorithms that a key can be registered for here."""
    legacy = key_policy().allow_legacy
    return tuple(each for each in ALGORITHMS.values() if legacy or not each.legacy)
