"""What the database refuses to change in this app."""

from evbilling.kernel.protection import Protection, append_only, protect

_APPROVED_PARENT = "(SELECT state FROM contracts_contractversion WHERE id = ROW.version_id) = 'approved'"
_TERMS = "Approved terms are frozen; make a new contract version."


def register() -> None:
    """Frozen: approved contract versions with their terms, documents and acknowledgements, released tariff versions."""
    protect(
        Protection("contracts.ContractVersion", "approved", _TERMS, when="ROW.state = 'approved'"),
        *(
            Protection(model, "approved", _TERMS, ("INSERT", "UPDATE", "DELETE"), _APPROVED_PARENT)
            for model in (
                "contracts.TariffAssignment",
                "contracts.RevenueShare",
                "contracts.Sponsorship",
                "contracts.ContractTerm",
            )
        ),
        append_only("contracts.ContractDocument", "A contract document is never changed; make a new version."),
        append_only("contracts.Acknowledgement", "An acknowledgement is never changed."),
        Protection(
            "contracts.TariffVersion",
            "released",
            "A released tariff version is frozen; make a new version.",
            when="ROW.state = 'released'",
        ),
    )
