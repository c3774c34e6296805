"""Ctrl+K: any number, name, VAT id, plate, token or IBAN end finds its object."""

from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from unfold.dataclasses import SearchResult

from contracts.models import Contract, Party, Token, Vehicle
from invoicing.models import Invoice
from payments.models import Payment
from sessions.models import ChargingSession

MOST = 6

_PLACES: list[tuple[type[Model], str, str]] = [
    (Invoice, "receipt_long", "number__icontains"),
    (Party, "groups", "legal_name__icontains number__istartswith vat_id__istartswith iban__endswith"),
    (Contract, "contract", "number__istartswith purchase_order__istartswith"),
    (Vehicle, "directions_car", "label__istartswith plate__istartswith vin__istartswith"),
    (Token, "badge", "ref__istartswith driver_name__icontains"),
    (ChargingSession, "ev_station", "provider_ref__istartswith"),
    (Payment, "payments", "public_id__istartswith payer_reference__icontains"),
]


def search(request: HttpRequest, search_term: str) -> list[SearchResult]:
    """At most six hits per kind, only of kinds that the person may see."""
    term = search_term.strip()
    if len(term) < 2:
        return []
    results = []
    for model, icon, lookups in _PLACES:
        meta = model._meta
        if not request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}"):
            continue
        condition = Q()
        for lookup in lookups.split():
            condition |= Q(**{lookup: term})
        rows: QuerySet[Model] = model._default_manager.filter(condition)[:MOST]
        results += [
            SearchResult(
                title=str(row),
                description=str(meta.verbose_name),
                link=reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk]),
                icon=icon,
            )
            for row in rows
        ]
    return results
