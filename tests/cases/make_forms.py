"""Make the files in `forms/`: what people hold a public key in, by the tools that they use.

    .venv/bin/python -m tests.cases.make_forms

It takes openssl, ssh-keygen, keytool, gpg, xxd and hexdump. The keys are new each time, and
`forms/index.json` says what must come of each file. What no tool here makes was written
by the documentation that the entry names. Nothing runs this in the tests: they read the files.
"""

from __future__ import annotations

import hashlib
import html
import json
import shutil
from base64 import b64decode
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import quote

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.cases.form_tools import (
    FORMS,
    GENERATE,
    INDEX,
    Forms,
    Key,
    b64,
    b64url,
    block,
    js,
    number,
    run,
)


def plain_forms(forms: Forms, keys: dict[str, Key]) -> None:
    """PEM, DER, certificates and requests, as openssl and keytool write them."""
    rsa_, ec_, ed, p384 = keys["rsa"], keys["p256"], keys["ed"], keys["p384"]
    forms.key("spki_rsa.pem", rsa_.pem, rsa_, "RSA public key, 2048 bits")
    forms.key("spki_p256.pem", ec_.pem, ec_, "P-256 public key")
    forms.key("spki_p384.pem", p384.pem, p384, "P-384 public key")
    forms.key("spki_p521.pem", keys["p521"].pem, keys["p521"], "P-521 public key")
    forms.key("spki_ed25519.pem", ed.pem, ed, "Ed25519 public key")
    forms.key("spki_ed448.pem", keys["ed448"].pem, keys["ed448"], "Ed448 public key", "extended")
    forms.key("spki_rsa_pss.pem", keys["pss"].pem, keys["pss"], "PS256")
    pkcs1 = run("openssl", "rsa", "-pubin", "-RSAPublicKey_out", stdin=rsa_.pem)
    forms.key("pkcs1.pem", pkcs1, rsa_, "RSA public key")
    forms.key("certificate_rsa.pem", rsa_.certificate(), rsa_, "The certificate is valid from")
    forms.key("certificate_ed25519.pem", ed.certificate(), ed, "The certificate is valid from")
    trusted = run("openssl", "x509", "-trustout", stdin=ec_.certificate())
    forms.key("trusted_certificate.pem", trusted, ec_, "The certificate is valid from")
    settings = ("-trustout", "-addtrust", "clientAuth", "-setalias", "client")
    trusted = run("openssl", "x509", *settings, stdin=rsa_.certificate())
    forms.key("trusted_certificate_with_settings.pem", trusted, rsa_, "The certificate")
    x509 = rsa_.certificate().replace(b"CERTIFICATE", b"X509 CERTIFICATE")
    forms.key("x509_certificate_label.pem", x509, rsa_, "The certificate is valid from")
    text = run("openssl", "x509", "-text", stdin=rsa_.certificate())
    forms.key("openssl_x509_text.txt", text, rsa_, "The certificate is valid from")
    both = run("openssl", "x509", "-pubkey", stdin=ec_.certificate())
    forms.key("openssl_x509_pubkey_and_certificate.txt", both, ec_, "P-256 public key")
    signed = "signed by its own key", "does not confirm the key"
    forms.key("request_rsa.csr", rsa_.request(), rsa_, *signed)
    forms.key("request_p256.csr", ec_.request(), ec_, *signed)
    forms.key("request_ed25519.csr", ed.request(), ed, *signed)
    forms.key("request_new_label.csr", rsa_.request("-newhdr"), rsa_, *signed)
    forms.key("request.der", rsa_.request("-outform", "DER"), rsa_, "DER", *signed)
    text = run("openssl", "req", "-text", stdin=ec_.request())
    forms.key("openssl_req_text.txt", text, ec_, *signed)


def der_forms(forms: Forms, keys: dict[str, Key]) -> None:
    """DER, labels that do not fit, and blocks of several."""
    rsa_, ec_, ed, p384 = keys["rsa"], keys["p256"], keys["ed"], keys["p384"]
    pkcs1 = run("openssl", "rsa", "-pubin", "-RSAPublicKey_out", stdin=rsa_.pem)
    forms.key("spki_rsa.der", rsa_.der, rsa_, "Read from DER")
    forms.key("spki_p256.der", ec_.der, ec_, "Read from DER")
    forms.key("spki_ed25519.der", ed.der, ed, "Read from DER")
    der = run("openssl", "rsa", "-pubin", "-RSAPublicKey_out", "-outform", "DER", stdin=rsa_.pem)
    forms.key("pkcs1.der", der, rsa_, "Read from DER")
    forms.key("certificate.cer", ec_.certificate("-outform", "DER"), ec_, "Read from DER")
    parameters = run("openssl", "ecparam", "-name", "prime256v1")
    forms.key("ec_parameters_before.pem", parameters + ec_.pem, ec_, "P-256 public key")
    forms.key("twice.pem", ec_.pem + b"\n" + ec_.pem, ec_, "P-256 public key")
    forms.key("two_containers.pem", pkcs1 + rsa_.pem, rsa_, "RSA public key")
    wrong = "a block with the label of something else"
    forms.key("label_rsa_on_spki.pem", block("RSA PUBLIC KEY", rsa_.der), rsa_, wrong)
    forms.key("label_public_on_pkcs1.pem", block("PUBLIC KEY", der), rsa_, wrong)
    forms.key("label_ec_public_key.pem", block("EC PUBLIC KEY", ec_.der), ec_, wrong)
    body = ec_.certificate("-outform", "DER")
    forms.key("label_public_on_certificate.pem", block("PUBLIC KEY", body), ec_, wrong)
    forms.key("label_certificate_on_spki.pem", block("CERTIFICATE", rsa_.der), rsa_, wrong)
    no_null = rsa_.der.replace(bytes.fromhex("300d06092a864886f70d0101010500"),
                               bytes.fromhex("300b06092a864886f70d010101"))  # fmt: skip
    no_null = no_null[:2] + number(len(no_null) - 4, 2) + no_null[4:]
    forms.key("missing_null.pem", block("PUBLIC KEY", no_null), rsa_, "NULL")
    compressed = run("openssl", "ec", "-pubin", "-conv_form", "compressed", "-pubout",
                     stdin=ec_.pem)  # fmt: skip
    forms.key("compressed_point.pem", compressed, ec_, "compressed")
    forms.key("point.hex", ec_.point().hex(), ec_, "hexadecimal digits")
    forms.key("point_p384.b64", b64(p384.point()), p384, "base64")
    octets = b"\x04\x41" + ec_.point()
    forms.key("pkcs11_ec_point.hex", octets.hex(" "), ec_, "hexadecimal digits")
    chain = rsa_.certificate() + ec_.certificate()
    forms.choices("chain.pem", chain, [rsa_, ec_], "There are 2 certificates", "chain")
    forms.choices("two_keys.pem", rsa_.pem + ec_.pem, [rsa_, ec_], "This contains 2 keys")


def keytool_forms(forms: Forms, keys: dict[str, Key]) -> None:
    """What Java's keytool prints of a keystore with a key of its own."""
    with TemporaryDirectory() as folder:
        where = Path(folder)
        store = ("-keystore", "k.p12", "-storetype", "PKCS12", "-storepass", "changeit")
        new = ("-genkeypair", "-alias", "client", "-keyalg", "EC", "-groupname", "secp256r1")
        run("keytool", *new, "-dname", "CN=client", "-validity", "3650", *store, cwd=where)
        exported = run("keytool", "-exportcert", "-rfc", "-alias", "client", *store, cwd=where)
        key = _of_certificate(exported)
        forms.key("keytool_exportcert.pem", exported, key, "The certificate is valid from")
        listed = run("keytool", "-list", "-rfc", *store, cwd=where)
        forms.key("keytool_list_rfc.txt", listed, key, "The certificate is valid from")
        request = run("keytool", "-certreq", "-alias", "client", *store, cwd=where)
        forms.key("keytool_certreq.csr", request, key, "signed by its own key")
        der = run("keytool", "-exportcert", "-alias", "client", *store, cwd=where)
        forms.key("keytool_exportcert.der", der, key, "Read from DER")
        forms.private("keystore.p12", (where / "k.p12").read_bytes(), None, "PKCS#12")
        jks = ("-importkeystore", "-srckeystore", "k.p12", "-srcstorepass", "changeit",
               "-destkeystore", "k.jks", "-deststoretype", "JKS", "-deststorepass", "changeit",
               "-noprompt")  # fmt: skip
        run("keytool", *jks, cwd=where)
        forms.private("keystore.jks", (where / "k.jks").read_bytes(), None, "Java keystore")


def _of_certificate(certificate: bytes) -> Key:
    key = Key.__new__(Key)
    key.name = "keytool"
    key.pem = run("openssl", "x509", "-noout", "-pubkey", stdin=certificate)
    key.der = b64decode(b"".join(key.pem.split(b"-----")[2].split()))
    return key


def encoded_forms(forms: Forms, keys: dict[str, Key]) -> None:
    """Base64 and hexadecimal digits, of all that they are made of."""
    rsa_, ec_, ed = keys["rsa"], keys["p256"], keys["ed"]
    body = "".join(ec_.text.splitlines()[1:-1])
    rsa_body = "".join(rsa_.text.splitlines()[1:-1])
    forms.key("bare_base64_lines.txt", "\n".join(rsa_.text.splitlines()[1:-1]), rsa_, "base64")
    forms.key("bare_base64.txt", rsa_body, rsa_, "Read from base64")
    forms.key("bare_base64_no_padding.txt", body.rstrip("="), ec_, "Read from base64")
    forms.key("bare_base64url.txt", b64url(ec_.der), ec_, "Read from base64")
    forms.key("bare_certificate.txt", b64(rsa_.certificate("-outform", "DER")), rsa_, "base64")
    forms.key("bare_request.txt", b64(ec_.request("-outform", "DER")), ec_, "signed by its own key")
    forms.key("base64_of_pem.txt", b64(rsa_.pem), rsa_, "Read from base64")
    forms.key("base64_of_pem_wrapped.txt", run("base64", stdin=rsa_.pem), rsa_, "base64")
    forms.key("base64_of_certificate_pem.txt", b64(ec_.certificate()), ec_, "base64")
    forms.key("base64_of_base64.txt", b64(b64(ed.pem).encode()), ed, "base64")
    forms.key("base64_of_jwk.txt", b64(js(ec_.jwk(), None).encode()), ec_, "base64")
    forms.key("hex.txt", ed.der.hex(), ed, "Read from hexadecimal digits")
    forms.key("hex_upper_colons.txt", ec_.der.hex(":").upper(), ec_, "hexadecimal digits")
    forms.key("hex_0x.txt", "0x" + ed.der.hex(), ed, "hexadecimal digits")
    array = ", ".join(f"0x{each:02x}" for each in ec_.der)
    forms.key("hex_c_array.txt", array, ec_, "hexadecimal digits")
    escaped = "".join(f"\\x{each:02x}" for each in ed.der)
    forms.key("hex_x_escapes.txt", escaped, ed, "hexadecimal digits")
    plain = run("xxd", "-p", stdin=rsa_.der) if _has("xxd") else rsa_.der.hex("\n", 30).encode()
    forms.key("hex_lines.txt", plain, rsa_, "hexadecimal digits")


def dump_forms(forms: Forms, keys: dict[str, Key]) -> None:
    """Hex dumps, and a block with header lines."""
    rsa_, ec_ = keys["rsa"], keys["p256"]
    forms.key("xxd.txt", run("xxd", stdin=ec_.der), ec_, "a hex dump")
    forms.key("xxd_of_pem.txt", run("xxd", stdin=ec_.pem), ec_, "a hex dump")
    forms.key("hexdump.txt", run("hexdump", "-C", stdin=rsa_.der), rsa_, "a hex dump")
    forms.key("od.txt", run("od", "-A", "x", "-t", "x1", stdin=rsa_.der), rsa_, "a hex dump")
    leaked = keys["leaked_ec"]
    forms.private("private_xxd.txt", run("xxd", stdin=leaked.private), leaked, "a private key")
    headed = ec_.text.replace("KEY-----\n", "KEY-----\nProc-Type: 4,MIC-CLEAR\n\n", 1)
    forms.refused("header_lines.pem", headed, "bad_base64", "header lines, such as Proc-Type")


def program_forms(forms: Forms, keys: dict[str, Key]) -> None:
    """What shells, programs and settings make of a key."""
    rsa_, ec_ = keys["rsa"], keys["p256"]
    body = "".join(ec_.text.splitlines()[1:-1])
    rsa_body = "".join(rsa_.text.splitlines()[1:-1])
    forms.key("double_quotes.txt", f'"{ec_.text}"', ec_, "P-256 public key")
    one_line = ec_.text.replace("\n", "\\n")
    forms.key("json_string.txt", f'"{one_line}"', ec_, "line breaks written as")
    forms.key("escaped_line_breaks.txt", one_line, ec_, "line breaks written as")
    forms.key("escaped_twice.txt", one_line.replace("\\", "\\\\"), ec_, "line breaks written as")
    forms.key("escaped_crlf.txt", one_line.replace("\\n", "\\r\\n"), ec_, "line breaks written as")
    forms.key("dotenv.txt", f'PUBLIC_KEY="{one_line}"\n', ec_, "line breaks written as")
    forms.key("dotenv_base64.txt", f"JWT_PUBLIC_KEY={rsa_body}\n", rsa_, "a named value")
    forms.key("export_multiline.txt", f"export PUBLIC_KEY='{ec_.text}'\n", ec_, "P-256 public key")
    yaml = "public_key: |\n  " + ec_.text.replace("\n", "\n  ").rstrip()
    forms.key("yaml_block.yaml", yaml, ec_, "P-256 public key")
    strings = " +\n".join(f'    "{line}\\n"' for line in ec_.text.splitlines())
    java = f"String key =\n{strings};"
    forms.key("java_string.txt", java, ec_, "strings of a program")
    php = "$key = " + "\n  . ".join(f"'{line}'" for line in ec_.text.splitlines()) + ";"
    forms.key("php_string.txt", php, ec_, "strings of a program")
    go = "\n".join(f'\t"{line}\\n" +' for line in ec_.text.splitlines()).removesuffix(" +")
    forms.key("go_string.txt", go, ec_, "strings of a program")
    python = f'PUBLIC_KEY = """{ec_.text}"""\n'
    forms.key("python_string.txt", python, ec_, "P-256 public key")
    forms.key("percent_encoded.txt", quote(rsa_.text, safe=""), rsa_, "percent-encoding")
    form = quote(rsa_.text, safe="").replace("%20", "+")
    forms.key("form_encoded.txt", form, rsa_, "percent-encoding")
    forms.key("markdown.txt", f"```pem\n{ec_.text}```\n", ec_, "P-256 public key")
    forms.key("markdown_base64.txt", f"```\n{body}\n```\n", ec_, "a Markdown code block")
    forms.key("inline_code.txt", f"`{body}`", ec_, "quotes")
    url = f"data:application/x-pem-file;base64,{b64(ec_.pem)}"
    forms.key("data_url.txt", url, ec_, "a data URL")
    numbers = ", ".join(map(str, ec_.der))
    forms.key("list_of_numbers.txt", f"[{numbers}]", ec_, "JSON")
    forms.key("go_byte_slice.txt", f"[{' '.join(map(str, ec_.der))}]", ec_, "a list of numbers")
    signed = ", ".join(str(each - 256 if each > 127 else each) for each in ec_.der)
    forms.key("java_bytes.txt", f"[{signed}]", ec_, "JSON")


def editor_forms(forms: Forms, keys: dict[str, Key]) -> None:
    """What mail, editors and terminals make of a key."""
    rsa_, ec_ = keys["rsa"], keys["p256"]
    rsa_body = "".join(rsa_.text.splitlines()[1:-1])
    forms.key("utf16_le.txt", ec_.text.replace("\n", "\r\n").encode("utf-16"), ec_, "UTF-16")
    forms.key("utf16_be_no_bom.txt", rsa_.text.encode("utf-16-be"), rsa_, "UTF-16")
    forms.key("utf16_base64.txt", rsa_body.encode("utf-16"), rsa_, "UTF-16")
    forms.key("utf8_bom_crlf.pem", b"\xef\xbb\xbf" + ec_.pem.replace(b"\n", b"\r\n"), ec_, "P-256")
    mail = "".join(f"> {line}\n" for line in ec_.text.splitlines())
    forms.key("mail_quoted.txt", mail, ec_, "marks before each line")
    twice = "On Monday Alice wrote:\n" + "".join(f"> > {line}\n" for line in ec_.text.splitlines())
    forms.key("mail_quoted_twice.txt", twice, ec_, "marks before each line")
    comment = "".join(f"# {line}\n" for line in ec_.text.splitlines())
    forms.key("commented.txt", comment, ec_, "marks before each line")
    diff = "".join(f"+{line}\n" for line in ec_.text.splitlines())
    forms.key("diff.txt", diff, ec_, "marks before each line")
    letter = f"Hi,\n\nhere is our key:\n\n{ec_.text}\nBest regards\nAlice\n"
    forms.key("text_around.txt", letter, ec_, "P-256 public key")
    for name, dashes in (
        ("em_and_en", "\u2014\u2014\u2013"),
        ("en", "\u2013" * 5),
        ("minus", "\u2212" * 5),
    ):
        content = ec_.text.replace("-----", dashes)
        forms.key(f"dashes_{name}.txt", content, ec_, "typographic dashes")
    forms.key("no_break_spaces.txt", ec_.text.replace(" ", "\u00a0"), ec_, "invisible characters")
    forms.key("zero_width_space.txt", f"{ec_.text.rstrip()}\u200b\n", ec_, "P-256 public key")
    inside = ec_.text.replace("KEY", "K\u200bEY")
    forms.key("zero_width_inside.txt", inside, ec_, "invisible characters")
    marked = "\u202a" + ec_.text.replace("M", "\u00adM", 1) + "\u202c"
    forms.key("direction_marks.txt", marked, ec_, "invisible characters")
    forms.key("trailing_spaces.txt", ec_.text.replace("\n", "  \n"), ec_, "P-256 public key")
    forms.key("one_line.txt", ec_.text.replace("\n", " "), ec_, "P-256 public key")
    forms.key("no_line_breaks.txt", ec_.text.replace("\n", ""), ec_, "P-256 public key")
    french = "Clé publique :\n".encode("latin-1")
    forms.key("latin1_text_before.txt", french + ec_.pem, ec_, "UTF-8")
    forms.key("aws_text_output.txt", f"RSA_2048\tarn:aws:kms:eu-west-1:111122223333:key/1\t"
              f"SIGN_VERIFY\t{b64(rsa_.der)}\nSIGNINGALGORITHMS\tRSASSA_PSS_SHA_256\n",
              rsa_, "other words")  # fmt: skip


def _has(tool: str) -> bool:
    return shutil.which(tool) is not None


def jwk_forms(forms: Forms, keys: dict[str, Key]) -> None:
    """JWK and JWKS, as libraries and browsers write them."""
    rsa_, ec_, ed = keys["rsa"], keys["p256"], keys["ed"]
    forms.key("jwk_rsa.json", js(rsa_.jwk(alg="PS256", use="sig")), rsa_, "PS256")
    forms.key("jwk_rs256.json", js(rsa_.jwk(alg="RS256", use="sig")), rsa_, "PS256", "RS256")
    forms.key("jwk_ec.json", js(ec_.jwk(use="sig", kid="2026-11")), ec_, "its own kid")
    forms.key("jwk_okp.json", js(ed.jwk(alg="EdDSA")), ed, "Ed25519 public key")
    forms.key("jwk_ed448.json", js(keys["ed448"].jwk()), keys["ed448"], "extended")
    forms.key("jwk_webcrypto.json", js(ec_.jwk(ext=True, key_ops=["verify"])), ec_, "P-256")
    forms.key("jwk_key_ops_sign.json", js(ec_.jwk(ext=True, key_ops=["sign"])), ec_, "verify")
    nulls = dict.fromkeys(("d", "dp", "dq", "k", "p", "q", "qi", "t"))
    forms.key("azure_cli_nulls.json", js(ec_.jwk(**nulls, keyOps=["sign", "verify"])), ec_,
              "private members without a value")  # fmt: skip
    dotnet = {"keys": [rsa_.jwk(key_ops=[], oth=[], x5c=[], use="sig", kid="7f4a")]}
    forms.key("dotnet_jwks.json", js(dotnet), rsa_, "private members without a value")
    forms.key("jwks_of_one.json", js({"keys": [ed.jwk()]}), ed, "Ed25519 public key")
    forms.key("array_of_one_jwk.json", js([ec_.jwk()]), ec_, "P-256 public key")
    enc = keys["p384"].jwk(use="enc", alg="ECDH-ES")
    forms.key("jwks_one_for_signing.json", js({"keys": [rsa_.jwk(use="sig"), enc]}), rsa_, "RSA")
    several = {"keys": [rsa_.jwk(kid="a"), ec_.jwk(kid="b"), ed.jwk(kid="c")]}
    forms.choices(
        "jwks_of_three.json", js(several), [rsa_, ec_, ed], "This contains 3 keys", "kid “b”"
    )
    forms.key("jwk_padded_base64.json", js(ec_.jwk(x=_plain(ec_, "x"), y=_plain(ec_, "y"))), ec_,
              "base64url without padding")  # fmt: skip
    n = b64url(b"\0" + b64decode(_plain(rsa_, "n")))
    forms.key(
        "jwk_java_leading_zero.json", js(rsa_.jwk(n=n)), rsa_, "leading zeros of its member n"
    )
    certificate = b64(rsa_.certificate("-outform", "DER"))
    forms.key("jwk_x5c.json", js(rsa_.jwk(x5c=[certificate], x5t="abc")), rsa_, "RSA public key")
    forms.key("jwk_in_member.json", js({"jwk": ec_.jwk()}), ec_, "JSON")
    forms.key("client_metadata.json", js({"client_name": "a", "token_endpoint_auth_method":
              "private_key_jwt", "jwks": {"keys": [ec_.jwk()]}}), ec_, "JSON")  # fmt: skip
    node = "{\n  kty: 'EC',\n  crv: 'P-256',\n" + "".join(
        f"  {name}: '{ec_.jwk()[name]}',\n" for name in ("x", "y")) + "}"  # fmt: skip
    forms.key("node_console_log.txt", node, ec_, "an object of JavaScript or Python")
    forms.key("python_dict.txt", repr(ec_.jwk(d=None)), ec_, "an object of JavaScript or Python")
    escaped = json.dumps(js(ec_.jwk(), None))
    forms.key("jwk_in_json_string.txt", escaped, ec_, "P-256 public key")
    forms.key("jwk_in_env.txt", f"PUBLIC_JWK='{js(ec_.jwk(), None).strip()}'", ec_, "a named value")
    forms.key("jwk_html.txt", html.escape(js(ec_.jwk())), ec_, "HTML")


def _plain(key: Key, member: str) -> str:
    """Return a member of the JWK in plain base64 with padding."""
    value: str = key.jwk()[member]
    return value.replace("-", "+").replace("_", "/") + "=" * (-len(value) % 4)


def service_forms(forms: Forms, keys: dict[str, Key]) -> None:
    """What key services answer, by their documentation."""
    rsa_, ec_, ed, rsa2 = keys["rsa"], keys["p256"], keys["ed"], keys["rsa2"]
    arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    aws = {"KeyId": arn, "PublicKey": b64(rsa_.der), "CustomerMasterKeySpec": "RSA_2048",
           "KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY",
           "SigningAlgorithms": ["RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PSS_SHA_256"]}  # fmt: skip
    forms.key("aws_kms.json", js(aws), rsa_, "Read from an AWS KMS answer", source=AWS)
    of_ec = aws | {"PublicKey": b64(ec_.der), "KeySpec": "ECC_NIST_P256",
                   "SigningAlgorithms": ["ECDSA_SHA_256"]}  # fmt: skip
    forms.key("aws_kms_ec.json", js(of_ec), ec_, "an AWS KMS answer", source=AWS)
    typed = aws | {"PublicKey": {str(at): each for at, each in enumerate(ec_.der)}}
    forms.key("aws_kms_uint8array.json", js(typed), ec_, "an AWS KMS answer", source=AWS)
    buffer = aws | {"PublicKey": {"type": "Buffer", "data": list(ec_.der)}}
    forms.key("aws_kms_node_buffer.json", js(buffer), ec_, "an AWS KMS answer", source=AWS)
    forms.refused("aws_kms_encrypt.json", js(aws | {"KeyUsage": "ENCRYPT_DECRYPT"}),
                  "not_for_signing", "for encryption or key agreement")  # fmt: skip
    yaml = f"KeyId: {arn}\nKeySpec: RSA_2048\nPublicKey: {b64(rsa_.der)}\n"
    forms.key("aws_kms.yaml", yaml, rsa_, "other words", source=AWS)
    google = {"pem": rsa2.text, "algorithm": "RSA_SIGN_PSS_3072_SHA256", "pemCrc32c": "3405691582",
              "name": "projects/p/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
              "protectionLevel": "HSM"}  # fmt: skip
    forms.key("google_kms.json", js(google), rsa2, "a Google Cloud KMS answer", "only as PS256",
              source=GOOGLE)  # fmt: skip
    data = {"name": google["name"], "algorithm": "EC_SIGN_P256_SHA256", "publicKeyFormat": "PEM",
            "publicKey": {"data": b64(ec_.pem), "crc32cChecksum": "1"}}  # fmt: skip
    bound = google | {"algorithm": "RSA_SIGN_PKCS1_3072_SHA256"}
    forms.key("google_kms_pkcs1.json", js(bound), rsa2, "only as RS256",
              "Create a key for PS256 there", source=GOOGLE)  # fmt: skip
    forms.key("google_kms_data.json", js(data), ec_, "a Google Cloud KMS answer", source=GOOGLE)
    decrypting = google | {"algorithm": "RSA_DECRYPT_OAEP_3072_SHA256"}
    forms.refused("google_kms_decrypt.json", js(decrypting), "not_for_signing", "key service")
    x509 = {"kid1": rsa_.certificate().decode(), "kid2": rsa2.certificate().decode()}
    forms.choices("google_x509_map.json", js(x509), [rsa_, rsa2], "There are 2", "kid1")
    kid = "https://v.vault.azure.net/keys/client/78deebed173b48e48f55abf87ed4cf71"
    azure = {"key": rsa_.jwk(kid=kid, kty="RSA-HSM", key_ops=["sign", "verify"]),
             "attributes": {"enabled": True, "created": 1}, "tags": {}}  # fmt: skip
    forms.key("azure_key_bundle.json", js(azure), rsa_, "an Azure Key Vault answer", source=AZURE)
    cli = {
        "attributes": {"enabled": True},
        "managed": None,
        "key": ec_.jwk(
            kid=kid, kty="EC-HSM", keyOps=["sign"], d=None, x=_plain(ec_, "x"), y=_plain(ec_, "y")
        ),
    }
    forms.key("azure_cli_key_show.json", js(cli), ec_, "an Azure Key Vault answer", source=AZURE)
    forms.key("azure_ec_hsm.json", js(ec_.jwk(kty="EC-HSM")), ec_, "hardware security module")
    cer = {"id": kid, "cer": b64(rsa_.certificate("-outform", "DER")), "attributes": {},
           "contentType": "application/x-pkcs12"}  # fmt: skip
    forms.key("azure_certificate_bundle.json", js(cer), rsa_, "an Azure Key Vault answer")
    version = {"creation_time": "2026-11-30T12:00:00Z", "name": "P-256", "public_key": ec_.text}
    transit = {"data": {"name": "client", "type": "ecdsa-p256", "latest_version": 1,
               "keys": {"1": version}}}  # fmt: skip
    forms.key("vault_transit.json", js(transit), ec_, "a Vault transit answer", source=VAULT)
    two = {"1": version, "2": version | {"public_key": keys["p256b"].text}}
    transit["data"] |= {"keys": two, "latest_version": 2}
    forms.choices("vault_transit_two.json", js(transit), [ec_, keys["p256b"]], "version 2")
    raw = b64(b64decode(_plain(ed, "x")))
    transit["data"] |= {"type": "ed25519", "keys": {"1": {"name": "ed25519", "public_key": raw}}}
    forms.key("vault_transit_ed25519.json", js(transit), ed, "a Vault transit answer", source=VAULT)
    forms.key("alibaba_kms.json", js({"KeyId": "key-hz", "KeyVersionId": "2", "RequestId": "r",
              "PublicKey": rsa_.text}), rsa_, "RSA public key")  # fmt: skip
    forms.key("oci_kms.json", js({"data": {"algorithm": "RSA", "public-key": rsa_.text}}), rsa_,
              "JSON")  # fmt: skip
    forms.key("terraform_output.json", js({"public_key_pem": {"sensitive": False, "type": "string",
              "value": ec_.text}}), ec_, "JSON")  # fmt: skip
    secret = {"kind": "Secret", "data": {"tls.crt": b64(ec_.certificate())}}
    forms.key("kubernetes_secret.json", js(secret), ec_, "JSON", "base64")
    forms.key("github_keys.json", js([{"id": 1, "key": ed.ssh()}]), ed, "JSON")


AWS: Final = "docs.aws.amazon.com/kms: GetPublicKey"
GOOGLE: Final = "docs.cloud.google.com/kms: CryptoKeyVersions.getPublicKey"
AZURE: Final = "learn.microsoft.com/rest/api/keyvault: Get Key"
VAULT: Final = "developer.hashicorp.com/vault/api-docs: transit, read key"


def ssh_forms(forms: Forms, keys: dict[str, Key]) -> None:
    """OpenSSH's public keys."""
    rsa_, ec_, ed = keys["rsa"], keys["p256"], keys["ed"]
    forms.key("openssh_rsa.pub", f"{rsa_.ssh()} me@host\n", rsa_, "RSA public key")
    forms.key("openssh_ecdsa.pub", f"{ec_.ssh()}\n", ec_, "P-256 public key")
    forms.key("openssh_ed25519.pub", f"{ed.ssh()} two words\n", ed, "Ed25519 public key")
    line = rsa_.ssh()
    wrapped = "\n".join(line[at : at + 76] for at in range(0, len(line), 76)) + "\nme@host"
    forms.key("openssh_wrapped.txt", wrapped, rsa_, "a line that was wrapped")
    options = f'command="/bin/x",no-pty {ed.ssh()} me\n'
    forms.key("authorized_keys.txt", options, ed, "a line of authorized_keys")
    known = f"# host:22 SSH-2.0-OpenSSH_9.2\n[host]:22 {ec_.ssh()}\n"
    forms.key("ssh_keyscan.txt", known, ec_, "a line of authorized_keys or known_hosts")
    forms.choices("authorized_keys_two.txt", f"{ed.ssh()} a\n{ec_.ssh()} b\n", [ed, ec_], "line 2")
    with TemporaryDirectory() as folder:
        (Path(folder) / "id.pub").write_text(rsa_.ssh() + "\n")
        ssh2 = run("ssh-keygen", "-e", "-f", "id.pub", cwd=Path(folder))
        pem = run("ssh-keygen", "-e", "-m", "PKCS8", "-f", "id.pub", cwd=Path(folder))
        pkcs1 = run("ssh-keygen", "-e", "-m", "PEM", "-f", "id.pub", cwd=Path(folder))
        listed = run("ssh-keygen", "-l", "-f", "id.pub", cwd=Path(folder))
        md5 = run("ssh-keygen", "-l", "-E", "md5", "-f", "id.pub", cwd=Path(folder))
    forms.key("ssh2.pub", ssh2, rsa_, "RSA public key")
    forms.key("ssh_keygen_pkcs8.pem", pem, rsa_, "RSA public key")
    forms.key("ssh_keygen_pem.pem", pkcs1, rsa_, "RSA public key")
    forms.key("openssh_blob.txt", ed.ssh().split()[1], ed, "Read from base64")
    forms.key("openssh_quoted.txt", f'"{ed.ssh()}"', ed, "Ed25519 public key")
    forms.key("openssh_other_type.pub", ed.ssh().replace("ssh-ed25519", "ssh-rsa"), ed,
              "a line with the type of another key")  # fmt: skip
    forms.refused("ssh_fingerprint.txt", listed, "fingerprint", "fingerprint")
    forms.refused("ssh_fingerprint_md5.txt", md5, "fingerprint", "fingerprint")


def xml_forms(forms: Forms, keys: dict[str, Key]) -> None:
    """XML of .NET, and of signatures."""
    rsa_, ec_ = keys["rsa"], keys["p256"]
    n, e = _plain(rsa_, "n"), _plain(rsa_, "e")
    xml = f"<RSAKeyValue><Modulus>{n}</Modulus><Exponent>{e}</Exponent></RSAKeyValue>"
    forms.key("dotnet.xml", xml, rsa_, "RSA public key")
    parameters = f'<?xml version="1.0"?>\n<RSAParameters>\n  <Exponent>{e}</Exponent>\n'
    forms.key("dotnet_parameters.xml", f"{parameters}  <Modulus>{n}</Modulus>\n</RSAParameters>",
              rsa_, "RSA public key")  # fmt: skip
    forms.key("dotnet_parameters.json", js({"D": None, "Exponent": e, "Modulus": n}), rsa_, "JSON")
    forms.key("dotnet_xml_in_html.txt", html.escape(xml), rsa_, "HTML")
    forms.key("dotnet_xml_base64.txt", b64(xml.encode()), rsa_, "base64")
    forms.key("dotnet_xml_in_json.json", js({"PublicKey": xml}), rsa_, "JSON")
    certificate = b64(ec_.certificate("-outform", "DER"))
    saml = (
        f'<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data>\n<ds:X509Certificate>\n'
        f"{certificate}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )
    forms.key("saml_metadata.xml", saml, ec_, "XML (X509Certificate)")
    value = (
        '<ECKeyValue><NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"/>'
        f"<PublicKey>{b64(ec_.point())}</PublicKey></ECKeyValue>"
    )
    forms.key("xmldsig_ec.xml", value, ec_, "XML (PublicKey)")


def refused_forms(forms: Forms, keys: dict[str, Key]) -> None:
    """Inputs that are refused by name: other things than public keys, and keys not supported."""
    rsa_, ec_, ed = keys["rsa"], keys["p256"], keys["ed"]
    forms.refused("nothing.txt", " \n", "empty", "")
    forms.refused("prose.txt", "Here is my key. Thanks!", "no_key_found", "contains no public key")
    forms.refused("url.txt", "https://example.com/jwks.json", "url", "a URL")
    forms.refused("secp256k1.pem", keys["k1"].pem, "curve_unsupported", "secp256k1")
    forms.refused("x25519.pem", keys["x25519"].pem, "key_type_unsupported", "X25519")
    short = run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
    short = run("openssl", "pkey", "-pubout", stdin=short)
    forms.refused("rsa_1024.pem", short, "rsa_too_short", "1024 bits")
    text = run("openssl", "pkey", "-pubin", "-text", "-noout", stdin=rsa_.pem)
    forms.refused("openssl_text.txt", text, "key_dump", "printout of a key")
    modulus = run("openssl", "rsa", "-pubin", "-modulus", "-noout", stdin=rsa_.pem)
    forms.refused("openssl_modulus.txt", modulus, "key_dump", "printout of a key")
    text = run("openssl", "x509", "-text", "-noout", stdin=rsa_.certificate())
    forms.refused("openssl_certificate_text.txt", text, "key_dump", "printout of a key")
    printed = run("openssl", "x509", "-fingerprint", "-sha256", "-noout", stdin=rsa_.certificate())
    forms.refused("certificate_fingerprint.txt", printed, "fingerprint", "fingerprint")
    thumbprint = hashlib.sha1(rsa_.der, usedforsecurity=False).hexdigest()
    forms.refused("windows_thumbprint.txt", thumbprint, "fingerprint", "20 bytes")
    forms.refused("ed25519_raw.txt", b64(b64decode(_plain(ed, "x"))), "bare_bytes", "32 bytes")
    crl2pkcs7 = ("openssl", "crl2pkcs7", "-nocrl", "-certfile", "/dev/stdin")
    forms.refused("bundle.p7b", run(*crl2pkcs7, stdin=ec_.certificate()), "pkcs7", "PKCS#7")
    bundle = run(*crl2pkcs7, "-outform", "DER", stdin=ec_.certificate())
    forms.refused("bundle_der.p7b", bundle, "pkcs7", "PKCS#7")
    forms.refused("bundle_base64.txt", b64(bundle), "pkcs7", "PKCS#7")


def damaged_forms(forms: Forms, keys: dict[str, Key]) -> None:
    """Inputs that were cut or changed in transit, and keys of another kind."""
    rsa_, ec_, ed = keys["rsa"], keys["p256"], keys["ed"]
    forms.refused("cut.pem", block("PUBLIC KEY", rsa_.der[:-30]), "bad_der", "Its end is missing")
    forms.refused("cut_in_the_middle.pem", rsa_.pem[:200], "incomplete_block", "END line")
    lines = ec_.text.splitlines()
    forms.refused("no_begin_line.txt", "\n".join(lines[1:]), "incomplete_block", "BEGIN line")
    damaged = bytearray(rsa_.der)
    damaged[-6] &= 0xFE
    forms.refused("damaged_modulus.pem", block("PUBLIC KEY", bytes(damaged)),
                  "rsa_modulus_invalid", "probably damaged")  # fmt: skip
    explicit = run("openssl", "ec", "-pubin", "-param_enc", "explicit", "-pubout", stdin=ec_.pem)
    forms.refused(
        "explicit_curve.pem", explicit, "ec_explicit_parameters", "explicit curve parameters"
    )
    named = run("openssl", "ecparam", "-name", "prime256v1")
    forms.refused("ec_parameters.pem", named, "parameters_only", "only parameters")
    forms.refused("jwk_enc.json", js(rsa_.jwk(use="enc")), "not_for_signing", "not for signatures")
    forms.refused("jwk_of_x25519.json", js(ed.jwk(crv="X25519")), "key_type_unsupported", "X25519")
    forms.refused("jwks_empty.json", '{"keys": []}', "no_key_found", "holds 0 keys")
    forms.refused("shared_secret.json", '{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQ"}',
                  "shared_secret", "shared secret")  # fmt: skip
    forms.refused("token.txt", "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJhIn0.c2ln", "token", "signed token")
    forms.refused("sk_key.pub", "sk-ssh-ed25519@openssh.com AAAAGnNr", "key_type_unsupported",
                  "security key")  # fmt: skip
    with TemporaryDirectory(prefix="g") as folder:
        batch = "Key-Type: EDDSA\nKey-Curve: ed25519\nName-Real: c\n%no-protection\n%commit\n"
        home = ("gpg", "--homedir", folder, "--batch", "--quiet")
        run(*home, "--generate-key", stdin=batch.encode())
        public = run(*home, "--armor", "--export")
        run("gpgconf", "--homedir", folder, "--kill", "all")
    forms.refused("pgp.asc", public, "pgp_key", "PGP")
    request = bytearray(ec_.request("-outform", "DER"))
    request[request.index(b"client.example.com")] ^= 1
    forms.refused("damaged_request.csr", block("CERTIFICATE REQUEST", bytes(request)),
                  "certificate_request", "not signed by the key in it")  # fmt: skip


def private_forms(forms: Forms, keys: dict[str, Key]) -> None:
    """Private keys, in whatever a public key may come, and more."""
    rsa_, ec_, ed = keys["leaked_rsa"], keys["leaked_ec"], keys["leaked_ed"]
    said = "This contains a private key"
    text = ec_.private.decode()
    forms.private("private_pkcs8.pem", ec_.private, ec_, said)
    forms.private("private_rsa_pkcs1.pem", run("openssl", "rsa", "-traditional",
                  stdin=rsa_.private), rsa_, said)  # fmt: skip
    forms.private("private_sec1.pem", run("openssl", "ec", stdin=ec_.private), ec_, said)
    forms.private("private_pkcs8.der", ed.pkcs8(), ed, said)
    encrypted = run("openssl", "pkcs8", "-topk8", "-passout", "pass:a", stdin=ec_.private)
    forms.private("private_encrypted.pem", encrypted, None, said)
    openssh = ed.object.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    forms.private("private_openssh", openssh, ed, said)
    forms.private("private_jwk.json", js(ec_.private_jwk()), ec_, said)
    forms.private("private_base64.txt", b64(ec_.private), ec_, said)
    forms.private("private_base64_twice.txt", b64(b64(ec_.private).encode()), ec_, said)
    forms.private("private_bare_base64.txt", b64(ec_.pkcs8()), ec_, said)
    forms.private("private_hex.txt", ed.pkcs8().hex(), ed, said)
    forms.private("private_utf16.txt", text.encode("utf-16"), ec_, said)
    forms.private("private_percent.txt", quote(text, safe=""), ec_, said)
    forms.private("private_in_public_label.pem", block("PUBLIC KEY", ec_.pkcs8()), ec_, said)
    forms.private("private_in_json.json", js({"private_key": text}), ec_, said)
    forms.private("private_mail.txt", "".join(f"> {line}\n" for line in text.splitlines()), None,
                  said)  # fmt: skip
    forms.private("private_dashes.txt", text.replace("-----", "\u2014\u2014\u2013"), ec_, said)
    forms.private("private_invisible.txt", text.replace("PRIVATE", "PRI\u200bVATE"), ec_, said)
    forms.private("private_after_public.pem", keys["p256"].pem + ec_.private, ec_, said)
    forms.private("private_in_jwks.json", js({"keys": [keys["rsa"].jwk(), ec_.private_jwk()]}), ec_,
                  said)  # fmt: skip
    numbers = ", ".join(map(str, ed.pkcs8()))
    forms.private("private_numbers.txt", f"[{numbers}]", ed, said)
    forms.private("private_data_url.txt", f"data:;base64,{b64(ec_.private)}", ec_, said)
    forms.private("private_html.txt", html.escape(js(ec_.private_jwk())), ec_, said)
    node = "{ kty: 'EC', crv: 'P-256', " + ", ".join(
        f"{name}: '{ec_.private_jwk()[name]}'" for name in ("x", "y", "d")) + " }"  # fmt: skip
    forms.private("private_node_console_log.txt", node, ec_, said)
    secret = {"kind": "Secret", "data": {"tls.crt": b64(ec_.certificate()),
              "tls.key": b64(ec_.private)}}  # fmt: skip
    forms.private("private_kubernetes_secret.json", js(secret), ec_, said)


def main() -> None:
    """Write all files and the index."""
    FORMS.mkdir(exist_ok=True)
    for path in FORMS.iterdir():
        path.unlink()
    keys = {name: Key(name) for name in GENERATE}
    forms = Forms()
    makers = (plain_forms, der_forms, keytool_forms, encoded_forms, dump_forms, program_forms,
              editor_forms, jwk_forms, service_forms, ssh_forms, xml_forms, refused_forms,
              damaged_forms, private_forms)  # fmt: skip
    for make in makers:
        make(forms, keys)
    INDEX.write_text(json.dumps(forms.entries, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
