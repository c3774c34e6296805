"""A sample portal page with every component, for tests of the shell alone; the figures belong to no product screen."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

from django.http import HttpRequest
from django.urls import include, path
from django.views.generic import TemplateView

from evbilling.shell.charts import Bar, Part, bar_chart, donut, horizontal_bars, meter, stacked_bar
from evbilling.shell.portal_frame import Company, NavigationItem, PortalFrame
from evbilling.shell.tables import Column, Table
from evbilling.shell.views import PortalView, portal_page
from evbilling.urls import urlpatterns as product_urls

TEMPLATES = Path(__file__).parent / "templates"
DAILY_KWH = [48, 51, 130, 0, 63, 2, 68, 117, 49, 122, 118, 84, 4, 92, 90, 296, 209, 148, 171, 110, 125, 45, 147, 114]
VEHICLES = [("B-AH 1053", "61.18"), ("B-CK 1049", "59.39"), ("B-FG 1014", "36.45"), ("B-CL 1013", "23.46")]
COLUMNS = [
    Column("number", "Invoice", title=True, sort="number", href=lambda row: f"/invoices/{row.number}"),
    Column("due_on", "Due", format="day", sort="due_on"),
    Column("energy_wh", "Energy", format="kwh", sort="energy_wh", minor=True),
    Column("total_amount", "Amount", format="money", sort="total_amount"),
    Column("state", "Status", format="badge", tone=lambda row: "success" if row.state == "Paid" else "warning"),
]


def invoices(count: int = 30) -> list[SimpleNamespace]:
    """Rows with the attributes that the columns name."""
    return [
        SimpleNamespace(
            number=f"INV-2026-{number:06d}",
            due_on=dt.date(2026, 11, 1) + dt.timedelta(days=number),
            energy_wh=number * 12_345,
            total_amount=Decimal(number) * Decimal("123.45"),
            currency="EUR",
            state="Paid" if number % 3 else "Open",
        )
        for number in range(1, count + 1)
    ]


def frame(request: HttpRequest) -> PortalFrame:
    """The navigation that the portal shows."""
    return PortalFrame(
        navigation=[
            NavigationItem("Overview", "/sample/", "home"),
            NavigationItem("Sessions", "/sessions/", "bolt"),
            NavigationItem("Vehicles", "/vehicles/", "car"),
            NavigationItem("Invoices", "/invoices/", "invoice", badge="3"),
            NavigationItem("Contract", "/contract/", "contract"),
            NavigationItem("Settings", "/settings/", "settings"),
        ],
        company="Nordlicht Logistik GmbH",
        companies=[Company(1, "Nordlicht Logistik GmbH", current=True), Company(2, "Hafen Taxi eG")],
        switch_url="/switch/",
    )


class SamplePage(PortalView, TemplateView):
    """Every component once."""

    template_name = "sample.html"

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        first = dt.date(2026, 10, 30)
        days = [
            Bar(f"{first + dt.timedelta(days=place):%-d}", value, f"{value} kWh")
            for place, value in enumerate(DAILY_KWH)
        ]
        aging = [
            Part("Not due", Decimal("8120.50"), "€8,120.50", "success", "/invoices/?due=no"),
            Part("1 to 30 days", Decimal("2482.90"), "€2,482.90", "warning", "/invoices/?due=30"),
            Part("Over 30 days", Decimal("640.10"), "€640.10", "danger", "/invoices/?due=60"),
        ]
        places = [Part("Depot", 61, "61 %"), Part("Public", 27, "27 %", "info"), Part("Home", 12, "12 %", "warning")]
        return super().get_context_data(
            days=bar_chart(days, title="Energy per day", description="Highest 296 kWh on 14 November."),
            vehicles=horizontal_bars(
                [Bar(name, Decimal(cost), f"€{cost}", "/vehicles/") for name, cost in VEHICLES],
                title="Cost by vehicle",
                description="B-AH 1053 costs most.",
            ),
            aging=stacked_bar(aging, title="Open invoices by age", description="Most are not due."),
            places=donut(places, title="Energy by place", description="Most at the depot.", centre="3,800"),
            live=meter(36, 60, label="36 of 60 kWh"),
            table=Table(invoices(), COLUMNS, self.request.GET, caption="Invoices", default_sort="-number", page_size=6),
            **kwargs,
        )


@portal_page(roles={"admin"})
def admins_only(request: HttpRequest):
    """A page for one membership role."""
    return SamplePage.as_view()(request)


urlpatterns = [
    path("sample/", SamplePage.as_view(), name="sample"),
    path("sample/admins/", admins_only, name="sample-admins"),
    path("", include(product_urls)),
]
