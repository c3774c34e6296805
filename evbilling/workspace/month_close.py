"""The month close on one page: checks, dry run, go, progress, pause, resume, retry, completeness."""

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from contracts.models import ContractKind, Operator
from evbilling.access.acting import acting_user
from evbilling.kernel.clock import Period, local_date, month_of, parse_month
from evbilling.kernel.errors import BillingError
from evbilling.kernel.money import quantise
from evbilling.workspace import lists
from invoicing.admin.runs import BillingRunAdmin
from invoicing.models import BillingRun, ItemState, Letter, LetterKind, RunState
from invoicing.operations import run_steering, runs
from invoicing.operations.run_approval import approve_run, decline_run
from invoicing.queries.completeness import Fate, Tally, tallies, verdict
from invoicing.queries.month_checks import Concern, MonthCheck, month_checks
from invoicing.queries.month_close import DryRun, dry_run
from invoicing.queries.month_outlook import missed_months, outliers
from invoicing.queries.progress import open_items, run_progress
from invoicing.tasks import enqueue_run

FAILURES_SHOWN = 20
OUTLIERS_SHOWN = 10
REPORTS_SHOWN = 6
MOST_MISSED = 24
"""Months that were not billed, the oldest first."""
MOST_KEYS = 200
"""So many rows fit into the address of a list."""
LISTS: dict[Concern, Callable[[], str]] = {
    Concern.HELD_SESSIONS: lists.open_holds,
    Concern.UNRATED_SESSIONS: lists.sessions,
    Concern.NO_ACCOUNTANT: lists.parties,
    Concern.NO_TAX_RATE: lists.tax_rates,
    Concern.UNAPPROVED_TERMS: lists.all_contracts,
    Concern.ASKED_WAIVERS: lists.asked_waivers,
    Concern.OLD_REFERENCE_RATE: lists.reference_rates,
    Concern.NO_EXCHANGE_RATE: lists.exchange_rates,
}
"""Where each check's rows are found."""
ROWS: dict[Concern, Callable[[Iterable[int]], str]] = {
    Concern.NO_TERMS: lists.contracts,
    Concern.NO_TAX_ID: lists.parties,
    Concern.NO_EXEMPTION_GROUND: lists.parties,
    Concern.NO_SELF_BILLING: lists.parties,
    Concern.NO_HOST_TAX_NUMBER: lists.parties,
    Concern.INCOMPLETE_EINVOICE: lists.parties,
    Concern.OPERATOR_DATA: lambda keys: lists.operator(next(iter(keys))),
}
"""Where just the rows that a check found are mended."""
ACTIONS = {"pause": run_steering.pause_run, "resume": run_steering.resume_run, "retry": run_steering.retry_failed_items}


class GoForm(forms.Form):
    """What "Go" needs: the month, the date of the documents, and whether they are issued."""

    operator = forms.ModelChoiceField(Operator.objects.all(), widget=forms.HiddenInput)
    period = forms.CharField(widget=forms.HiddenInput)
    issued_on = forms.DateField()
    issue = forms.BooleanField(required=False)


@require_GET
def month_close(request: HttpRequest) -> HttpResponse:
    """The page for one operator and month, by default the one that ended last."""
    operators = list(Operator.objects.order_by("legal_name"))
    context: dict[str, Any] = admin.site.each_context(request) | {"title": _("Month close"), "operators": operators}
    operator = next((each for each in operators if str(each.pk) == request.GET.get("operator")), None)
    operator = operator or (operators[0] if operators else None)
    if operator is None:
        return render(request, "admin/month_close.html", context)
    now = timezone.now()
    period = _period(request, operator, now)
    runs_of_month = BillingRun.objects.filter(operator=operator, period_from=period.start, period_to=period.end)
    run = runs_of_month.select_related("operator").first()
    plan = dry_run(operator, period)
    context |= {
        "operator": operator,
        "period": period,
        "run": run,
        "checks": [(check, _list_of(check)) for check in month_checks(operator, period)],
        "plan": plan,
        "plan_sums": _sums(plan),
        "drafts_href": lists.drafts(period),
        "hosts": 0 if run is not None and run.issue else plan.contracts[ContractKind.HOSTING],
        "outliers": outliers(operator, period, most=OUTLIERS_SHOWN),
        "missed": [each for each in missed_months(operator, at=now) if each != period][:MOST_MISSED],
        "issued_on": (run.issued_on if run else local_date(now, operator.zone)).isoformat(),
        "may_run": request.user.has_perm("invoicing.run_billing"),
        **_completeness(operator, period),
        "reports": _reports(run) if run else (),
    }
    return render(request, "admin/month_close.html", context | (_steering(request, run, now) if run else {}))


def _sums(plan: DryRun) -> list[tuple[str, list[tuple[str, Decimal]], Decimal]]:
    """Per currency what adds up to the net of the plan: (currency, (label, amount) each, net)."""
    parts = (
        (_("Sessions"), plan.priced, 1),
        (_("Base fees and minimum commitments"), plan.fees, 1),
        (_("Included energy and discounts"), plan.allowances, -1),
        (_("Penalties"), plan.penalty_net, 1),
        (_("Drafts of the month"), plan.drafted, 1),
    )
    return [
        (currency, [(label, sign * sums[currency]) for label, sums, sign in parts if sums.get(currency)], net)
        for currency, net in sorted(plan.net.items())
    ]


@require_GET
def progress(request: HttpRequest, run_id: int) -> HttpResponse:
    """The part of the page that moves; it asks for itself again until nothing moves any more."""
    run = get_object_or_404(BillingRun, pk=run_id)
    context = _steering(request, run, timezone.now())
    response = render(request, "admin/month_close_progress.html", context)
    if context["progress"].settled:
        response["HX-Refresh"] = "true"  # checks and completeness are as of the end, too
    return response


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Go: start the run of a month, or go on with it."""
    form = GoForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose a month and the date of the documents, written as YYYY-MM-DD."))
        return HttpResponseRedirect(reverse("admin:month_close"))
    operator, code = form.cleaned_data["operator"], form.cleaned_data["period"]
    try:
        run = runs.start_run(
            operator_id=operator.pk,
            period=parse_month(code),
            issued_on=form.cleaned_data["issued_on"],
            issue=form.cleaned_data["issue"],
            by=acting_user(request),
            at=timezone.now(),
        )
    except BillingError as refusal:
        messages.error(request, refusal.message)
    else:
        enqueue_run(run_id=run.pk)
    return _back(operator.pk, code)


@require_POST
def steer(request: HttpRequest, run_id: int, what: str) -> HttpResponse:
    """Pause, resume, or try the failed contracts again."""
    run = get_object_or_404(BillingRun, pk=run_id)
    try:
        ACTIONS[what](run_id=run_id, by=acting_user(request), at=timezone.now())
    except BillingError as refusal:
        messages.error(request, refusal.message)
    else:
        enqueue_run(run_id=run_id)
    return _back(run.operator_id, str(run))


@require_POST
def decide(request: HttpRequest, run_id: int) -> HttpResponse:
    """Approve a run that waits for a second person, or decline it with a reason."""
    run = get_object_or_404(BillingRun, pk=run_id)
    by, at = acting_user(request), timezone.now()
    try:
        if "decline" in request.POST:
            decline_run(run_id=run_id, reason=request.POST.get("reason", ""), by=by, at=at)
            messages.success(request, _("The month close of %(month)s is declined.") % {"month": run})
        else:
            approve_run(run_id=run_id, by=by, at=at)
    except BillingError as refusal:
        messages.error(request, refusal.message)
    else:
        enqueue_run(run_id=run_id)
    return _back(run.operator_id, str(run))


@admin.register(BillingRun)
class MonthCloseAdmin(BillingRunAdmin):
    """The list of runs, and the page that starts and steers them."""

    def get_urls(self) -> list[URLPattern]:
        """The page's own addresses before those of the list, each with the permission it needs."""

        def guarded(view: Any, permission: str) -> Any:
            allowed = permission_required(f"invoicing.{permission}", raise_exception=True)(view)
            return self.admin_site.admin_view(allowed)

        own = [
            path("month-close/", guarded(month_close, "view_billingrun"), name="month_close"),
            path("month-close/go/", guarded(start, "run_billing"), name="month_close_start"),
            path("month-close/<int:run_id>/", guarded(progress, "view_billingrun"), name="month_close_progress"),
        ]
        own.append(
            path("month-close/<int:run_id>/decide/", guarded(decide, "approve_billingrun"), name="month_close_decide")
        )
        for what in ACTIONS:
            view, route = guarded(steer, "run_billing"), f"month-close/<int:run_id>/{what}/"
            own.append(path(route, view, {"what": what}, name=f"month_close_{what}"))
        return own + list(super().get_urls())


def _period(request: HttpRequest, operator: Operator, now: dt.datetime) -> Period:
    """The month asked for; else the first one whose drafts wait; else the last one that is over at the operator's."""
    try:
        return parse_month(request.GET.get("period", ""))
    except BillingError:
        waiting = BillingRun.objects.filter(operator=operator, items__state=ItemState.DRAFTED).order_by("period_from")
        first = waiting.first()
        if first is not None:
            return month_of(first.period_from)
        return month_of(local_date(now, operator.zone)).previous_month()


def _steering(request: HttpRequest, run: BillingRun, now: dt.datetime) -> dict[str, Any]:
    return {
        "run": run,
        "progress": run_progress(run, at=now),
        "failures": open_items(run)[:FAILURES_SHOWN],
        "may_run": request.user.has_perm("invoicing.run_billing"),
        "waits": run.state == RunState.ASKED,
        "may_approve": request.user.has_perm("invoicing.approve_billingrun") and run.asked_by_id != request.user.pk,
        "planned": quantise(run.planned_amount, run.operator.currency),
    }


def _completeness(operator: Operator, period: Period) -> dict[str, Any]:
    """What became of the month's sessions, row by row, their sum, and what that means in a sentence."""
    found = tallies(operator, period)
    rows = [
        {"label": fate.label, "tally": tally, "alarm": fate == Fate.MISSING and tally.sessions}
        for fate, tally in found.items()
    ]
    return {"fates": rows, "sessions_in": sum(found.values(), Tally()), "verdict": verdict(found)}


def _reports(run: BillingRun) -> list[Letter]:
    """The completeness reports kept of a run, the latest first."""
    kept = Letter.objects.filter(kind=LetterKind.RUN_REPORT, source__startswith=f"run:{run.pk}:")
    return list(kept.defer("content").order_by("-pk")[:REPORTS_SHOWN])


def _list_of(check: MonthCheck) -> str:
    if not check.count:
        return ""
    rows = ROWS.get(check.concern)
    return LISTS[check.concern]() if rows is None else rows(check.keys[:MOST_KEYS])


def _back(operator_id: int, code: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('admin:month_close')}?operator={operator_id}&period={code}")
