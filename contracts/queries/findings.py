"""What is wrong or missing before a contract binds; shown on its page and asked again when it is activated."""

from dataclasses import dataclass

from contracts.models import Contract


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at: an error keeps the contract from being activated, a warning is only listed."""

    code: str
    text: str
    is_error: bool = False


def findings_before_activation(contract: Contract) -> list[Finding]:
    """All findings of a contract, errors first."""
    return []
