"""Explanations of problems with the token request, or with what was sent as the assertion."""

from __future__ import annotations

from typing import Final

from portal.core.assertion.explanations.explanation import Explanation
from portal.core.reasons import Reason

REQUESTS: Final[dict[Reason, Explanation]] = {
    Reason.PRIVATE_KEY: Explanation(
        "Private key in the request",
        "A private key must never be sent. The portal did not keep it, but it is compromised: "
        "its public key is blocked permanently, and revoked where it is registered.",
        "Create a new key pair, add its public key, and sign with the new private key. Then "
        "fix the program that sent the old one: it passes the key instead of the assertion.",
    ),
    Reason.ASSERTION_MISSING: Explanation(
        "No client assertion",
        "The request does not authenticate its client. This portal accepts only private_key_jwt.",
        "Send client_assertion and client_assertion_type as form parameters.",
    ),
    Reason.ASSERTION_TYPE_WRONG: Explanation(
        "Wrong client_assertion_type",
        "client_assertion_type has one value for all clients.",
        "Send urn:ietf:params:oauth:client-assertion-type:jwt-bearer.",
    ),
    Reason.CLIENT_SECRET: Explanation(
        "Client secrets are not supported",
        "The request contains a secret instead of an assertion. Clients authenticate with "
        "their keys (private_key_jwt).",
        "Sign an assertion with your private key, and send it as client_assertion. Most "
        "libraries do this with token_endpoint_auth_method: private_key_jwt.",
    ),
    Reason.SEVERAL_AUTH_METHODS: Explanation(
        "Several authentication methods",
        "RFC 6749 §2.3 allows one per request. This one has a client_secret or an "
        "Authorization header besides the assertion.",
        "Send only the assertion: no client_secret, no Authorization header, no -u in curl.",
    ),
    Reason.PARAMETER_REPEATED: Explanation(
        "Duplicate parameter",
        "RFC 6749 §3.2 allows each parameter once.",
        "Send each parameter once.",
    ),
    Reason.JSON_BODY: Explanation(
        "Body is JSON",
        "A token request is form-encoded (RFC 6749 §3.2), not JSON.",
        "Send application/x-www-form-urlencoded: data= in Python's requests, URLSearchParams"
        " in JavaScript.",
    ),
    Reason.MULTIPART_BODY: Explanation(
        "Body is multipart",
        "A token request is form-encoded (RFC 6749 §3.2). -F in curl sends a multipart body.",
        "Send application/x-www-form-urlencoded: --data-urlencode instead of -F in curl.",
    ),
    Reason.REQUEST_METHOD: Explanation(
        "Not a POST request",
        "A token request is a POST (RFC 6749 §3.2).",
        "Send a POST, with the parameters in the body.",
    ),
    Reason.REQUEST_URL: Explanation(
        "Wrong URL",
        "The request goes to another URL than that of the endpoint. The URL is compared "
        "character by character, including a slash at the end.",
        "Copy the URL of the token endpoint from the client's page.",
    ),
    Reason.REQUEST_QUERY: Explanation(
        "Parameters in the URL",
        "Servers log URLs, so the portal accepts no parameter in them.",
        "Send all parameters in the body: data= instead of params= in Python's requests, no -G "
        "in curl.",
    ),
    Reason.REQUEST_CONTENT_TYPE: Explanation(
        "Wrong Content-Type",
        "A token request is form-encoded (RFC 6749 §3.2).",
        "Send Content-Type: application/x-www-form-urlencoded.",
    ),
    Reason.PARAMETER_MISSING: Explanation(
        "Missing parameter",
        "The request lacks a parameter that its grant needs. An empty parameter counts as missing.",
        "Add the parameter that this check names.",
    ),
    Reason.GRANT_TYPE_UNKNOWN: Explanation(
        "Unsupported grant type",
        "grant_type is authorization_code, client_credentials or refresh_token. The assertion "
        "only authenticates the client: it is not a grant.",
        "Set grant_type to one of these, such as client_credentials.",
    ),
    Reason.GRANT_TYPE_NOT_ALLOWED: Explanation(
        "Grant type not allowed",
        "The client has no right to use this grant type.",
        "Use a grant type on the client's Settings page. An admin can add rights.",
    ),
    Reason.SCOPE_NOT_ALLOWED: Explanation(
        "Scope not allowed",
        "The client has no right to one of the scopes.",
        "Request only scopes on the client's Settings page. An admin can add rights.",
    ),
    Reason.PASTED_CERTIFICATE: Explanation(
        "This is a certificate",
        "A certificate identifies a key. The assertion is the JWT that you sign.",
        "Paste the value of client_assertion.",
    ),
    Reason.PASTED_PUBLIC_KEY: Explanation(
        "This is a public key",
        "Register keys on the client's page. This page examines assertions.",
        "Paste the value of client_assertion.",
    ),
    Reason.PASTED_NO_ASSERTION: Explanation(
        "No assertion found",
        "An assertion is three parts of base64url with dots between them, and starts with eyJ.",
        "Paste the assertion, the form body or the complete curl command.",
    ),
    Reason.PASTED_SEVERAL: Explanation(
        "Several tokens",
        "The text contains several tokens, and more than one or none of them is a client "
        "assertion. In an assertion, iss and sub are equal.",
        "Paste only the value of client_assertion.",
    ),
    Reason.PASTED_SHORTENED: Explanation(
        "Shortened token",
        "Logs and developer tools shorten long values, and show dots for the rest.",
        "Copy the whole value: print it in your program, or copy it from the request body.",
    ),
}
