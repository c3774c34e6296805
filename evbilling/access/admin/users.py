"""Users in the workspace: invited, never given a password; what is refused says why."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from evbilling.access import operations
from evbilling.access.acting import acting_user
from evbilling.access.middleware import FACTORS
from evbilling.access.models import User
from evbilling.access.roles import Role, roles_of
from evbilling.shell.admin import ReasonForm, WorkspaceAdmin, badge

# A role is what roles.py says, an address is the user's own, a factor's secret is nobody's to read: no page edits them.
admin.site.unregister([Group, EmailAddress, Authenticator])


_TONES = {"on": "success", "off": "danger", "none": "warning"}


class RoleFilter(admin.SimpleListFilter):
    """Users of one role."""

    title = _("role")
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The five roles."""
        return Role.choices()

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        """The users of the chosen role."""
        return queryset.filter(groups__name=self.value()) if self.value() else queryset


class UserForm(forms.ModelForm):
    """Name, language and roles; the address only when the user is invited."""

    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        choices=Role.choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("None for a user of the portal, whose role stands in the company's membership."),
    )

    class Meta:
        model = User
        fields = ("email", "full_name", "language")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["roles"] = [role.value for role in roles_of(self.instance)]


@admin.register(User)
class UserAdmin(WorkspaceAdmin):
    """Invite, give roles, reset a lost factor, switch off leavers."""

    form = UserForm
    list_display = ("email", "full_name", "role_names", "state", "factor", "last_access_at")
    list_filter = (RoleFilter, "is_active", "is_staff")
    search_fields = ("email__istartswith", "full_name__icontains")
    search_help_text = _("Address or name")
    ordering = ("email",)
    known = ("state", "factor", "date_joined", "last_access_at")
    actions_detail = ("invite_again", "reset_factor", "deactivate", "reactivate")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With roles and factors, so that the list needs no query per row."""
        return super().get_queryset(request).prefetch_related("groups", "authenticator_set")

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Few when inviting, the access dates afterwards."""
        if obj is None:
            return ("email", "full_name", "language", "roles")
        return ("email", "full_name", "language", "roles", *self.known)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """The address is who the user is; it stays."""
        return () if obj is None else ("email", *self.known)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Users are switched off, not deleted: the audit trail names them."""
        return False

    @display(description=_("roles"))
    def role_names(self, user: User) -> str:
        """The labels of the user's roles."""
        return ", ".join(str(role.label) for role in roles_of(user)) or str(_("Portal"))

    @display(description=_("state"), ordering="is_active")
    def state(self, user: User) -> SafeString:
        """Whether the user may sign in."""
        if user.is_active:
            return badge("on", gettext("Active"), _TONES)
        return badge("off", gettext("Switched off"), _TONES)

    @display(description=_("second factor"))
    def factor(self, user: User) -> SafeString:
        """Whether an authenticator app or a passkey is enrolled."""
        if any(each.type in FACTORS for each in user.authenticator_set.all()):
            return badge("on", gettext("Enrolled"), _TONES)
        return badge("none", gettext("None yet"), _TONES)

    def has_invite_again_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Only for an active user without a password."""
        user = self._other(request, object_id)
        return user is not None and user.is_active and not user.has_usable_password()

    def has_reset_factor_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Only where there is a factor to reset."""
        user = self._other(request, object_id)
        return user is not None and user.authenticator_set.exists()

    def has_deactivate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Only for an active user."""
        user = self._other(request, object_id)
        return user is not None and user.is_active

    def has_reactivate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Only for a user who is switched off."""
        user = self._other(request, object_id)
        return user is not None and not user.is_active

    def _other(self, request: HttpRequest, object_id: Any) -> User | None:
        """The user of the page, where an administrator looks at somebody else."""
        if not self.has_change_permission(request):
            return None
        return User.objects.filter(pk=object_id).exclude(pk=request.user.pk or 0).first()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through the operations, like every other change of state."""
        chosen = {Role(value) for value in form.cleaned_data["roles"]}
        by, now = acting_user(request), timezone.now()
        if not change:
            invited = operations.invite_user(
                email=obj.email,
                full_name=obj.full_name,
                language=obj.language,
                roles=[role for role in Role if role in chosen],
                by=by,
                at=now,
            )
            obj.pk = invited.pk
            return
        if {"full_name", "language"} & set(form.changed_data):
            operations.change_user(user_id=obj.pk, full_name=obj.full_name, language=obj.language, by=by, at=now)
        before = set(roles_of(User.objects.get(pk=obj.pk)))
        for role in Role:
            if role in chosen - before:
                operations.assign_role(user_id=obj.pk, role=role, by=by, at=now)
            elif role in before - chosen:
                operations.remove_role(user_id=obj.pk, role=role, by=by, at=now)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing besides: roles are saved by their operations."""

    @action(
        description=_("Send invitation again"),
        url_path="invite-again",
        permissions=["invite_again"],
        icon="mail",
        dialog={
            "title": _("Send the invitation again"),
            "description": _("A mail with a new link to set a password goes out."),
            "form_submit_text": _("Send"),
        },
    )
    def invite_again(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        """A new link, for a user who never set a password."""
        return self.run_and_return(
            request,
            operations.invite_again,
            _("A new invitation goes to %(it)s."),
            object_id=object_id,
            user_id=object_id,
        )

    @action(
        description=_("Reset second factor"),
        url_path="reset-factor",
        permissions=["reset_factor"],
        icon="lock_reset",
        dialog={
            "title": _("Reset second factor"),
            "description": _("The app, passkeys and recovery codes are forgotten and every session ends."),
            "form_class": ReasonForm,
            "form_submit_text": _("Reset"),
        },
    )
    def reset_factor(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """For a lost phone or key."""
        return self.run_and_return(
            request,
            operations.reset_second_factor,
            _("%(it)s sets up a new second factor at the next sign-in."),
            object_id=object_id,
            user_id=object_id,
            reason=form.cleaned_data["reason"],
        )

    @action(
        description=_("Switch off"),
        url_path="deactivate",
        permissions=["deactivate"],
        icon="person_off",
        variant=ActionVariant.DANGER,
        dialog={
            "title": _("Switch off this user"),
            "description": _("The user cannot sign in any more and every open session ends at once."),
            "form_class": ReasonForm,
            "form_submit_text": _("Switch off"),
        },
    )
    def deactivate(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """For leavers."""
        return self.run_and_return(
            request,
            operations.deactivate_user,
            _("%(it)s is switched off; all sessions have ended."),
            object_id=object_id,
            user_id=object_id,
            reason=form.cleaned_data["reason"],
        )

    @action(
        description=_("Switch on again"),
        url_path="reactivate",
        permissions=["reactivate"],
        icon="person_check",
        dialog={"title": _("Switch on again"), "form_class": ReasonForm, "form_submit_text": _("Switch on")},
    )
    def reactivate(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """For people who come back."""
        return self.run_and_return(
            request,
            operations.reactivate_user,
            _("%(it)s may sign in again."),
            object_id=object_id,
            user_id=object_id,
            reason=form.cleaned_data["reason"],
        )
