"""The tabs of a document's page: lines, tax, sessions, files, mails, allocations, journal."""

from typing import Any

from django.contrib import admin
from django.db.models import CharField, QuerySet, Value
from django.db.models.functions import Cast, Concat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.contrib.inlines.admin import NonrelatedTabularInline

from evbilling.shell.admin import ListInline, link_to, money
from evbilling.shell.formats import format_instant, format_kwh, format_percent
from invoicing.admin.common import SidesInline, tax_words
from invoicing.models import (
    Allocation,
    BilledCharge,
    Document,
    Invoice,
    InvoiceLine,
    InvoiceTax,
    JournalLine,
)
from sessions.admin.common import zone_of


class LineInline(ListInline):
    """What is billed."""

    model = InvoiceLine
    fields = ("position", "group_label", "what", "session_count", "energy", "tax", "net")
    readonly_fields = fields

    @admin.display(description=_("text"))
    def what(self, line: InvoiceLine) -> str:
        """What the line is for, and how it was reckoned."""
        sentence = line.because.get("sentence", "")
        return format_html('{}<br><span class="ws-more">{}</span>', line.text, sentence) if sentence else line.text

    @admin.display(description=_("energy"))
    def energy(self, line: InvoiceLine) -> SafeString:
        """In kWh."""
        return format_html('<span class="num">{}</span>', format_kwh(line.energy_wh))

    @admin.display(description=_("tax"))
    def tax(self, line: InvoiceLine) -> str:
        """Category and rate."""
        return tax_words(line.tax_category, line.tax_rate)

    @admin.display(description=_("net"))
    def net(self, line: InvoiceLine) -> SafeString:
        """In the document's currency."""
        return money(line.net_amount, line.invoice.currency)

    def get_queryset(self, request: Any) -> QuerySet[InvoiceLine]:
        """With the document's currency."""
        return super().get_queryset(request).select_related("invoice")


class TaxInline(ListInline):
    """Tax per rate."""

    model = InvoiceTax
    fields = ("category", "rate", "net", "tax", "ground")
    readonly_fields = fields
    verbose_name_plural = _("tax")

    @admin.display(description=_("category"))
    def category(self, row: InvoiceTax) -> str:
        """What EN 16931 calls it."""
        return capfirst(row.get_tax_category_display())

    @admin.display(description=_("rate"))
    def rate(self, row: InvoiceTax) -> str:
        """In percent."""
        return format_percent(row.tax_rate / 100)

    @admin.display(description=_("net"))
    def net(self, row: InvoiceTax) -> SafeString:
        """What it is computed on."""
        return money(row.net_amount, row.invoice.currency)

    @admin.display(description=_("tax"))
    def tax(self, row: InvoiceTax) -> SafeString:
        """Rounded once."""
        return money(row.tax_amount, row.invoice.currency)

    def get_queryset(self, request: Any) -> QuerySet[InvoiceTax]:
        """With the document's currency."""
        return super().get_queryset(request).select_related("invoice")


class DocumentInline(ListInline):
    """The archived files; their bytes are read only when one is opened."""

    model = Document
    fields = ("file", "size", "sha256", "rendered_at")
    readonly_fields = fields

    @admin.display(description=_("file"))
    def file(self, document: Document) -> SafeString:
        """Opens it."""
        address = reverse("admin:invoicing_document_download", args=[document.pk])
        return format_html('<a class="underline" href="{}">{}</a>', address, document.file_name)

    def get_queryset(self, request: Any) -> QuerySet[Document]:
        """Without the bytes."""
        return super().get_queryset(request).defer("content")


class AllocationInline(ListInline):
    """What settles the document."""

    model = Allocation
    fields = ("allocated_on", "source", "sum", "allocated_by", "undoes")
    readonly_fields = fields
    show_change_link = True
    verbose_name_plural = _("payments and credits")

    @admin.display(description=_("amount"))
    def sum(self, allocation: Allocation) -> SafeString:
        """Negative where it was undone."""
        return money(allocation.amount, allocation.currency)

    @admin.display(description=_("undoes"))
    def undoes(self, allocation: Allocation) -> str:
        """The allocation that it undoes."""
        return link_to(allocation.reverses)

    def get_queryset(self, request: Any) -> QuerySet[Allocation]:
        """With who made it."""
        return super().get_queryset(request).select_related("allocated_by", "reverses__invoice")


class _Nonrelated(ListInline, NonrelatedTabularInline):  # type: ignore[misc]  # the theme's bases differ in a hint
    """Rows that hang on the document by something else than a foreign key."""


class SessionInline(_Nonrelated):
    """The sessions on the document, with what this payer pays of each."""

    model = BilledCharge
    fields = ("session", "ended", "site", "vehicle", "energy", "amount", "use")
    readonly_fields = fields
    verbose_name_plural = _("sessions")

    def get_form_queryset(self, obj: Invoice) -> QuerySet[BilledCharge]:
        """In the order of the annex."""
        rows = BilledCharge.objects.filter(line__invoice=obj)
        rows = rows.select_related("charge__session__site", "charge__session__vehicle")
        return rows.order_by("charge__session__ended_at", "charge__session__provider_ref", "pk")

    @admin.display(description=_("session"))
    def session(self, row: BilledCharge) -> str:
        """Opens it: there stands why it costs what it costs."""
        return link_to(row.charge.session)

    @admin.display(description=_("end"))
    def ended(self, row: BilledCharge) -> str:
        """In the site's zone."""
        session = row.charge.session
        if session.ended_at is None:
            return "\N{EN DASH}"
        return format_instant(session.ended_at, zone_of(session))

    @admin.display(description=_("site"))
    def site(self, row: BilledCharge) -> str:
        """Where."""
        return str(row.charge.session.site or "\N{EN DASH}")

    @admin.display(description=_("vehicle"))
    def vehicle(self, row: BilledCharge) -> str:
        """Which."""
        return str(row.charge.session.vehicle or "\N{EN DASH}")

    @admin.display(description=_("energy"))
    def energy(self, row: BilledCharge) -> SafeString:
        """In kWh."""
        return format_html('<span class="num">{}</span>', format_kwh(row.charge.session.energy_wh))

    @admin.display(description=_("net"))
    def amount(self, row: BilledCharge) -> SafeString:
        """This payer's part."""
        return money(row.charge.net_amount, row.charge.currency)


class JournalInline(SidesInline, _Nonrelated):  # type: ignore[misc]  # the theme's bases differ in a hint
    """What the ledger holds of the document and of its allocations."""

    fields = ("booked_on", "entry_text", "account", "debit", "credit")
    readonly_fields = fields
    verbose_name_plural = _("journal")

    def get_form_queryset(self, obj: Invoice) -> QuerySet[JournalLine]:
        """By source: the document's own, then its allocations'."""
        allocations = Allocation.objects.filter(invoice=obj).values_list(
            Concat(Value("allocation:"), Cast("pk", CharField())), flat=True
        )
        sources = [f"invoice:{obj.pk}", *allocations]
        return JournalLine.objects.filter(entry__source__in=sources).select_related("entry", "account").order_by("pk")

    @admin.display(description=_("booked on"))
    def booked_on(self, line: JournalLine) -> Any:
        """The entry's day."""
        return line.entry.booked_on

    @admin.display(description=_("text"))
    def entry_text(self, line: JournalLine) -> str:
        """Opens the entry."""
        return link_to(line.entry)
