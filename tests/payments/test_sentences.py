"""What a refusal says to a clerk or a customer can be translated: no sentence of payments is put together by hand."""

import ast
from pathlib import Path

from evbilling.kernel import errors as kernel
from payments import errors as own

FOLDER = Path(own.__file__).parent
REFUSALS = {
    name
    for module in (kernel, own)
    for name, each in vars(module).items()
    if isinstance(each, type) and issubclass(each, kernel.BillingError)
}


def test_the_sentences_of_refusals_are_marked_for_translation() -> None:
    by_hand = [
        f"{path.relative_to(FOLDER)}: {ast.unparse(argument)}"
        for path in FOLDER.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in REFUSALS
        for argument in call.args
        if isinstance(argument, ast.JoinedStr)
        or (isinstance(argument, ast.Constant) and str(argument.value).endswith("."))
    ]
    assert by_hand == []
