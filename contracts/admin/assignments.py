"""Which contract pays for a token and which sponsors a vehicle: joined and ended by operations, one row at a time."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateFilter

from contracts.models import SponsoredVehicle, TokenAssignment
from contracts.operations.assignments import (
    assign_token,
    end_sponsored_vehicle,
    end_token_assignment,
    sponsor_vehicle,
)
from evbilling.access.acting import acting_user
from evbilling.shell.admin import WorkspaceAdmin, page_of


class _JoinedAdmin(WorkspaceAdmin):
    """A row is made whole; afterwards only its last day is set."""

    list_filter = (("contract", AutocompleteSelectFilter), ("valid_from", RangeDateFilter))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What joined once explains old sessions: it ends, it is not deleted."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """All but the last day, once it exists."""
        return () if obj is None else tuple(str(name) for name in self.fields or () if name != "valid_to")

    def response_post_save_add(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Back to the contract, whose button led here."""
        return redirect(page_of(obj.contract))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """To end it, a day is needed."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is not None and "valid_to" in form.base_fields:
            form.base_fields["valid_to"].required = True
        return form


@admin.register(TokenAssignment)
class TokenAssignmentAdmin(_JoinedAdmin):
    """Which contract pays for a token, from day to day."""

    fields = ("contract", "token", "cost_centre", "valid_from", "valid_to")
    list_display = ("token", "contract", "cost_centre", "valid_from", "valid_to")
    list_select_related = ("token", "contract", "cost_centre")
    search_fields = ("token__ref__istartswith", "contract__number__istartswith", "token__driver_name__istartswith")
    autocomplete_fields = ("contract", "token", "cost_centre")

    def save_model(self, request: HttpRequest, obj: TokenAssignment, form: forms.ModelForm, change: bool) -> None:
        """By the operations."""
        who: dict[str, Any] = {"by": acting_user(request), "at": timezone.now()}
        if change:
            end_token_assignment(assignment_id=obj.pk, valid_to=form.cleaned_data["valid_to"], **who)
            return
        made = assign_token(
            token_id=obj.token_id,
            contract_id=obj.contract_id,
            cost_centre_id=obj.cost_centre_id,
            valid_from=obj.valid_from,
            valid_to=obj.valid_to,
            **who,
        )
        obj.pk = made.pk


@admin.register(SponsoredVehicle)
class SponsoredVehicleAdmin(_JoinedAdmin):
    """Which sponsorship covers a vehicle, from day to day."""

    fields = ("contract", "vehicle", "valid_from", "valid_to")
    list_display = ("vehicle", "contract", "valid_from", "valid_to")
    list_select_related = ("vehicle", "contract")
    search_fields = ("vehicle__label__istartswith", "contract__number__istartswith", "vehicle__vin__istartswith")
    autocomplete_fields = ("contract", "vehicle")

    def save_model(self, request: HttpRequest, obj: SponsoredVehicle, form: forms.ModelForm, change: bool) -> None:
        """By the operations."""
        who: dict[str, Any] = {"by": acting_user(request), "at": timezone.now()}
        if change:
            end_sponsored_vehicle(sponsored_id=obj.pk, valid_to=form.cleaned_data["valid_to"], **who)
            return
        made = sponsor_vehicle(
            contract_id=obj.contract_id,
            vehicle_id=obj.vehicle_id,
            valid_from=obj.valid_from,
            valid_to=obj.valid_to,
            **who,
        )
        obj.pk = made.pk
