"""The arithmetic of a worked example, step by step: every equation is worked out anew, exactly.

A step is words, a colon, and a chain such as `13.3 × 0.45 = 5.985 ≈ 5.99`. `=` holds exactly, `≈` means rounded half up
to the decimals shown, and a result that ends in `…` shows the first decimals of a number that goes on.
"""

import ast
import re
from dataclasses import dataclass
from fractions import Fraction

_SIGNS = str.maketrans({"×": "*", "÷": "/", "−": "-"})
_PERCENT = re.compile(r"(\d[\d.]*)\s*%")
_OPERATORS = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}


class WrongStep(AssertionError):
    """A step whose two sides differ, or that cannot be read."""


@dataclass(frozen=True)
class Step:
    """One step: what it says, and the numbers that its chain shows one after the other."""

    text: str
    shown: tuple[str, ...]


def worked(text: str) -> Step:
    """Read a step and work it out. Raises WrongStep where it does not hold."""
    words, colon, chain = text.rpartition(": ")
    if not colon or not words:
        raise WrongStep(f"no words before the figures: {text}")
    links = re.split(r"\s*([=≈])\s*", chain.rstrip(". "))
    before = links[0]
    _value(before)
    for sign, after in zip(links[1::2], links[2::2], strict=True):
        if not _holds(_value(before), sign, after):
            raise WrongStep(f"{before} {sign} {after} does not hold: {text}")
        before = after
    return Step(text, tuple(link for link in links[0::2] if re.fullmatch(r"−?[\d.]+…?", link)))


def number(shown: str) -> Fraction:
    """A shown number; one that goes on counts with the decimals shown."""
    return Fraction(shown.rstrip("…").replace("−", "-"))


def is_shown_as(exact: Fraction, shown: str) -> bool:
    """Whether an exact number is the shown one: equal, or with the same first decimals where it goes on."""
    if not shown.endswith("…"):
        return exact == number(shown)
    scale = 10 ** _places(shown)
    return exact * scale != int(exact * scale) and int(exact * scale) == number(shown) * scale


def _holds(value: Fraction, sign: str, after: str) -> bool:
    if sign == "=":
        return is_shown_as(value, after) if "…" in after else value == _value(after)
    scale = 10 ** _places(after)
    half_up = Fraction(int(abs(value) * scale + Fraction(1, 2)), scale)
    return (-half_up if value < 0 else half_up) == number(after)


def _places(shown: str) -> int:
    return len(shown.rstrip("…").partition(".")[2])


def _value(expression: str) -> Fraction:
    if "…" in expression:
        raise WrongStep(f"{expression} goes on: work with the exact expression instead")
    source = _PERCENT.sub(r"(\1/100)", expression.translate(_SIGNS)).strip()
    try:
        return _worked_out(ast.parse(source, mode="eval").body, source)
    except SyntaxError:
        raise WrongStep(f"not an expression: {expression}") from None


def _worked_out(node: ast.expr, source: str) -> Fraction:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_worked_out(node.left, source), _worked_out(node.right, source))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_worked_out(node.operand, source)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return Fraction(ast.get_source_segment(source, node))
    raise WrongStep(f"not an expression: {source}")
