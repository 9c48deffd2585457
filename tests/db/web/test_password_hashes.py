"""Passwords are hashed as Django does it, and one after another."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from portal import settings
from portal.accounts.hashers import OneAtATime


def test_hashes_are_those_of_django() -> None:
    assert settings.PASSWORD_HASHERS == ["portal.accounts.hashers.OneAtATime"]
    encoded = PBKDF2PasswordHasher().encode("a password", "salt")
    assert OneAtATime().encode("a password", "salt") == encoded
    assert OneAtATime().verify("a password", encoded)
    assert not OneAtATime().verify("another", encoded)


def test_two_passwords_are_hashed_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[float, float]] = []

    def hashed(*arguments: object) -> str:
        began = time.monotonic()
        time.sleep(0.05)
        taken.append((began, time.monotonic()))
        return ""

    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", hashed)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(OneAtATime().encode, ["one", "another"], ["salt", "salt"]))
    (_, first_ended), (second_began, _) = sorted(taken)
    assert second_began >= first_ended
