"""Import with a preview and export on the lists of parties, contracts and tariffs: django-import-export's pages.

The pages are that package's, in the theme's dress; reading, writing and refusing is ours: a Resource only hands a file
to contracts.operations.exchange and shows what came of it. Nothing is kept on the server between preview and
confirmation: the file travels in the form, packed and signed.
"""

from typing import Any

import tablib
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from import_export.admin import ImportExportMixin
from import_export.fields import Field
from import_export.formats.base_formats import Format
from import_export.resources import Resource
from import_export.results import Result, RowResult
from unfold.contrib.import_export.forms import ExportForm, ImportForm

from contracts.admin.exchange_formats import CarriedFile, CsvRows, OcpiTariffs, TariffRows, XlsxRows
from contracts.operations.exchange import (
    CONTACTS,
    CONTRACTS,
    PARTIES,
    SPONSORED_VEHICLES,
    TARIFFS,
    TOKENS,
    Fate,
    Outcome,
    RowOutcome,
    Sheet,
    export_rows,
    import_rows,
)
from contracts.operations.exchange.tariffs import ocpi_documents
from contracts.rules.exchange_files import MOST_BYTES, Table
from evbilling.access.acting import acting_user
from evbilling.kernel.audit import record_audit
from evbilling.kernel.errors import BillingError

_FATES = {
    Fate.NEW: RowResult.IMPORT_TYPE_NEW,
    Fate.CHANGED: RowResult.IMPORT_TYPE_UPDATE,
    Fate.UNCHANGED: RowResult.IMPORT_TYPE_SKIP,
}


class SheetResource(Resource):
    """One sheet as the package's pages see it; `by` is the signed-in person."""

    sheet: Sheet

    def __init__(self, by: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.by = by
        self.fields = {name: Field(attribute=name, column_name=name) for name in self.sheet.columns}

    @classmethod
    def get_display_name(cls) -> str:
        """As the choice of sheets reads."""
        return str(cls.sheet.title)

    def import_data(self, dataset: tablib.Dataset, dry_run: bool = False, **kwargs: Any) -> Result:  # type: ignore[override]
        """The operation's outcome in the package's words; the operation alone decides what is written."""
        result = Result()
        result.diff_headers = list(dataset.headers or ())
        result.total_rows = len(dataset)
        table = Table(tuple(dataset.headers or ()), tuple(dataset[:]))
        try:
            outcome = import_rows(sheet=self.sheet, table=table, by=self.by, at=timezone.now(), dry_run=dry_run)
        except BillingError as refusal:
            result.append_base_error(self.get_error_result_class()(refusal.message))
            return result
        return _result(result, outcome)

    def export(self, queryset: Any = None, **kwargs: Any) -> tablib.Dataset:  # type: ignore[override]
        """All columns of the sheet for the rows of the current view."""
        rows = export_rows(sheet=self.sheet, queryset=queryset, by=self.by)
        if self.sheet is not TARIFFS:
            return tablib.Dataset(*rows, headers=list(self.sheet.headings))
        found = TariffRows(*rows, headers=list(self.sheet.headings))
        found.ocpi = ocpi_documents(queryset)
        return found


def _result(result: Result, outcome: Outcome) -> Result:
    for row in outcome.rows:
        made = RowResult()
        if row.fate == Fate.REFUSED:
            problem = ValidationError({row.column or "__all__": row.message})
            made.import_type, made.validation_error = RowResult.IMPORT_TYPE_INVALID, problem
            result.append_invalid_row(row.number, row.values, problem)
        else:
            made.import_type = _FATES[row.fate]
            made.diff = [_shown(row, column) for column in result.diff_headers]
            if row.obj is not None:
                made.object_id, made.object_repr = row.obj.pk, str(row.obj)
        result.increment_row_result_total(made)
        result.append_row_result(made)
    return result


def _shown(row: RowOutcome, column: str) -> SafeString:
    """A cell of the preview: what was and what will be, where it changes."""
    cell = row.values[column]
    if row.fate == Fate.CHANGED and column in row.changes:
        before, after = row.changes[column]
        return format_html("<del>{}</del> <ins>{}</ins>", before, after)
    return format_html("{}", cell if len(cell) <= 200 else f"{cell[:200]}\N{HORIZONTAL ELLIPSIS}")


class SheetImportForm(ImportForm):
    """Which sheet, which file, which format."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say_sheet(self)

    def clean_import_file(self) -> Any:
        """Small enough to be looked at."""
        file = self.cleaned_data["import_file"]
        if file.size > MOST_BYTES:
            raise ValidationError(_("Give at most 5 MB; split the file."))
        return file


class SheetExportForm(ExportForm):
    """Which sheet, which format."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _say_sheet(self)


def _say_sheet(form: Any) -> None:
    form.fields["resource"].label = _("Sheet")


class ExchangeAdmin(ImportExportMixin):
    """Mixed into a list's admin page: `resource_classes` are the sheets that it offers."""

    formats = (CsvRows, XlsxRows)
    import_form_class = SheetImportForm
    export_form_class = SheetExportForm
    tmp_storage_class = CarriedFile
    import_template_name = "admin/contracts/import.html"
    skip_admin_log = True  # the operations write the audit trail
    resource_classes: tuple[type[SheetResource], ...]
    model: Any
    opts: Any

    def get_import_formats(self) -> list[type[Format]]:
        """Those of the list."""
        return list(self.formats)

    def get_export_formats(self) -> list[type[Format]]:
        """Those of the list."""
        return list(self.formats)

    def _allowed(self, request: HttpRequest, permission: str) -> list[type[SheetResource]]:
        return [
            resource
            for resource in self.resource_classes
            if request.user.has_perm(f"contracts.{getattr(resource.sheet, permission)}")
        ]

    def get_import_resource_classes(self, request: HttpRequest) -> list[type[SheetResource]]:
        """Those that the person may import."""
        return self._allowed(request, "permission")

    def get_export_resource_classes(self, request: HttpRequest) -> list[type[SheetResource]]:
        """Those that the person may read."""
        return self._allowed(request, "view")

    def has_import_permission(self, request: HttpRequest) -> bool:
        """Whether there is a sheet that the person may import."""
        return bool(self.get_import_resource_classes(request))

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whether there is a sheet that the person may read."""
        return bool(self.get_export_resource_classes(request))

    def get_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        """The signed-in person."""
        return {"by": acting_user(request)}

    def add_data_read_fail_error_to_form(self, form: Any, e: Exception) -> None:
        """Why the file cannot be read at all, in the sentence of whoever read it."""
        if not isinstance(e, ValueError):
            raise e
        form.add_error("import_file", str(e))

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """After the preview was confirmed; a preview that is too old starts over."""
        if request.method == "POST" and request.POST.get("format", "") not in {
            str(number) for number in range(len(self.formats))
        }:
            return HttpResponseRedirect(self._address("import"))
        try:
            response: HttpResponse = super().process_import(request, **kwargs)
        except ValueError as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(self._address("import"))
        return response

    def process_result(self, result: Result, request: HttpRequest) -> HttpResponse:
        """Back to the list; what was refused since the preview was shown is said, and then nothing was written."""
        if result.has_errors() or result.has_validation_errors():
            for error in result.base_errors:
                messages.error(request, str(error.error))
            for row in result.invalid_rows[:5]:
                messages.error(request, _("Row %(row)s: %(why)s") % {"row": row.number, "why": row.error.messages[0]})
            messages.error(request, _("Nothing was imported; look at the file again."))
            return HttpResponseRedirect(self._address("import"))
        return super().process_result(result, request)

    def add_success_message(self, result: Result, request: HttpRequest) -> None:
        """How many rows did what."""
        messages.success(request, _("Imported: %s") % counts_text(result))

    def get_export_data(self, file_format: Format, request: HttpRequest, queryset: Any, **kwargs: Any) -> bytes:
        """The file; who exported what is on record. Raises ValueError, whose text the page shows."""
        try:
            data: bytes = super().get_export_data(file_format, request, queryset, **kwargs)
        except BillingError as refusal:
            raise ValueError(refusal.message) from None
        resource = self.choose_export_resource_class(kwargs.get("export_form"), request)
        record_audit(
            action="contracts.exchange.export",
            obj=None,
            by=acting_user(request),
            at=timezone.now(),
            changes={
                "sheet": resource.sheet.name,
                "format": file_format.get_title(),
                "filters": request.GET.urlencode(),
            },
            where=str(request.META.get("REMOTE_ADDR", "")),
        )
        return data

    def get_export_filename(self, request: HttpRequest, queryset: Any, file_format: Format) -> str:
        """parties-2026-01-31.csv"""
        return f"{self.opts.model_name}-{timezone.localdate():%Y-%m-%d}.{file_format.get_extension()}"

    def _address(self, page: str) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}")


def counts_text(result: Result) -> str:
    """3 new, 1 changed, 2 unchanged."""
    totals = result.totals
    return gettext("%(new)s new, %(changed)s changed, %(unchanged)s unchanged.") % {
        "new": totals[RowResult.IMPORT_TYPE_NEW],
        "changed": totals[RowResult.IMPORT_TYPE_UPDATE],
        "unchanged": totals[RowResult.IMPORT_TYPE_SKIP],
    }


class PartyResource(SheetResource):
    sheet = PARTIES


class ContactResource(SheetResource):
    sheet = CONTACTS


class ContractResource(SheetResource):
    sheet = CONTRACTS


class TokenResource(SheetResource):
    sheet = TOKENS


class SponsoredVehicleResource(SheetResource):
    sheet = SPONSORED_VEHICLES


class TariffResource(SheetResource):
    sheet = TARIFFS


class PartyExchange(ExchangeAdmin):
    """Parties and their contacts."""

    resource_classes = (PartyResource, ContactResource)


class ContractExchange(ExchangeAdmin):
    """Contracts, their tokens, sponsored vehicles."""

    resource_classes = (ContractResource, TokenResource, SponsoredVehicleResource)


class TariffExchange(ExchangeAdmin):
    """Tariffs, also as OCPI documents."""

    resource_classes = (TariffResource,)
    formats = (CsvRows, XlsxRows, OcpiTariffs)
