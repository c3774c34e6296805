"""Users in the workspace: invited, never given a password; what is refused says why."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextareaWidget

from evbilling.access import operations
from evbilling.access.middleware import FACTORS
from evbilling.access.models import User
from evbilling.access.roles import Role, roles_of
from evbilling.kernel.errors import BillingError

admin.site.unregister(Group)  # a role is what roles.py says; its group is not edited by hand


def _has_factor(user: User) -> bool:
    return any(each.type in FACTORS for each in user.authenticator_set.all())


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


class ReasonForm(BaseDialogForm):
    """Why: kept in the audit trail."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


@admin.register(User)
class UserAdmin(ModelAdmin):
    """Invite, give roles, reset a lost factor, switch off leavers."""

    form = UserForm
    list_display = ("email", "full_name", "role_names", "active", "factor", "last_access_at")
    list_filter = (RoleFilter, "is_active", "is_staff")
    search_fields = ("email__istartswith", "full_name__icontains")
    search_help_text = _("Address or name")
    ordering = ("email",)
    list_per_page = 50
    known = ("state", "enrolled", "date_joined", "last_access_at")
    actions_detail = ("invite_again", "reset_factor", "deactivate", "reactivate")  # type: ignore[assignment]

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

    @display(description=_("state"))
    def state(self, user: User) -> str:
        """Whether the user may sign in."""
        return str(_("Active") if user.is_active else _("Switched off"))

    @display(description=_("second factor"))
    def enrolled(self, user: User) -> str:
        """Whether an authenticator app or a passkey is enrolled."""
        return str(_("Enrolled") if _has_factor(user) else _("None yet"))

    @display(description=_("state"), label={"on": "success", "off": "danger"}, ordering="is_active")
    def active(self, user: User) -> tuple[str, str]:
        """The state as a badge."""
        return "on" if user.is_active else "off", self.state(user)

    @display(description=_("second factor"), label={"on": "success", "off": "warning"})
    def factor(self, user: User) -> tuple[str, str]:
        """The second factor as a badge."""
        return "on" if _has_factor(user) else "off", self.enrolled(user)

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

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A refused change leaves everything as it was and says why."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except BillingError as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through the operations, like every other change of state."""
        chosen = {Role(value) for value in form.cleaned_data["roles"]}
        now = timezone.now()
        if not change:
            invited = operations.invite_user(
                email=obj.email,
                full_name=obj.full_name,
                language=obj.language,
                roles=[role for role in Role if role in chosen],
                by=request.user,
                at=now,
            )
            obj.pk = invited.pk
            return
        if {"full_name", "language"} & set(form.changed_data):
            operations.change_user(
                user_id=obj.pk, full_name=obj.full_name, language=obj.language, by=request.user, at=now
            )
        before = set(roles_of(User.objects.get(pk=obj.pk)))
        for role in Role:
            if role in chosen - before:
                operations.assign_role(user_id=obj.pk, role=role, by=request.user, at=now)
            elif role in before - chosen:
                operations.remove_role(user_id=obj.pk, role=role, by=request.user, at=now)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing besides: roles are saved by their operations."""

    def log_addition(self, request: HttpRequest, obj: User, message: Any) -> Any:
        """The audit trail has it."""

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> Any:
        """The audit trail has it."""

    def _run(self, request: HttpRequest, object_id: int, operation: Any, done: Any, **extra: Any) -> HttpResponse:
        try:
            user = operation(user_id=object_id, by=request.user, at=timezone.now(), **extra)
        except BillingError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, done % {"user": user.email})
        response = HttpResponseRedirect(reverse("admin:access_user_change", args=[object_id]))
        response["HX-Redirect"] = response.url
        return response

    @action(description=_("Send invitation again"), url_path="invite-again", permissions=["invite_again"], icon="mail")
    def invite_again(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A new link, for a user who never set a password."""
        return self._run(request, object_id, operations.invite_again, _("A new invitation goes to %(user)s."))

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
        return self._run(
            request,
            object_id,
            operations.reset_second_factor,
            _("%(user)s sets up a new second factor at the next sign-in."),
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
        return self._run(
            request,
            object_id,
            operations.deactivate_user,
            _("%(user)s is switched off; all sessions have ended."),
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
        return self._run(
            request,
            object_id,
            operations.reactivate_user,
            _("%(user)s may sign in again."),
            reason=form.cleaned_data["reason"],
        )
