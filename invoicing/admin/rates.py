"""Tax rates and exchange rates in the workspace."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from evbilling.access.acting import acting_user
from evbilling.shell.admin import AuditedModelAdmin, WorkspaceAdmin, right
from evbilling.shell.formats import format_percent
from invoicing.models import ExchangeRate, TaxRate
from invoicing.operations.exchange_rates import set_exchange_rate
from invoicing.operations.tax_rates import load_tax_rates


@admin.register(TaxRate)
class TaxRateAdmin(AuditedModelAdmin):
    """Rates per country and region, from day to day. Documents keep the rate they were issued with."""

    list_display = ("country", "region", "rate", "valid_from", "valid_to")
    list_filter = ("country",)
    search_fields = ("country__iexact", "region__istartswith")
    fields = ("country", "region", "percent", "valid_from", "valid_to")
    actions_list = ("load_known",)
    has_load_permission = right("invoicing.add_taxrate")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A wrong rate is corrected, an old one ends: late sessions of its time are taxed with it."""
        return False

    @display(description=_("percent"), ordering="percent")
    def rate(self, tax_rate: TaxRate) -> str:
        """In the reader's language."""
        return format_percent(tax_rate.percent / 100)

    @action(
        description=_("Add known rates"),
        url_path="load-known",
        permissions=["load"],
        icon="playlist_add",
        dialog={
            "title": _("Add the rates that come with the product"),
            "description": _(
                "Standard VAT rates of the EU member states, the United Kingdom, Switzerland and Norway with their "
                "first days. Rates that are here stay as they are. Compare the ones that you use with the law."
            ),
            "form_class": BaseDialogForm,
            "form_submit_text": _("Add them"),
        },
    )
    def load_known(self, request: HttpRequest, form: BaseDialogForm) -> HttpResponse:
        """By the operation."""
        self.run(request, load_tax_rates, str(_("%(it)s tax rates added.")))
        return self.back_to_list()


@admin.register(ExchangeRate)
class ExchangeRateAdmin(WorkspaceAdmin):
    """What currencies are worth in others; documents keep the rate that they were issued with."""

    list_display = ("on", "currency", "target", "rate", "source")
    list_filter = (("on", RangeDateFilter), "currency")
    fields = ("on", ("currency", "target"), "rate", "source")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Day and currencies of a rate that is there stay."""
        return ("on", "currency", "target") if obj is not None else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A wrong rate is corrected."""
        return False

    def save_model(self, request: HttpRequest, obj: ExchangeRate, form: Any, change: bool) -> None:
        """By the operation."""
        saved = set_exchange_rate(
            currency=obj.currency,
            target=obj.target,
            on=obj.on,
            rate=obj.rate,
            source=obj.source,
            by=acting_user(request),
            at=timezone.now(),
        )
        obj.pk = saved.pk
