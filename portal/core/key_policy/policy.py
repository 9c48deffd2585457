"""The rules for public keys, and the algorithms that each may be used with.

Sources: CA/B Baseline Requirements §6.1.1.3, §6.1.5 and §6.1.6, SP 800-56A §5.6.2.3, and Boulder's
goodkey, which implements them. `parse_public_key` checks that a key is well-formed; this module
judges it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from portal.core.algorithms import ALGORITHMS, PUBLIC_HALF, Algorithm, generate_rsa
from portal.core.formats.spki import CURVES, point_invalid
from portal.core.key_policy import edwards
from portal.core.key_policy.accepted import AcceptedKey, fits, is_of_kind
from portal.core.key_policy.known_keys import KNOWN_KEYS
from portal.core.key_policy.published_keys import NO_LIST, PublishedKeys
from portal.core.key_policy.requirements import NO_REQUIREMENTS, Requirements, listed
from portal.core.key_policy.rsa import find_weakness
from portal.core.public_key import PublicKey
from portal.core.public_key.negation import fingerprints
from portal.core.public_key.unsupported import NEW_KEY, NEW_RSA_KEY
from portal.core.reasons import Reason, Refused

RSA_FLOOR: Final = 2048
RSA_CEILING: Final = 8192
RSA_EXPONENT: Final = 65537

_WEAKNESSES: Final = {
    Reason.RSA_MODULUS_INVALID: "The modulus of this RSA key is an even number.",
    Reason.RSA_MODULUS_PRIME: "The modulus of this RSA key is a prime, not a product of two.",
    Reason.RSA_MODULUS_POWER: "The modulus of this RSA key is a power of a smaller number.",
    Reason.RSA_SMALL_FACTOR: "The modulus of this RSA key has a small factor.",
    Reason.RSA_CLOSE_PRIMES: "The two primes of this RSA key are so close that anyone can find "
    "them.",
    Reason.RSA_SHARED_PRIME: "This RSA key shares a prime with a key known to be broken.",
    Reason.RSA_ROCA: "This RSA key was made by a faulty chip (ROCA, CVE-2017-15361).",
    Reason.RSA_BIASED: "The modulus of this RSA key is not random.",
}

_OF_DAMAGE: Final = frozenset({Reason.RSA_MODULUS_INVALID, Reason.RSA_SMALL_FACTOR})
"""A typo in a modulus causes these: most random numbers have a small factor."""
_DAMAGED: Final = (
    "No program creates such a key. The file is probably damaged: one wrong character is enough. "
    "Copy it again, or write it again from your private key."
)
_PROTECTS_NOTHING: Final = "Such a key is not secure. Create a new one with openssl."


def never(_spki_sha256: str) -> bool:
    """Block no key."""
    return False


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """The requirements for keys. The defaults are the secure choice.

    `is_blocked` returns whether the key with this SHA-256 of its SubjectPublicKeyInfo is blocked;
    it is called for both signs of a point. Keys whose private key is public are blocked too: those
    in `KNOWN_KEYS` and those in the list `published`. `allow_legacy` offers RS256 to RS512.
    `required` is what admins require beyond the settings. Raise `ValueError` for limits that no
    setting may have.
    """

    rsa_min_bits: int = RSA_FLOOR
    rsa_max_bits: int = 4096
    allow_legacy: bool = False
    is_blocked: Callable[[str], bool] = never
    published: PublishedKeys = NO_LIST
    required: Requirements = NO_REQUIREMENTS

    def __post_init__(self) -> None:
        if not RSA_FLOOR <= self.rsa_min_bits <= self.rsa_max_bits <= RSA_CEILING:
            raise ValueError(f"RSA sizes must be {RSA_FLOOR} <= min <= max <= {RSA_CEILING}.")

    @property
    def offered(self) -> tuple[Algorithm, ...]:
        """All algorithms that a key can be registered for."""
        allowed = self.required.algorithms
        return tuple(
            each
            for each in ALGORITHMS.values()
            if (self.allow_legacy or not each.legacy) and (allowed is None or each.name in allowed)
        )

    @property
    def smallest_rsa(self) -> int:
        """The smallest size of an RSA key, in bits. It never exceeds the largest size."""
        return min(max(self.rsa_min_bits, self.required.rsa_min_bits), self.rsa_max_bits)

    def accept(self, key: PublicKey) -> AcceptedKey:
        """Return the key with the algorithms it may be used with; raise `Refused`."""
        self.check_key(key)
        algorithms = self._algorithms_for(key)
        notes = _notes_on(key, algorithms)
        if self.required.longest is not None:
            days = self.required.longest.days
            notes += (f"The key policy lets a key live for at most {days} days: it needs an end.",)
        return AcceptedKey(key, algorithms, notes)

    def check_required(self, key: PublicKey, algorithm: Algorithm) -> None:
        """Raise `Refused` if an accepted key no longer meets what admins require since."""
        if key.kty == "RSA":
            self._check_rsa_size(key.bits)
        if algorithm not in self.offered:
            raise self._not_allowed(key)

    def _algorithms_for(self, key: PublicKey) -> tuple[Algorithm, ...]:
        usable = tuple(each for each in self.offered if fits(each, key))
        if not usable and any(ALGORITHMS[name].legacy for name in key.only):
            # RFC 7517 §4.4: the alg of a JWK names the intended use of its key. A key intended for
            # the older RSA padding is equally suitable for the newer one.
            usable = tuple(each for each in self.offered if is_of_kind(each, key))
        if not usable and self.required.algorithms is not None:
            # Refused for another cause if the key could not be used without the requirement.
            replace(self, required=NO_REQUIREMENTS).accept(key)
            raise self._not_allowed(key)
        if not usable:
            raise Refused(
                Reason.ALG_NOT_OFFERED,
                found=f"This {key.description} is restricted to uses that this portal does not "
                "support.",
                needed="Enter the key without that restriction, or create a new one.",
                command=NEW_KEY,
            )
        return usable

    def _not_allowed(self, key: PublicKey) -> Refused:
        best = next(iter(self.offered), None)
        return Refused(
            Reason.ALG_NOT_OFFERED,
            found=f"The key policy of this portal does not allow this kind of key "
            f"({key.description}).",
            needed=f"Allowed algorithms: {listed(each.name for each in self.offered)}."
            + (f" Create a key for {best.name}." if best else " Ask an admin of the portal."),
            command=f"{best.generate} && {PUBLIC_HALF}" if best else "",
        )

    def check_key(self, key: PublicKey) -> None:
        """Raise `Refused` unless the key may be used."""
        match key.kty:
            case "RSA":
                self._check_rsa(key)
            case "EC":
                _check_ec(key)
            case "OKP":
                _check_edwards(key)
        # Every AKP key of the right length is a valid one (FIPS 204 §7.2).
        if not KNOWN_KEYS.isdisjoint(fingerprints(key)) or key in self.published:
            raise Refused(
                Reason.BLOCKED,
                found="The private key of this key pair is published or easy to guess.",
                needed="Anyone could authenticate as you. Create a key of your own.",
                command=_remake(key),
            )
        self.check_not_blocked(key)

    def check_not_blocked(self, key: PublicKey) -> None:
        """Raise `Refused` if the key, or the one with the other sign, has been blocked."""
        if any(map(self.is_blocked, fingerprints(key))):
            raise Refused(
                Reason.BLOCKED,
                found="This key is blocked, because its private key is no longer secret.",
                needed="Create a new key. A blocked key stays blocked.",
                command=_remake(key),
            )

    def _check_rsa(self, key: PublicKey) -> None:
        # Sizes first: the later checks do arithmetic with the numbers.
        self._check_rsa_size(key.bits)
        if key.e != RSA_EXPONENT:
            raise Refused(
                Reason.RSA_EXPONENT,
                found="The public exponent of this RSA key is not the usual one.",
                needed="It must be 65537, the default of openssl.",
                command=NEW_RSA_KEY,
            )
        weakness = find_weakness(key.n, key.e)
        if weakness is not None:
            raise Refused(
                weakness,
                found=_WEAKNESSES[weakness],
                needed=_DAMAGED if weakness in _OF_DAMAGE else _PROTECTS_NOTHING,
                command=PUBLIC_HALF if weakness in _OF_DAMAGE else NEW_RSA_KEY,
            )

    def _check_rsa_size(self, bits: int) -> None:
        found = f"This is an RSA key of {bits} bits."
        least = self.smallest_rsa
        good = max(3072, least) if self.rsa_max_bits >= 3072 else self.rsa_max_bits
        command = f"{generate_rsa(good)} && {PUBLIC_HALF}"
        choice = f"{good} is a good choice"
        if bits < least:
            needed = f"It needs at least {least} bits; {choice}."
            raise Refused(Reason.RSA_TOO_SHORT, found=found, needed=needed, command=command)
        if bits > self.rsa_max_bits:
            needed = f"At most {self.rsa_max_bits} bits are accepted; {choice}."
            raise Refused(Reason.RSA_TOO_LONG, found=found, needed=needed, command=command)
        if bits % 8:  # Baseline Requirements §6.1.5
            needed = f"The number of bits must be divisible by 8; {choice}."
            raise Refused(Reason.RSA_ODD_LENGTH, found=found, needed=needed, command=command)


def _notes_on(key: PublicKey, usable: tuple[Algorithm, ...]) -> tuple[str, ...]:
    """Return the notes of a key, with the replacement for an algorithm that is not offered."""
    if not key.only or any(each.name in key.only for each in usable):
        return key.notes
    named, best = " or ".join(key.only), usable[0].name
    if key.bound_by:
        sentence = (
            f"This portal does not allow {named}. Create a key for {best} there, and add that one."
        )
        return (*key.notes, sentence)
    sentence = (
        f"Its member alg is {named}, an older algorithm that this portal does not allow. The "
        f"portal accepts the key for {best}: sign with {best}."
    )
    return (*key.notes, sentence)


def _remake(key: PublicKey) -> str:
    """Return the commands that generate a new key of the same kind."""
    generate = next(each.generate for each in ALGORITHMS.values() if fits(each, key))
    return f"{generate} && {PUBLIC_HALF}"


def _check_ec(key: PublicKey) -> None:
    try:
        # On the curve, coordinates below p, not infinity: full validation, as the cofactor is 1
        # (SP 800-56A §5.6.2.3.3).
        ec.EllipticCurvePublicKey.from_encoded_point(CURVES[key.curve], key.raw)
    except ValueError:
        raise point_invalid() from None


def _check_edwards(key: PublicKey) -> None:
    match edwards.check_point(key.curve, key.raw):
        case edwards.Verdict.INVALID:
            raise Refused(
                Reason.ED_POINT_INVALID,
                found=f"This is not a valid {key.curve} public key.",
                needed="The file is damaged, or a faulty program created it. Create a new key.",
                command=NEW_KEY,
            )
        case edwards.Verdict.SMALL_ORDER:
            raise Refused(
                Reason.ED_SMALL_ORDER,
                found=f"This {key.curve} key is one of a few for which anyone can sign.",
                needed="No program creates such a key by accident. Create a new one.",
                command=NEW_KEY,
            )
