"""Sessions of an issued document priced again with corrected facts: what their payer was billed too much, in pieces.

Only downwards: a session that would cost more is not billed by a credit note; its document is cancelled and issued
again. Each payer of a sponsored session is credited on the own document, by the part that the issued split gave him.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from contracts.models import PriceBasis
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BadInput, NotFound, WrongState, require
from evbilling.kernel.money import ZERO, add, quantise, split_largest_remainder
from evbilling.shell.formats import format_day, format_money
from invoicing.models import Invoice
from invoicing.rules.crediting import HeldLine, Piece, re_rated
from sessions.models import ChargingSession, SessionCharge
from sessions.queries.corrected import CorrectedPrice, corrected_price
from sessions.rules.correcting import SessionChange


class CostsMore(WrongState):
    """A session that would cost more with the correction: a credit note cannot bill it."""

    code = "costs_more"

    def __init__(self, session: ChargingSession) -> None:
        super().__init__(
            _(
                "With this correction session %(session)s costs more than was billed. A credit note only credits: "
                "cancel the document, correct the session at its source, then issue it again."
            )
            % {"session": session.provider_ref}
        )


def rerated_pieces(
    invoice: Invoice, lines: Sequence[HeldLine], changes: Mapping[int, SessionChange]
) -> tuple[list[Piece], dict[str, Any]]:
    """The lines of the credit note, and for each session the change, both prices and what is left to each charge.

    Raises NotFound for a session that the document does not bill, CostsMore, BadInput where nothing is to be credited.
    """
    pieces: list[Piece] = []
    figures: dict[str, Any] = {}
    for session_id, change in sorted(changes.items()):
        session = ChargingSession.objects.select_related("site", "connector", "contract").filter(pk=session_id).first()
        if session is None:
            raise NotFound(_("There is no session with the id %(id)s.") % {"id": session_id})
        with override(invoice.language):
            priced = corrected_price(session, change, invoice.language)
            found, told = _of_session(invoice, session, change, priced, lines)
        pieces += found
        figures[str(session_id)] = told
    require(
        add(piece.amount for piece in pieces) > 0,
        BadInput("correction", "", _("With it the sessions cost what they were billed at; nothing is to be credited.")),
    )
    return pieces, figures


def session_pieces(lines: Sequence[HeldLine], invoice: Invoice, amounts: Mapping[int, Decimal]) -> list[Piece]:
    """So much of each session, spread over its charges on the document in proportion to what is left of them.

    Raises NotFound for a session that the document does not bill, BadInput for more than is left of it.
    """
    pieces = []
    for session_id, amount in sorted(amounts.items()):
        own = _own(lines, session_id)
        left = add(held.left for _line, held in own)
        session = ChargingSession.objects.select_related("site").filter(pk=session_id).first()
        if not own or session is None:
            raise NotFound(_("%(document)s does not bill that session.") % {"document": invoice})
        require(
            0 < amount <= left,
            BadInput(
                "amount",
                amount,
                _("Of session %(session)s %(left)s is left on the document.")
                % {"session": session.provider_ref, "left": format_money(left, invoice.currency)},
            ),
        )
        keys = list(dict.fromkeys(line.held.id for line, _held in own))
        parts = split_largest_remainder(amount, [held.left for _line, held in own], invoice.currency)
        taken = {held.id: part for (_line, held), part in zip(own, parts, strict=True)}
        with override(invoice.language):
            text = _text(session)
        for line_id in keys:
            charges = {held.id: taken[held.id] for line, held in own if line.held.id == line_id and taken[held.id]}
            if charges:
                pieces.append(Piece(line_id, add(charges.values()), charges, text=text, session_count=1))
    return pieces


def _own(lines: Sequence[HeldLine], session_id: int) -> list[tuple[HeldLine, Any]]:
    """The session's charges on the document, each with its line."""
    ids = set(SessionCharge.objects.filter(session=session_id).values_list("pk", flat=True))
    return [(line, held) for line in lines for held in line.charges if held.id in ids]


def _text(session: ChargingSession) -> str:
    zone = session.site.zone if session.site is not None else "UTC"
    day = format_day(local_date(session.ended_at or session.started_at, zone))
    return _("Session %(session)s of %(day)s") % {"session": session.provider_ref, "day": day}


def _of_session(
    invoice: Invoice,
    session: ChargingSession,
    change: SessionChange,
    priced: CorrectedPrice,
    lines: Sequence[HeldLine],
) -> tuple[list[Piece], dict[str, Any]]:
    own = _own(lines, session.pk)
    if not own:
        raise NotFound(
            _("%(document)s does not bill session %(session)s.")
            % {"document": invoice, "session": session.provider_ref}
        )
    gross = invoice.price_basis == PriceBasis.GROSS
    by_rate: dict[Decimal | None, list[tuple[int, Decimal]]] = defaultdict(list)
    for charge in SessionCharge.objects.filter(session=session).order_by("role", "pk"):
        amount = charge.gross_amount if gross and charge.gross_amount is not None else charge.net_amount
        by_rate[_plain(charge.vat_rate)].append((charge.pk, quantise(amount, invoice.currency)))
    parts = [(_plain(rate), amount) for rate, amount in priced.parts]
    target = re_rated(parts, by_rate, invoice.currency)
    if target is None or any(target[held.id] > held.left for _line, held in own):
        raise CostsMore(session)
    before = add(held.left for _line, held in own)
    after = add(target[held.id] for _line, held in own)
    because = {
        "session": session.pk,
        "was": priced.was,
        "now": priced.now,
        "sentence": _("Billed %(before)s: %(was)s. Corrected %(after)s: %(now)s.")
        % {
            "before": format_money(before, invoice.currency),
            "was": priced.was,
            "after": format_money(after, invoice.currency),
            "now": priced.now,
        },
    }
    pieces: list[Piece] = []
    saved = session.energy_wh - priced.energy_wh
    for line_id in dict.fromkeys(line.held.id for line, _held in own):
        charges = {
            held.id: held.left - target[held.id]
            for line, held in own
            if line.held.id == line_id and held.left > target[held.id]
        }
        if charges:
            first = not pieces
            pieces.append(
                Piece(
                    line_id,
                    add(charges.values()) or ZERO,
                    charges,
                    text=_text(session),
                    energy_wh=saved if first else 0,
                    session_count=1 if first else 0,
                    because=because,
                )
            )
    figures = {
        "change": change.to_data(),
        "was": priced.was,
        "now": priced.now,
        "price": [{"vat_rate": None if rate is None else format(rate, "f"), "amount": amt} for rate, amt in parts],
        "before": {str(held.id): held.left for _line, held in own},
        "target": {str(charge_id): amount for charge_id, amount in target.items()},
    }
    return pieces, figures


def _plain(rate: Decimal | None) -> Decimal | None:
    return None if rate is None else rate.normalize()
