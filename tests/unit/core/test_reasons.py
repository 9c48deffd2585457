"""Every reason is tested: none is left over, and none has come without a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.core.reasons import Reason

CODES = """
    alg_does_not_fit alg_not_offered alg_unknown assertion_base64url assertion_bearer_prefix
    assertion_characters assertion_detached assertion_empty assertion_encrypted
    assertion_json_form assertion_member_twice assertion_missing assertion_not_ascii
    assertion_not_json assertion_not_utf8 assertion_padded assertion_parts assertion_quoted
    assertion_too_large assertion_too_nested assertion_type_wrong assertion_white_space
    aud_array aud_mismatch aud_token_endpoint bad_base64 bad_certificate bad_der bad_jwk
    bad_openssh_key bare_bytes blocked certificate_request claim_missing claim_not_string
    client_id_mismatch client_secret client_suspended client_unknown curve_unsupported
    date_milliseconds date_not_number date_out_of_range der_binary ec_compressed_point
    ec_explicit_parameters ec_point_invalid ed_point_invalid ed_small_order empty expired
    fingerprint grant_type_not_allowed grant_type_unknown header_alg_hmac header_alg_missing
    header_alg_none header_alg_unknown header_b64 header_crit header_embedded_key header_typ
    header_zip iat_ahead incomplete_block iss_mismatch json_body jti_length jti_reused
    key_alg_other_type key_alg_sibling key_dump key_expired key_length key_pending
    key_retired key_revoked key_type_unsupported key_unconfirmed kid_missing kid_unknown
    label_mismatch lifetime_too_long multipart_body nbf_ahead no_header_lines no_key_found
    no_live_key not_for_signing not_text parameter_missing parameter_repeated
    parameters_only pasted_certificate pasted_no_assertion pasted_public_key pasted_several
    pasted_shortened pgp_key pkcs7 private_key request_content_type request_method
    request_query request_url rsa_biased rsa_close_primes rsa_exponent rsa_modulus_invalid
    rsa_modulus_power rsa_modulus_prime rsa_odd_length rsa_pss_parameters rsa_roca
    rsa_shared_prime rsa_small_factor rsa_too_long rsa_too_short scope_not_allowed
    several_auth_methods several_blocks shared_secret signature_der signature_invalid
    ssh2_key sub_mismatch token too_large trailing_data unknown_block url xml_key
"""


@pytest.mark.parametrize("reason", Reason)
def test_reason_has_a_test_that_names_it(reason: Reason) -> None:
    here = Path(__file__)
    tests = (path for path in here.parent.rglob("*.py") if path != here)
    assert any(f"Reason.{reason.name}" in path.read_text("utf-8") for path in tests)


def test_codes_are_these() -> None:
    """Tables store them, and others read them in exports: add a code, but never change one."""
    assert sorted(Reason) == CODES.split()
