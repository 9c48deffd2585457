"""What is wrong with the request around an assertion, or with what was given in its place."""

from __future__ import annotations

from typing import Final

from portal.core.assertion.explanations.explanation import Explanation
from portal.core.reasons import Reason

REQUESTS: Final[dict[Reason, Explanation]] = {
    Reason.PRIVATE_KEY: Explanation(
        "There was a private key in the request",
        "A private key signs an assertion and is never sent. What was sent is not kept, and counts "
        "as leaked: its public half is blocked here for good, and revoked where it is registered.",
        "Make a new pair, add its public half, and sign with the new private key. Then find the "
        "program that sent the old one: it passes the key where the assertion belongs.",
    ),
    Reason.ASSERTION_MISSING: Explanation(
        "There is no client assertion",
        "The request does not say which client it is from in the way that is asked for here "
        "(private_key_jwt).",
        "Send client_assertion and client_assertion_type as form parameters.",
    ),
    Reason.ASSERTION_TYPE_WRONG: Explanation(
        "client_assertion_type is wrong",
        "It has one value here, whatever the client.",
        "Send urn:ietf:params:oauth:client-assertion-type:jwt-bearer.",
    ),
    Reason.CLIENT_SECRET: Explanation(
        "This portal takes no client secret",
        "The request has a secret in place of an assertion. Clients sign in with their keys "
        "(private_key_jwt), and there is no secret to check.",
        "Sign an assertion with the private key, and send it as client_assertion. In most "
        "libraries the setting is token_endpoint_auth_method: private_key_jwt.",
    ),
    Reason.SEVERAL_AUTH_METHODS: Explanation(
        "Two ways to authenticate at once",
        "RFC 6749 §2.3 allows one a request. There is a client_secret or an Authorization "
        "header beside the assertion.",
        "Send the assertion alone: no client_secret, no Authorization header, no -u in curl.",
    ),
    Reason.PARAMETER_REPEATED: Explanation(
        "A parameter is there twice",
        "RFC 6749 §3.2 allows each parameter once.",
        "Send each parameter once.",
    ),
    Reason.JSON_BODY: Explanation(
        "The body is JSON",
        "A token request is a form (RFC 6749 §3.2), not JSON.",
        "Send application/x-www-form-urlencoded: data= in Python's requests, URLSearchParams"
        " in JavaScript.",
    ),
    Reason.MULTIPART_BODY: Explanation(
        "The body is multipart",
        "A token request is a plain form (RFC 6749 §3.2). -F in curl makes a multipart body.",
        "Send application/x-www-form-urlencoded: --data-urlencode in curl, in place of -F.",
    ),
    Reason.PASTED_CERTIFICATE: Explanation(
        "This is a certificate",
        "A certificate says which key is whose. The assertion is what you sign.",
        "Paste the value of client_assertion.",
    ),
    Reason.PASTED_PUBLIC_KEY: Explanation(
        "This is a public key",
        "Keys are registered on the client's page. Here an assertion is looked at.",
        "Paste the value of client_assertion.",
    ),
    Reason.PASTED_NO_ASSERTION: Explanation(
        "There is no assertion in this",
        "An assertion is three parts of base64url with dots between, and begins with eyJ.",
        "Paste the assertion, the form body or the whole curl command.",
    ),
}
