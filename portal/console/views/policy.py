"""The key policy: rules that admins draft, see the effect of, save and end, and exemptions."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from portal.console.decorators import AdminRequest, admin_view
from portal.console.policy_forms import ExemptionForm, RuleForm
from portal.registry.actions import (
    draft_rule,
    end_exemption,
    end_rule,
    exempt_client,
    save_rule,
)
from portal.registry.errors import RegistryRefusal
from portal.registry.models import PolicyExemption, PolicyRule
from portal.registry.models.policy_rule import MAX_RULES, PolicyRuleQuerySet
from portal.web.form_errors import add_refusal
from portal.web.forms import posted
from portal.web.render import show
from portal.work.worker import worker_state

_CLIENTS: Final = 20
"""How many clients of a rule its page names."""
_EXEMPTIONS: Final = 200


@admin_view("GET", "HEAD")
def policy(request: AdminRequest) -> HttpResponse:
    """List the rules that are in force or planned."""
    now = timezone.now()
    rules = _rules().current().order_by("-pk")[:MAX_RULES]
    listed = [(rule, rule.applies(now)) for rule in rules]
    context = {"section": "console", "tab": "policy", "rules": listed, "now": now}
    return show(request, "console/policy.html", context)


@admin_view("GET", "HEAD", "POST")
def new_rule(request: AdminRequest) -> HttpResponse:
    """Ask for a rule (GET), and draft it (POST); `replaces` names the rule that it changes."""
    replaced = _replaced(request)
    initial = RuleForm.of_rule(replaced) if replaced else {}
    is_in_force = replaced is not None and replaced.applies(timezone.now())
    form = RuleForm(posted(request), initial=initial, begins_now=is_in_force)
    if form.is_valid():
        try:
            drafted = draft_rule(form.values, replaces=replaced, by=request.user)
        except RegistryRefusal as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("console_rule", drafted.pk)
    context = {
        "section": "console",
        "tab": "policy",
        "form": form,
        "replaced": replaced,
        "is_in_force": is_in_force,
    }
    status = 422 if form.is_bound else 200
    return show(request, "console/rule_form.html", context, status=status)


@admin_view("GET", "HEAD", "POST")
def rule(request: AdminRequest, rule_id: int) -> HttpResponse:
    """Show a rule and which keys are outside it (GET), and save a draft (POST)."""
    found = _find(rule_id)
    if request.method == "POST":
        try:
            save_rule(found, by=request.user)
        except RegistryRefusal as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"The rule “{found.name}” is saved.")
        return redirect("console_rule", found.pk)
    return _show(request, found, ExemptionForm())


@admin_view("POST")
def rule_end(request: AdminRequest, rule_id: int) -> HttpResponse:
    """End a rule."""
    found = end_rule(_find(rule_id), by=request.user)
    messages.success(request, f"The rule “{found.name}” has ended. New keys need not meet it.")
    return redirect("console_policy")


@admin_view("POST")
def rule_exemptions(request: AdminRequest, rule_id: int) -> HttpResponse:
    """Exempt a client from a rule."""
    found, form = _find(rule_id), ExemptionForm(request.POST)
    if form.is_valid():
        try:
            exempt_client(found, **form.cleaned_data, by=request.user)
        except RegistryRefusal as refusal:
            add_refusal(form, refusal)
        else:
            name = form.cleaned_data["client"].name
            messages.success(request, f"{name} is exempt from “{found.name}”.")
            return redirect("console_rule", found.pk)
    return _show(request, found, form, status=422)


@admin_view("POST")
def exemption_end(request: AdminRequest, exemption_id: int) -> HttpResponse:
    """End an exemption."""
    found = get_object_or_404(
        PolicyExemption.objects.select_related("rule", "client"), pk=exemption_id
    )
    end_exemption(found, by=request.user)
    messages.success(request, f"{found.client.name} is no longer exempt from “{found.rule.name}”.")
    return redirect("console_rule", found.rule_id)


def _show(
    request: AdminRequest, rule: PolicyRule, form: ExemptionForm, *, status: int = 200
) -> HttpResponse:
    now = timezone.now()
    clients = list(rule.clients.order_by("name", "pk")[: _CLIENTS + 1])
    exemptions = rule.exemptions.select_related("client", "made_by").order_by("until", "pk")
    context: dict[str, Any] = {
        "section": "console",
        "tab": "policy",
        "rule": rule,
        "is_in_force": rule.applies(now),
        "clients": clients[:_CLIENTS],
        "more_clients": len(clients) > _CLIENTS,
        "counted_at": parse_datetime(rule.survey["at"]) if rule.survey else None,
        "exemptions": list(exemptions.open(now)[:_EXEMPTIONS]),
        "form": form,
        "workers": worker_state(now),
        "now": now,
    }
    return show(request, "console/rule.html", context, fragment="survey", status=status)


def _replaced(request: AdminRequest) -> PolicyRule | None:
    sent = request.POST if request.method == "POST" else request.GET
    wanted = str(sent.get("replaces", ""))
    if not wanted:
        return None
    is_number = wanted.isascii() and wanted.isdecimal() and len(wanted) <= 18
    return get_object_or_404(PolicyRule.objects.current(), pk=int(wanted) if is_number else 0)


def _find(rule_id: int) -> PolicyRule:
    return get_object_or_404(_rules(), pk=rule_id)


def _rules() -> PolicyRuleQuerySet:
    return PolicyRule.objects.select_related("made_by", "saved_by", "ended_by", "replaces")
