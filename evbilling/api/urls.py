"""Addresses of the API, version 1."""

from django.urls import path
from drf_spectacular.views import SpectacularJSONAPIView

from evbilling.api.docs import docs
from evbilling.api.quotes import Quote

app_name = "api"
urlpatterns = [
    path("v1/pricing/quote", Quote.as_view(), name="quote"),
    path("v1/schema", SpectacularJSONAPIView.as_view(), name="schema"),
    path("v1/docs", docs, name="docs"),
]
