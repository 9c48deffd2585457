"""Judge registered keys: find RSA moduli that share a prime, and apply rules that are newer.

Both can be stopped and run again, or run twice at once: a shared prime is found when the later of
its keys is judged, and reporting it is idempotent.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Exists, OuterRef, QuerySet

from portal.core.key_policy.judging import judge, rules
from portal.core.key_policy.shared_primes import find_shared_primes, find_sharers
from portal.core.reasons import Reason
from portal.registry.actions import report_weakness
from portal.registry.key_policy import published_keys
from portal.registry.models import ClientKey, JudgedKey

COMPARED_AT_ONCE: Final = 20_000
"""How many new moduli are compared with all others at once. Takes about 200 MB of memory."""

JUDGED_AT_ONCE: Final = 200
"""How many keys are judged again before they are marked as judged."""

_PIECE: Final = 10_000
"""How many moduli are read at once."""

SHARED: Final = "It shares a prime with another key, so anyone can compute both private keys."


@dataclass(frozen=True, slots=True)
class _Modulus:
    key: int
    n: int


@dataclass(frozen=True, slots=True)
class Judged:
    """How many keys were judged, and how many of them were found weak for the first time."""

    keys: int
    weak: int


def compare_moduli() -> Iterator[Judged]:
    """Compare new proved RSA keys with all others; report those that share a prime.

    Only proved keys count: otherwise anyone who registers N·q could make N look weak. Retired and
    revoked keys count too, because other keys may share their primes. Yields its progress.
    """
    while new := _new_moduli():
        shared = find_shared_primes(
            [each.n for each in new],
            ([each.n for each in piece] for piece in _known_moduli()),
        )
        weak = _report_shared([new[place] for place in shared]) if shared else 0
        _mark((each.key for each in new), compared=True)
        yield Judged(len(new), weak)


def judge_again(most: int) -> Iterator[Judged]:
    """Judge up to `most` keys that were not judged by the current rules yet.

    Yields its progress.
    """
    published = published_keys()
    today = rules(published)
    outdated = _outdated(today)
    while most > 0 and (keys := list(outdated[: min(most, JUDGED_AT_ONCE)])):
        weak = 0
        for key in keys:
            refused = None if key.revoked_at else judge(key.pem, published)
            if refused:
                note = f"{refused.found} {refused.needed}"
                weak += report_weakness(key, reason=refused.reason, note=note)
        _mark((key.pk for key in keys), rules=today)
        most -= len(keys)
        yield Judged(len(keys), weak)


def _new_moduli() -> list[_Modulus]:
    compared = JudgedKey.objects.filter(key=OuterRef("pk"), compared=True)
    proved = ClientKey.objects.filter(kty="RSA", confirmed_at__isnull=False)
    new = proved.filter(~Exists(compared)).order_by("pk")
    return [_modulus(*row) for row in new.values_list("pk", "jwk__n")[:COMPARED_AT_ONCE]]


def _known_moduli() -> Iterator[list[_Modulus]]:
    """Yield the moduli that were already compared, in batches."""
    last = 0
    compared = JudgedKey.objects.filter(compared=True).order_by("pk")
    while rows := list(compared.filter(pk__gt=last).values_list("pk", "key__jwk__n")[:_PIECE]):
        last = rows[-1][0]
        yield [_modulus(*row) for row in rows]


def _modulus(key: int, n: str) -> _Modulus:
    return _Modulus(key, int.from_bytes(urlsafe_b64decode(n + "=="), "big"))


def _report_shared(shared: Sequence[_Modulus]) -> int:
    """Report these keys and those that share a prime with them; return how many are new reports."""
    numbers = [each.n for each in shared]
    sharers = {each.key: each for each in shared}
    for piece in _known_moduli():
        for place in find_sharers(numbers, [each.n for each in piece]):
            sharers[piece[place].key] = piece[place]
    rows = ClientKey.objects.select_related("client").in_bulk(list(sharers))
    return sum(
        report_weakness(
            rows[each.key],
            reason=Reason.RSA_SHARED_PRIME,
            note=SHARED,
            shares_with=_first_other(each, sharers.values(), rows),
        )
        for each in sharers.values()
    )


def _first_other(one: _Modulus, sharers: Iterable[_Modulus], rows: dict[int, ClientKey]) -> str:
    """Return the fingerprint of a key that this one shares a prime with."""
    others = [each for each in sharers if each.key != one.key]
    places = find_sharers([one.n], [each.n for each in others])
    return rows[others[places[0]].key].spki_sha256


def _outdated(today: str) -> QuerySet[ClientKey]:
    judged = JudgedKey.objects.filter(key=OuterRef("pk"), rules=today)
    return ClientKey.objects.filter(~Exists(judged)).select_related("client").order_by("pk")


def _mark(keys: Iterable[int], **how: Any) -> None:
    JudgedKey.objects.bulk_create(
        [JudgedKey(key_id=key, **how) for key in keys],
        update_conflicts=True,
        update_fields=list(how),
        unique_fields=["key"],
        batch_size=1000,
    )
