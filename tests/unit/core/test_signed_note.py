"""Signed notes and checkpoints, against the examples of their specifications and of Go."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.core.signed_note import Checkpoint, NotANote, Note, NoteKey, sign_note

# https://c2sp.org/signed-note and golang.org/x/mod/sumdb/note (note.go, note_test.go).
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3"
    "mFXmRKuwHjG1Yu72IneyaQM=\n"
)
GO_SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
    "KE6RyyBwJnAM=\n"
)
GO_NOTE = f"{GO_TEXT}\n{GO_LINE}"
OTHER_KEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
OTHER_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33W"
    "Wd1RvMc+QQ=\n"
)
# https://c2sp.org/tlog-checkpoint
CHECKPOINT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


def key(text: str) -> NoteKey:
    """Read a key in the form that tools for signed notes take."""
    name, _, public = text.split("+", 2)
    return NoteKey(name, b64decode(public)[1:])


def is_signed(note: str, *keys: str) -> bool:
    return Note.parse(note.encode()).is_signed_by([key(each) for each in keys])


@pytest.mark.parametrize("text", [SPEC_KEY, GO_KEY, OTHER_KEY])
def test_a_key_has_the_id_and_the_text_of_the_specification(text: str) -> None:
    assert key(text).text == text
    assert key(text).id.hex() == text.split("+")[1]


def test_a_note_is_signed_as_go_signs_it() -> None:
    private = Ed25519PrivateKey.from_private_bytes(GO_SEED)
    assert sign_note(GO_TEXT, key(GO_KEY), private.sign) == GO_NOTE.encode()


@pytest.mark.parametrize(
    ("note", "keys"),
    [
        (SPEC_NOTE, [SPEC_KEY]),
        (GO_NOTE, [GO_KEY]),
        (GO_NOTE + OTHER_LINE, [GO_KEY]),
        (GO_NOTE + OTHER_LINE, [OTHER_KEY]),
        (OTHER_LINE.join([f"{GO_TEXT}\n", GO_LINE]), [GO_KEY, OTHER_KEY]),
        (f"{SPEC_NOTE}— other.example/key AAAAAAB0ZXN0\n", [SPEC_KEY]),
    ],
)
def test_a_note_that_a_known_key_signed_is_so(note: str, keys: list[str]) -> None:
    assert is_signed(note, *keys)


@pytest.mark.parametrize(
    ("note", "keys"),
    [
        (GO_NOTE, []),
        (GO_NOTE, [OTHER_KEY]),
        (GO_NOTE.replace("problem", "Problem"), [GO_KEY]),
        (GO_NOTE.replace("PeterNeumann", "PeterNeumann2"), [GO_KEY]),
        (GO_NOTE.replace("x08go/ZJ", "x08go/ZK"), [GO_KEY]),
        (GO_NOTE.replace("x08go", "x09go"), [GO_KEY]),
        # A wrong signature of a known key, beside a right one.
        (GO_NOTE.replace("x08go/ZJ", "x08go/ZK") + OTHER_LINE, [GO_KEY, OTHER_KEY]),
    ],
)
def test_a_note_that_no_known_key_signed_is_not(note: str, keys: list[str]) -> None:
    assert not is_signed(note, *keys)


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\n\n",
        GO_TEXT.encode(),
        GO_NOTE.encode()[:-1],
        GO_NOTE.replace("\n\n", "\n").encode(),
        GO_NOTE.replace("\u2014", "-").encode(),
        GO_NOTE.replace("=\n", "\n").encode(),
        GO_NOTE.replace("PeterNeumann ", "Peter Neumann ").encode(),
        GO_NOTE.replace("PeterNeumann ", "Peter+Neumann ").encode(),
        GO_NOTE.replace("problem,", "problem,\r").encode(),
        (GO_NOTE + "\n").encode(),
        (GO_NOTE + "\u2014 x AAAA\n").encode(),
        GO_NOTE.encode("utf-16"),
        GO_NOTE.encode() + b"\xff\n",
        GO_TEXT.encode() * 1000 + GO_NOTE.encode(),
    ],
)
def test_what_is_no_note_is_refused(note: bytes) -> None:
    with pytest.raises(NotANote):
        Note.parse(note)


def test_a_checkpoint_has_the_text_of_the_specification() -> None:
    checkpoint = Checkpoint.parse(CHECKPOINT)
    assert checkpoint.origin == "example.com/behind-the-sofa"
    assert (checkpoint.size, checkpoint.root[:4].hex()) == (20852163, "0ac5186a")
    assert checkpoint.text == CHECKPOINT
    assert Checkpoint.parse(f"{CHECKPOINT}an extension\n") == checkpoint


ROOT = b64encode(bytes(32)).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"\n1\n{ROOT}\n",
        "log\n1\n",
        f"log\n01\n{ROOT}\n",
        f"log\n-1\n{ROOT}\n",
        f"log\n\u0661\n{ROOT}\n",
        f"log\n{'9' * 20}\n{ROOT}\n",
        "log\n1\nAAAA\n",
        f"log\n1\n{ROOT[:-1]}\n",
        f"log\n1\n{ROOT}\n\nmore\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NotANote):
        Checkpoint.parse(text)
