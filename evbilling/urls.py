"""All addresses: the admin for the operator's staff, the portal for customers, health for machines."""

from django.templatetags.static import static
from django.urls import include, path
from django.utils.functional import lazy
from django.views.generic import RedirectView

from contracts.portal import agreements
from evbilling.workspace import health
from evbilling.workspace.urls import admin_urls
from invoicing.api import mail_events
from payments.sandbox_page import sandbox_checkout

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    # what a browser asks for beside a PDF, which names no icon
    path("favicon.ico", RedirectView.as_view(url=lazy(static, str)("shell/favicon.svg"))),
    path("accounts/email/", RedirectView.as_view(pattern_name="mfa_index")),  # the address is who the user is
    path("accounts/", include("allauth.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", admin_urls()),
    path("api/", include("evbilling.api.urls")),
    path("agreement/<str:token>/", agreements.agreement, name="agreement"),
    path("agreement/<str:token>/document/", agreements.agreement_document, name="agreement_document"),
    path("webhooks/mail/<slug:provider>/", mail_events, name="mail_events"),
    path("sandbox/checkout/<str:ref>/", sandbox_checkout, name="sandbox_checkout"),
    path("", include("evbilling.portal.urls")),
]
