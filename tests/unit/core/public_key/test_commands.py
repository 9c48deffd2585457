"""The commands in refusals are run as they stand: what they write is accepted."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509 import load_pem_x509_certificate

from portal.core.algorithms import (
    ALGORITHMS,
    OPENSSH_PUBLIC_HALF,
    PKCS12_PUBLIC_HALF,
    PUBLIC_HALF,
)
from portal.core.key_policy.policy import KeyPolicy
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Refused
from tests.unit.core.public_key.cases import case as cases
from tests.unit.core.support import (
    certificate_pem,
    der_of,
    key_of,
    openssl,
    private_key,
    private_pem,
    public_pem,
    refusal,
    rsa_public,
    verdict,
    written,
)


def run(command: str, folder: Path) -> None:
    subprocess.run(["/bin/sh", "-ec", command], cwd=folder, check=True, capture_output=True)


def signed_by_explicit(what: str) -> bytes:
    """Return a certificate or a request whose key spells out its curve."""
    key = openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-param_enc", "explicit")
    return openssl("req", what, "-key", "/dev/stdin", "-subj", "/CN=b", stdin=key)


@pytest.mark.parametrize(
    ("given", "name", "result"),
    [
        (cases.pkcs7, "bundle.p7b", "public_key.pem"),
        (lambda: der_of(cases.pkcs7()), "bundle.p7b", "public_key.pem"),
        (lambda: cases.ec_public(curve="explicit"), "public_key.pem", "named_curve_key.pem"),
        (lambda: certificate_pem("RSA") + certificate_pem("P-256"), "chain.pem", "certificate.pem"),
        (lambda: signed_by_explicit("-x509"), "certificate.pem", "named_curve_key.pem"),
        (lambda: signed_by_explicit("-new"), "request.csr", "named_curve_key.pem"),
    ],
    ids=["PKCS#7", "PKCS#7 in DER", "explicit", "chain", "explicit certificate", "explicit CSR"],
)  # fmt: skip
def test_command_turns_what_was_given_into_what_is_needed(
    given: object, name: str, result: str, tmp_path: Path
) -> None:
    assert callable(given)
    data: bytes = given()
    (tmp_path / name).write_bytes(data)
    run(refusal(data).command, tmp_path)
    assert verdict(parse_public_key((tmp_path / result).read_bytes())) is None


def test_command_for_a_pkcs12_keystore_gives_its_certificate(tmp_path: Path) -> None:
    keystore = pkcs12.serialize_key_and_certificates(
        b"client",
        pkcs12_key("P-256"),
        load_pem_x509_certificate(certificate_pem("P-256")),
        None,
        BestAvailableEncryption(b"secret"),
    )
    (tmp_path / "keystore.p12").write_bytes(keystore)
    run(f"{PKCS12_PUBLIC_HALF} -passin pass:secret", tmp_path)  # which it asks for
    key = parse_public_key((tmp_path / "certificate.pem").read_bytes())
    assert key.spki == key_of("P-256").spki


def pkcs12_key(kind: str) -> ec.EllipticCurvePrivateKey:
    key = private_key(kind)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def test_command_for_the_public_half_gives_it(tmp_path: Path) -> None:
    (tmp_path / "private_key.pem").write_bytes(private_pem("P-256"))
    run(PUBLIC_HALF, tmp_path)
    assert (tmp_path / "public_key.pem").read_bytes() == public_pem("P-256")


@pytest.mark.parametrize(
    "alg", [alg for alg in ALGORITHMS if not alg.startswith(("ML-DSA", "PS", "RS"))]
)
def test_commands_of_the_table_make_a_key_for_their_algorithm(alg: str, tmp_path: Path) -> None:
    """ML-DSA needs OpenSSL 3.5. The command for RSA is the next test."""
    run(f"{ALGORITHMS[alg].generate} && {PUBLIC_HALF}", tmp_path)
    key = parse_public_key((tmp_path / "public_key.pem").read_bytes())
    assert KeyPolicy().accept(key).algorithm(alg) is ALGORITHMS[alg]


def test_command_for_a_cut_openssh_line_writes_it_anew(tmp_path: Path) -> None:
    """OpenSSH wants its key file to be readable by nobody else."""
    private = tmp_path / "id_ed25519"
    private.write_bytes(written("Ed25519", PrivateFormat.OpenSSH))
    private.chmod(0o600)
    assert refusal("ssh-ed25519 AAAA").command == OPENSSH_PUBLIC_HALF
    run(OPENSSH_PUBLIC_HALF, tmp_path)
    assert (
        parse_public_key((tmp_path / "public_key.pub").read_bytes()).spki == key_of("Ed25519").spki
    )


def _refused_by_policy() -> Refused:
    refused = verdict(rsa_public((1 << 1024) - 1))
    assert refused is not None
    return refused


@pytest.mark.parametrize(
    "refused",
    [_refused_by_policy(), refusal(private_pem("RSA"))],
    ids=["RSA", "P-256"],
)
def test_commands_for_a_new_pair_make_an_accepted_one(refused: Refused, tmp_path: Path) -> None:
    run(refused.command, tmp_path)
    key = parse_public_key((tmp_path / "public_key.pem").read_bytes())
    assert verdict(key) is None
    assert key.bits in {256, 3072}
