"""API tokens in the workspace: made for a user, shown once, revoked with a reason."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from evbilling.access import operations
from evbilling.access.acting import acting_user
from evbilling.access.models import ApiToken, TokenState, User
from evbilling.shell.admin import ReasonForm, WorkspaceAdmin, badge, page_of

_TONES: dict[str, str] = {
    TokenState.UNUSED: "info",
    TokenState.ACTIVE: "success",
    TokenState.EXPIRED: "warning",
    TokenState.REVOKED: "danger",
}
_USUAL_DAYS = 365


def _name_and_address(user: User) -> str:
    return f"{user.full_name} <{user.email}>" if user.full_name else user.email


class TokenForm(forms.ModelForm):
    """For whom, for what, for how long."""

    days = forms.IntegerField(
        label=_("Valid for days"),
        initial=_USUAL_DAYS,
        min_value=1,
        max_value=operations.LONGEST_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    class Meta:
        model = ApiToken
        fields = ("user", "name")
        help_texts = {"user": _("The program may do what this user may. Give programs a user of their own.")}


@admin.register(ApiToken)
class ApiTokenAdmin(WorkspaceAdmin):
    """The tokens of programs. A token is never changed: another one is made and the old one revoked."""

    form = TokenForm
    list_display = ("name", "prefix", "user", "state", "last_used_at", "expires_at")
    list_select_related = ("user",)
    search_fields = ("name__icontains", "prefix__istartswith", "user__email__istartswith")
    search_help_text = _("Name, beginning of the token or address of the user")
    ordering = ("-created_at",)
    actions_detail = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        """What is asked when making one, and what is known of it afterwards."""
        if obj is None:
            return ("user", "name", "days")
        return ("user", "name", "prefix", "state", "created_at", "expires_at", "last_used_at", "revoked_at")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Users who may come in, told apart by their addresses: several may have one name."""
        field: Any = super().formfield_for_foreignkey(
            db_field, request, queryset=User.objects.filter(is_active=True).order_by("email"), **kwargs
        )
        field.label_from_instance = _name_and_address
        return field

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """Nobody edits a token."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """Tokens are revoked, not deleted: the audit trail names them."""
        return False

    @display(description=_("state"))
    def state(self, token: ApiToken) -> SafeString:
        """Whether the token opens anything now."""
        state = token.state_at(timezone.now())
        return badge(state, str(state.label), _TONES)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        """With the users, whose names stand in every row."""
        return super().get_queryset(request).select_related("user")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through the operation; the secret goes to this one answer and nowhere else."""
        token, secret = operations.create_token(
            user_id=obj.user_id,
            name=obj.name,
            days=form.cleaned_data["days"],
            by=acting_user(request),
            at=timezone.now(),
        )
        obj.pk, obj.prefix = token.pk, token.prefix
        request.new_secret = secret  # type: ignore[attr-defined]

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing besides."""

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """The page that shows the secret, once."""
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("API token %(name)s") % {"name": obj.name},
            "opts": self.opts,
            "secret": request.new_secret,  # type: ignore[attr-defined]
            "page": page_of(obj),
        }
        return TemplateResponse(
            request, "admin/access/new_token.html", context, headers={"Cache-Control": "no-store, private"}
        )

    def has_revoke_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Only for a token that is not revoked."""
        may = request.user.has_perm("access.change_apitoken")
        return may and ApiToken.objects.filter(pk=object_id, revoked_at__isnull=True).exists()

    @action(
        description=_("Revoke"),
        url_path="revoke",
        permissions=["revoke"],
        icon="key_off",
        variant=ActionVariant.DANGER,
        dialog={
            "title": _("Revoke this token"),
            "description": _("The program that uses it is refused from now on."),
            "form_class": ReasonForm,
            "form_submit_text": _("Revoke"),
        },
    )
    def revoke(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """At once and for good."""
        return self.run_and_return(
            request,
            operations.revoke_token,
            _("%(it)s is revoked."),
            object_id=object_id,
            token_id=object_id,
            reason=form.cleaned_data["reason"],
        )
