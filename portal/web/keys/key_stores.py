"""Where private keys are kept, and the program that signs with them there.

Sources: the reference of each program (aws kms sign, gcloud kms asymmetric-sign, az keyvault key
sign, vault's transit engine, OpenSC's pkcs11-tool), and the source of gcloud, az and Vault for what
they print. templates/web/keys/snippets/sign/ has the shell function that signs in each place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from portal.core.algorithms import ALGORITHMS


@dataclass(frozen=True, slots=True)
class KeyStore:
    """A place that keeps a private key and signs with it.

    `name` is that of its template. `needs` is what signing takes, `kinds` which keys fit, `fetch`
    the command that prints the public key. These three are empty for a file.
    """

    name: str
    title: str
    algorithms: frozenset[str]
    needs: str = ""
    kinds: str = ""
    fetch: str = ""

    @property
    def template(self) -> str:
        """The template of its shell function `sign`: it reads a text, and prints the signature."""
        return f"sign/{self.name}.txt"

    @property
    def fetch_label(self) -> str:
        """What the page calls the command `fetch` for screen readers."""
        return f"the command that prints the public key in {self.title}"


_RSA: Final = frozenset(name for name, each in ALGORITHMS.items() if each.kty == "RSA")
_EC: Final = frozenset(name for name, each in ALGORITHMS.items() if each.kty == "EC")
_ML_DSA: Final = frozenset(name for name, each in ALGORITHMS.items() if each.kty == "AKP")

FILE: Final = KeyStore("file", "openssl", frozenset(ALGORITHMS))
"""A file on the machine that signs."""

SERVICES: Final = (
    KeyStore(
        name="aws-kms",
        title="AWS KMS",
        algorithms=_RSA | _EC | _ML_DSA | {"EdDSA"},
        needs="the AWS CLI, with the permissions kms:GetPublicKey and kms:Sign",
        kinds="Key usage SIGN_VERIFY, and key spec RSA_3072 (PS256), ECC_NIST_P256 (ES256) or"
        " ECC_NIST_EDWARDS25519 (EdDSA).",
        fetch="aws kms get-public-key --key-id alias/payments --output json",
    ),
    KeyStore(
        name="google-kms",
        title="Google Cloud KMS",
        # It has no key for the others: the algorithm of a key version includes the hash.
        algorithms=frozenset({"PS256", "PS512", "RS256", "RS512", "ES256", "ES384", "EdDSA"}),
        needs="gcloud, with the role roles/cloudkms.signerVerifier",
        kinds="Purpose asymmetric-signing, and algorithm rsa-sign-pss-3072-sha256 (PS256),"
        " ec-sign-p256-sha256 (ES256) or ec-sign-ed25519 (EdDSA).",
        fetch="gcloud kms keys versions get-public-key 1 --key payments --keyring clients"
        " --location europe-west1",
    ),
    KeyStore(
        name="azure-key-vault",
        title="Azure Key Vault",
        algorithms=_RSA | _EC,
        needs="the Azure CLI, with the role Key Vault Crypto User",
        kinds="RSA of 3072 bits (PS256) or EC on P-256 (ES256), with the operation sign. Key Vault"
        " has no Ed25519.",
        fetch="az keyvault key show --vault-name payments-vault --name payments --output json",
    ),
    KeyStore(
        name="vault",
        title="Vault transit",
        algorithms=_RSA | _EC | {"EdDSA"},
        needs="Vault's own program, with read on transit/keys/payments and update on"
        " transit/sign/payments",
        kinds="Type rsa-3072 (PS256), ecdsa-p256 (ES256) or ed25519 (EdDSA).",
        fetch="vault read -format=json transit/keys/payments",
    ),
    KeyStore(
        name="pkcs11",
        title="PKCS#11",
        algorithms=_RSA | _EC | {"EdDSA"},
        needs="OpenSC's pkcs11-tool, the module of your token or HSM, and the PIN in the"
        " environment variable PIN",
        kinds="RSA of 3072 bits (PS256), EC on P-256 (ES256) or, in newer tokens, Ed25519 (EdDSA).",
        fetch="pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --read-object --type pubkey"
        " --id 01 | openssl base64",
    ),
)
"""Services and devices that never give a private key away."""
