"""The VAT id on which a supply under reverse charge rests, looked at before it is billed."""

from contracts.models import Contract
from invoicing.queries.tax_ids import tax_id_refusal
from invoicing.rules.tax import Treatment


def require_tax_id(treatment: Treatment, contract: Contract, supply_country: str) -> None:
    """Let a supply pass unless it is under reverse charge and its customer's VAT id does not carry that.

    As `tax_id_refusal` says. Raises MissingCustomerTaxId, WrongCustomerTaxId, DomesticReverseCharge.
    """
    refusal = tax_id_refusal(treatment, contract, supply_country)
    if refusal is not None:
        raise refusal
