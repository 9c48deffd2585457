"""A public key that may be registered."""

from __future__ import annotations

from dataclasses import dataclass

from portal.core.algorithms import ALGORITHMS, Algorithm
from portal.core.public_key import PublicKey
from portal.core.reasons import Reason, Refused


@dataclass(frozen=True, slots=True)
class AcceptedKey:
    """A key that `KeyPolicy.accept` has accepted; nothing else creates one.

    `algorithms` holds the algorithms it may be registered for, at least one, the recommended first.
    `notes` are sentences for the user.
    """

    key: PublicKey
    algorithms: tuple[Algorithm, ...]
    notes: tuple[str, ...]

    @property
    def names(self) -> str:
        """The algorithms in a sentence: "PS256, PS384 or PS512"."""
        *most, last = [each.name for each in self.algorithms]
        return f"{', '.join(most)} or {last}" if most else last

    @property
    def advice(self) -> tuple[str, ...]:
        """The notes of the algorithms, each sentence once."""
        return tuple(dict.fromkeys(each.note for each in self.algorithms if each.note))

    def algorithm(self, alg: str) -> Algorithm:
        """Return the algorithm of this name, if the key may be used with it; raise `Refused`.

        `alg` is a value of the JWS header `alg`, so both EdDSA and Ed25519 find the one entry.
        """
        named = [each for each in ALGORITHMS.values() if alg in each.headers]
        if not named:
            raise Refused(
                Reason.ALG_UNKNOWN,
                found="The portal does not know this algorithm.",
                needed=self._advice,
            )
        for each in named:
            if each in self.algorithms:
                return each
        for each in named:
            if fits(each, self.key):
                raise Refused(
                    Reason.ALG_NOT_OFFERED,
                    found=f"{each.name} is an older algorithm that this portal does not allow."
                    if each.legacy
                    else f"The key policy of this portal does not allow {each.name}.",
                    needed=self._advice,
                )
        raise Refused(
            Reason.ALG_DOES_NOT_FIT,
            found=f"This key ({self.key.description}) cannot be used with {named[0].name}.",
            needed=self._advice,
        )

    @property
    def _advice(self) -> str:
        names = " or ".join(each.name for each in self.algorithms)
        return f"For this key, choose {names}."


def is_of_kind(algorithm: Algorithm, key: PublicKey) -> bool:
    """Return whether the algorithm takes keys of this type and curve."""
    return (algorithm.kty, algorithm.curve) == (key.kty, key.curve)


def fits(algorithm: Algorithm, key: PublicKey) -> bool:
    """Return whether the algorithm takes the key, and the key's restriction allows it."""
    return is_of_kind(algorithm, key) and (not key.only or algorithm.name in key.only)
