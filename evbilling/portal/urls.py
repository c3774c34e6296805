"""Addresses of the portal; each app brings the views of its own pages."""

from django.urls import path

from contracts import portal as contracts
from contracts.portal import agreements
from evbilling.portal import membership, views
from invoicing import portal as invoicing
from invoicing.portal import disputes, letters
from payments import portal as payments
from sessions import portal as sessions

app_name = "portal"
urlpatterns = [
    path("", views.home, name="home"),
    path("company/switch/", membership.switch_company, name="switch_company"),
    path("company/", contracts.company, name="company"),
    path("contracts/", contracts.contracts, name="contracts"),
    path("contracts/<str:number>/", contracts.contract, name="contract"),
    path("contracts/<str:number>/versions/<int:version>/", agreements.contract_document, name="contract_document"),
    path(
        "contracts/<str:number>/versions/<int:version>/acknowledge/",
        agreements.acknowledge,
        name="contract_acknowledge",
    ),
    path("vehicles/", contracts.vehicles, name="vehicles"),
    *sessions.urlpatterns,
    path("invoices/", invoicing.invoices, name="invoices"),
    path("invoices/<str:number>/", invoicing.invoice, name="invoice"),
    path("invoices/<str:number>/documents/<slug:kind>/", invoicing.document, name="document"),
    path("invoices/<str:number>/contest/", disputes.contest, name="contest"),
    path("sessions/<int:pk>/contest/", disputes.contest_session, name="contest_session"),
    path("disputes/", disputes.disputes, name="disputes"),
    path("disputes/<int:dispute_id>/", disputes.dispute, name="dispute"),
    path("disputes/<int:dispute_id>/withdraw/", disputes.withdraw, name="dispute_withdraw"),
    path("letters/", letters.letters, name="letters"),
    path("letters/statement/", letters.statement, name="statement"),
    path("letters/<int:letter_id>/", letters.letter, name="letter"),
    path("invoices/<str:number>/pay/", payments.pay_invoice, name="invoice_pay"),
    path("payments/<str:public_id>/", payments.payment_page, name="payment"),
    path("payments/<str:public_id>/return/", payments.payment_return, name="payment_return"),
    path("payments/<str:public_id>/receipt/", payments.receipt, name="payment_receipt"),
    path("payments/<str:public_id>/refresh/", payments.refresh, name="payment_refresh"),
]
