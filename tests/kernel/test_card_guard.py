"""What people type is said, without blanks around it, and holds no card number (I21)."""

import pytest

from evbilling.kernel.card_guard import require_no_card_number, require_words
from evbilling.kernel.errors import BadInput

CARD = "4111 1111 1111 1111"


def test_what_is_said_comes_back_without_blanks() -> None:
    assert require_words("reason", "  A double session. ", "Say why.") == "A double session."


@pytest.mark.parametrize("text", ["", "  ", "\n\t"])
def test_nothing_said_is_refused_with_the_advice(text: str) -> None:
    with pytest.raises(BadInput, match=r"Say why\.$") as refusal:
        require_words("reason", text, "Say why.")
    assert refusal.value.field == "reason"


@pytest.mark.parametrize("text", [CARD, f"He paid with {CARD}, he says", "4111-1111-1111-1111", "5555555555554444"])
def test_a_card_number_is_refused_and_not_repeated(text: str) -> None:
    for guard in (lambda: require_words("reason", text, "Say why."), lambda: require_no_card_number("note", text)):
        with pytest.raises(BadInput, match="looks like a card number") as refusal:
            guard()
        assert not any(char.isdigit() for char in f"{refusal.value.message}{refusal.value.value}")


@pytest.mark.parametrize("account", ["DE59 9294 7822 2754 6313 41", "DE58 8587 8682 6637 4524 94"])
def test_the_digits_of_a_bank_account_are_no_card_unless_its_check_digits_are_wrong(account: str) -> None:
    require_no_card_number("note", f"To {account}, please")
    with pytest.raises(BadInput, match="looks like a card number"):
        require_no_card_number("note", f"To XX{account[2:]}, please")


@pytest.mark.parametrize("text", ["Session 4111111111111112", "DE89 3704 0044 0532 0130 00", "+49 30 1234567", ""])
def test_other_numbers_pass(text: str) -> None:
    require_no_card_number("note", text)
