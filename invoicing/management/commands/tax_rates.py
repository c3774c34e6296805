"""Add the standard tax rates that come with the product from the command line."""

from typing import Any

from django.utils import timezone

from evbilling.kernel.commands import GOOD, StableCommand
from invoicing.operations.tax_rates import load_tax_rates


class Command(StableCommand):
    """Adds what is not there yet; rates that are there stay."""

    help = "Add the standard VAT rates of the EU member states, the United Kingdom, Switzerland and Norway."
    examples = ("manage.py tax_rates",)

    def run(self, options: dict[str, Any]) -> int:
        """Add; says how many rates are new."""
        added = load_tax_rates(by=None, at=timezone.now())
        if options["json"]:
            self.print_json({"added": added})
        else:
            self.stdout.write(f"{added} tax rates added.")
        return GOOD
