"""Dunning plans: levels with days, what each does, and its fee."""

from typing import Any

from django import forms
from django.contrib import admin
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action, display

from contracts.admin.common import OperatorDialog, of_the_only_operator
from contracts.models import DunningLevel, DunningPlan, VersionState
from contracts.operations.dunning_plans import add_standard_plan
from contracts.rules.dunning import check_levels
from evbilling.kernel.errors import BillingError
from evbilling.shell.admin import AuditedModelAdmin, right


class LevelFormSet(BaseInlineFormSet):
    """The levels together rise."""

    def clean(self) -> None:
        """By the rule of plans."""
        super().clean()
        if any(self.errors):
            return
        rows = [form.cleaned_data for form in self.forms if form.cleaned_data and form not in self.deleted_forms]
        try:
            check_levels([(row["level"], row["days_overdue"]) for row in rows])
        except BillingError as refusal:
            raise forms.ValidationError(refusal.message) from None


class LevelInline(TabularInline):
    model = DunningLevel
    formset = LevelFormSet
    extra = 0
    tab = True
    fields = ("level", "days_overdue", "action", "fee_amount")


@admin.register(DunningPlan)
class DunningPlanAdmin(AuditedModelAdmin):
    """An operator's levels of reminding. What approved terms name is agreed, and stays as it is."""

    list_display = ("name", "operator", "currency", "is_default", "shown_levels")
    list_select_related = ("operator",)
    search_fields = ("name__istartswith",)
    fields = ("operator", "name", "currency", "is_default")
    inlines = (LevelInline,)
    actions_list = ("add_standard",)
    has_add_standard_permission = right("contracts.add_dunningplan")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the levels."""
        return super().get_queryset(request).prefetch_related("levels")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """With the only operator and its currency."""
        return of_the_only_operator("currency") | super().get_changeform_initial_data(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Until approved terms name it."""
        return super().has_change_permission(request, obj) and not _is_agreed(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """While no terms name it."""
        named = isinstance(obj, DunningPlan) and obj.versions.exists()
        return super().has_delete_permission(request, obj) and not named

    @display(description=_("levels (days)"))
    def shown_levels(self, plan: DunningPlan) -> str:
        """The days of the levels."""
        return ", ".join(str(row.days_overdue) for row in plan.levels.all()) or "\N{EN DASH}"

    @action(
        description=_("Add the standard plan"),
        url_path="add-standard",
        permissions=["add_standard"],
        icon="playlist_add_check",
        dialog={
            "title": _("Add the standard plan"),
            "description": _("Reminders 3 and 14 days after the due date without a fee, a person after 28 days."),
            "form_class": OperatorDialog,
            "form_submit_text": _("Add"),
        },
    )
    def add_standard(self, request: HttpRequest, form: OperatorDialog) -> HttpResponse:
        """As the default of the operator's currency."""
        operator = form.cleaned_data["operator"]
        self.run(request, add_standard_plan, _("%(it)s is there."), operator_id=operator.pk)
        return self.back_to_list()


def _is_agreed(plan: Any) -> bool:
    return isinstance(plan, DunningPlan) and plan.versions.filter(state=VersionState.APPROVED).exists()
