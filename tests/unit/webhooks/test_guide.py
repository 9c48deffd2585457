"""docs/webhooks.md: its programs verify what the portal sends, and refuse what it did not."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pytest_django import Settings

from portal import own_keys
from portal.webhooks.models import EventType
from portal.webhooks.signing import headers
from tests.own_keys import new_own_key

GUIDE: Final = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text("utf-8")
BODY: Final = b'{"type":"webhook.test","data":{}}'
NODE: Final = shutil.which("node", path=str(Path(sys.executable).parent)) or "node"


def program(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return str(found)


@pytest.fixture
def sent(settings: Settings) -> dict[str, dict[str, str]]:
    """Headers by whether a receiver accepts them: while the key is replaced, and three others."""
    old, new, other = new_own_key(), new_own_key(), new_own_key()
    now = datetime.now(UTC)

    def made(*keys: Any, at: datetime = now) -> dict[str, str]:
        settings.OWN_KEYS = {"checkpoint": (other,), "webhooks": keys}
        return headers("msg_1", BODY, "whsec_c2VjcmV0", at)

    made_by = {
        "of another key": made(other),
        "of long ago": made(new, at=now - timedelta(minutes=6)),
        "with a shared secret only": made(),
        "good": made(old, new),
    }
    # A receiver has fetched the keys when only the new one was published.
    settings.OWN_KEYS = {"checkpoint": (other,), "webhooks": (new,)}
    return made_by


def test_the_program_in_python(sent: dict[str, dict[str, str]]) -> None:
    names: dict[str, Any] = {}
    exec(program("python"), names)  # noqa: S102 - our own document
    published = json.loads(own_keys.jwks())["keys"]
    keys = [
        Ed25519PublicKey.from_public_bytes(names["urlsafe_b64decode"](key["x"] + "="))
        for key in published
        if key["purpose"] == "webhooks"
    ]
    accepted = []
    for name, each in sent.items():
        try:
            assert names["verify"](keys, each, BODY) == json.loads(BODY)
        except ValueError:
            continue
        accepted.append(name)
    assert accepted == ["good"]


def test_the_program_in_node(sent: dict[str, dict[str, str]], tmp_path: Path) -> None:
    (tmp_path / "guide.mjs").write_text(program("js"))
    (tmp_path / "run.mjs").write_text(
        f"""
        import {{ publicKeys, verify }} from "./guide.mjs";
        globalThis.fetch = async () => ({{ json: async () => ({own_keys.jwks().decode()}) }});
        const keys = await publicKeys("https://keys.example.com");
        const accepted = Object.entries({json.dumps(sent)}).filter(([, headers]) => {{
          try {{ return verify(keys, headers, Buffer.from({json.dumps(BODY.decode())})).data; }}
          catch {{ return false; }}
        }});
        console.log(JSON.stringify(accepted.map(([name]) => name)));
        """
    )
    run = [NODE, str(tmp_path / "run.mjs")]
    ended = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (ended.stdout.strip(), ended.stderr) == ('["good"]', "")


def test_the_guide_lists_every_type_of_message() -> None:
    assert re.findall(r"^\| `([a-z.]+)` \|", GUIDE, re.MULTILINE) == EventType.values
