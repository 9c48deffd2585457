"""The keys in memory that assertions are verified with."""

from __future__ import annotations

from portal.core.assertion import CandidateKey
from portal.registry.models import Client
from portal.registry.signing_keys import SigningKey, SigningKeys


class Ledger:
    """A follower of a ledger that tells its subscribers what the test says."""

    def subscribe(self, subscriber: SigningKeys) -> None:
        """Keep it."""
        self.subscriber = subscriber


def key(kid: str) -> SigningKey:
    return SigningKey(CandidateKey(kid, "ES256", "pem"), Client(client_id="a"), "[]")


def test_keys_used_last_are_kept() -> None:
    keys = SigningKeys(Ledger(), most=2)  # type: ignore[arg-type]
    for kid in ("1", "2"):
        keys.put(key(kid), keys.clearings)
    assert keys.find("a", "1")
    keys.put(key("3"), keys.clearings)
    assert [bool(keys.find("a", kid)) for kid in ("1", "2", "3")] == [True, False, True]
    assert keys.find("b", "1") is None


def test_another_history_empties_it_and_refuses_what_was_read_before() -> None:
    ledger = Ledger()
    keys = SigningKeys(ledger)  # type: ignore[arg-type]
    keys.put(key("1"), keys.clearings)
    before = keys.clearings
    ledger.subscriber.drop("a")
    assert keys.find("a", "1")
    ledger.subscriber.clear()
    keys.put(key("2"), before)
    assert len(keys) == 0
    keys.put(key("2"), keys.clearings)
    assert len(keys) == 1
