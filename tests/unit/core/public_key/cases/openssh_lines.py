"""Lines of OpenSSH without a usable public key."""

from __future__ import annotations

from portal.core.reasons import Reason
from tests.unit.core.public_key.cases.case import (
    Case,
    openssh,
    openssh_line,
)

CASES = (
    Case(
        "sk key",
        Reason.KEY_TYPE_UNSUPPORTED,
        "security key",
        lambda: "sk-ssh-ed25519@openssh.com A",
    ),
    Case("ssh-dss", Reason.KEY_TYPE_UNSUPPORTED, "DSA", lambda: "ssh-dss AAAA"),
    Case(
        "certificate",
        Reason.KEY_TYPE_UNSUPPORTED,
        "OpenSSH certificate",
        lambda: "ssh-rsa-cert-v01@openssh.com AAAA",
    ),
    Case("type alone", Reason.BAD_OPENSSH_KEY, "but is incomplete", lambda: "ssh-ed25519"),
    Case("cut", Reason.BAD_OPENSSH_KEY, "but is incomplete", lambda: openssh()[:-9]),
    Case("no base64", Reason.BAD_OPENSSH_KEY, "but is incomplete", lambda: "ssh-rsa ?!"),
    Case(
        "unknown type",
        Reason.BAD_OPENSSH_KEY,
        "but is incomplete",
        lambda: "ssh-new AAAAB3NzaC1uZXc=",
        "ssh-keygen -y -f id_ed25519 > public_key.pub",
    ),
    Case(
        "other type inside",
        Reason.BAD_OPENSSH_KEY,
        "but is incomplete",
        lambda: openssh_line("ssh-ed25519", b"ssh-ed25518", bytes(32)),
    ),
    Case(
        "other curve inside",
        Reason.BAD_OPENSSH_KEY,
        "but is incomplete",
        lambda: openssh_line("ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp256", b"nistp384", bytes(65)),
    ),
    Case(
        "superfluous byte",
        Reason.BAD_OPENSSH_KEY,
        "but is incomplete",
        lambda: openssh_line("ssh-rsa", b"ssh-rsa", b"\0\1\0\1", b"\1" * 256),
    ),
    Case(
        "negative number",
        Reason.BAD_OPENSSH_KEY,
        "but is incomplete",
        lambda: openssh_line("ssh-rsa", b"ssh-rsa", b"\1\0\1", b"\xff" * 256),
    ),
    Case(
        "one field too many",
        Reason.BAD_OPENSSH_KEY,
        "but is incomplete",
        lambda: openssh_line("ssh-ed25519", b"ssh-ed25519", bytes(32), b""),
    ),
)
