"""The paths of the console, mounted at /console/."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from portal.console.views import (
    attention,
    blocked,
    clients,
    events,
    jobs,
    key_revocation,
    keys,
    policy,
    refused_requests,
    verifiers,
)
from portal.web import converters  # noqa: F401 - registers them


class Sha256Converter(StringConverter):
    """A SHA-256 in lower-case hex."""

    regex = "[0-9a-f]{64}"


register_converter(Sha256Converter, "sha256")

urlpatterns = [
    path("", attention.attention, name="console"),
    path("keys/", keys.keys, name="console_keys"),
    path("keys/export", keys.export, name="console_keys_export"),
    path("keys/revocation", key_revocation.revocation, name="console_key_revocation"),
    path("keys/job", jobs.key_job, name="console_key_job"),
    path("clients/", clients.clients, name="console_clients"),
    path("clients/job", jobs.client_job, name="console_client_job"),
    path("clients/<client_id:client_id>/rights", clients.rights, name="console_client_rights"),
    path(
        "clients/<client_id:client_id>/suspension",
        clients.suspension,
        name="console_client_suspension",
    ),
    path(
        "clients/<client_id:client_id>/resumption",
        clients.resumption,
        name="console_client_resumption",
    ),
    path("clients/<client_id:client_id>/owner", clients.owner, name="console_client_owner"),
    path("jobs/", jobs.jobs, name="console_jobs"),
    path("jobs/retry", jobs.retry_work, name="console_retry"),
    path("jobs/<row:number>", jobs.job, name="console_job"),
    path("jobs/<row:number>/cancellation", jobs.cancellation, name="console_job_cancellation"),
    path("policy/", policy.policy, name="console_policy"),
    path("policy/new", policy.new_rule, name="console_rule_new"),
    path("policy/<row:rule_id>", policy.rule, name="console_rule"),
    path("policy/<row:rule_id>/end", policy.rule_end, name="console_rule_end"),
    path("policy/<row:rule_id>/exemptions", policy.rule_exemptions, name="console_rule_exemptions"),
    path(
        "policy/exemptions/<row:exemption_id>/end",
        policy.exemption_end,
        name="console_exemption_end",
    ),
    path("events/", events.events, name="console_events"),
    path("events/export", events.export, name="console_events_export"),
    path("refused/", refused_requests.refused, name="console_refused"),
    path("verifiers/", verifiers.verifiers, name="console_verifiers"),
    path("verifiers/<row:verifier>", verifiers.verifier_page, name="console_verifier"),
    path("blocked/", blocked.blocked, name="console_blocked"),
    path("blocked/<sha256:spki_sha256>", blocked.blocked_key, name="console_blocked_key"),
]
