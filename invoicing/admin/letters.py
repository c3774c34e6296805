"""Letters and reports in the workspace: read and downloaded as they were made."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, RangeDateFilter
from unfold.decorators import action, display

from evbilling.shell.admin import ReasonForm, WrittenByTheProduct, badge, link_to, right
from evbilling.shell.views import file_response
from invoicing.admin.common import SEND_AGAIN
from invoicing.admin.deliveries import DeliveryInline
from invoicing.models import Letter
from invoicing.operations.deliveries import resend_letter


@admin.register(Letter)
class LetterAdmin(WrittenByTheProduct):
    """Notices, statements, receipts and reports; never drawn again."""

    list_display = ("file_name", "kind_badge", "party_link", "dated_on", "made_at", "made_by")
    list_display_links = ("file_name",)
    list_select_related = ("party", "made_by")
    list_filter = (
        ("kind", ChoicesDropdownFilter),
        ("party", AutocompleteSelectFilter),
        ("dated_on", RangeDateFilter),
    )
    search_fields = ("file_name__icontains", "party__legal_name__istartswith", "source__icontains")
    search_help_text = _("File name, party, or what it is for")
    fields = ("file_name", "kind_badge", "party_link", "dated_on", "source", "size", "sha256", "made_at", "made_by")
    inlines = (DeliveryInline,)
    actions_detail = ("download", "send_again")
    has_resend_permission = right("invoicing.resend_delivery")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without the bytes."""
        return super().get_queryset(request).defer("content")

    @display(description=_("kind"), ordering="kind")
    def kind_badge(self, letter: Letter) -> SafeString:
        """What it is."""
        return badge(letter.kind, capfirst(letter.get_kind_display()), {})

    @display(description=_("party"), ordering="party__legal_name")
    def party_link(self, letter: Letter) -> str:
        """To whom; a dash for reports that stay in the house."""
        return link_to(letter.party)

    @action(description=_("Open file"), url_path="download", permissions=["view"], icon="download")
    def download(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The archived bytes."""
        letter = Letter.objects.get(pk=object_id)
        return file_response(bytes(letter.content), letter.content_type, letter.file_name, show=True)

    @action(**SEND_AGAIN)
    def send_again(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """A new intent, with the reason."""
        reason, done = form.cleaned_data["reason"], str(_("%(it)s is being sent."))
        return self.run_and_return(
            request, resend_letter, done, object_id=object_id, letter_id=object_id, reason=reason
        )
