"""Terms beyond the tariff, put into a draft of a contract's terms and frozen with it (what each says: rules/terms)."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from contracts.models import ContractTerm, ContractVersion, TermKind
from contracts.operations.guards import require_valid
from contracts.operations.versions import lock_draft, touched
from contracts.rules import terms
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.errors import BadInput, NotFound, WrongState, require


def add_term(
    *, version_id: int, kind: str, figures: Mapping[str, Any], by: User | None, at: dt.datetime
) -> ContractTerm:
    """Put a term into a draft; whoever does becomes its maker (I18).

    Raises WrongState for approved terms, a kind that the contract has no place for, or one that stands already and
    stands once; BadInput for figures that cannot be used.
    """
    with transaction.atomic():
        version = lock_draft(version_id, by)
        term = terms.parse(kind, figures)
        _require_place(version, kind)
        rows = ContractTerm.objects.filter(version=version, kind=kind)
        last = rows.aggregate(last=Max("position"))["last"]
        row = ContractTerm(
            version=version, kind=kind, position=0 if last is None else last + 1, figures=term.to_figures()
        )
        require_valid(row)
        row.save()
        touched(version, by)
        record_audit(
            action="contracts.version.add_term", obj=version, by=by, at=at, changes={"kind": kind, "to": row.figures}
        )
    return row


def change_term(*, term_id: int, figures: Mapping[str, Any], by: User | None, at: dt.datetime) -> ContractTerm:
    """Write other figures into a term of a draft; the same figures change nothing.

    Raises NotFound, WrongState for approved terms, BadInput for figures that cannot be used.
    """
    with transaction.atomic():
        row = _found(term_id)
        version = lock_draft(row.version_id, by)
        row = _found(term_id)
        before, row.figures = row.figures, terms.parse(row.kind, figures).to_figures()
        if row.figures == before:
            return row
        require_valid(row)
        row.save(update_fields=["figures"])
        touched(version, by)
        record_audit(
            action="contracts.version.change_term",
            obj=version,
            by=by,
            at=at,
            changes={"kind": row.kind, "from": before, "to": row.figures},
        )
    return row


def remove_term(*, term_id: int, by: User | None, at: dt.datetime) -> None:
    """Take a term out of a draft. Raises NotFound, WrongState for approved terms."""
    with transaction.atomic():
        row = _found(term_id)
        version = lock_draft(row.version_id, by)
        row = _found(term_id)
        kind, figures = row.kind, row.figures
        row.delete()
        touched(version, by)
        record_audit(
            action="contracts.version.remove_term", obj=version, by=by, at=at, changes={"kind": kind, "from": figures}
        )


def _found(term_id: int) -> ContractTerm:
    row = ContractTerm.objects.filter(pk=term_id).first()
    if row is None:
        raise NotFound(_("There is no term with the id %s.") % term_id)
    return row


def _require_place(version: ContractVersion, kind: str) -> None:
    name = TermKind(kind).label
    require(
        terms.fits(kind, version.contract.kind),
        WrongState(
            _("%(version)s belongs to a contract of the kind %(kind)s, which has no place for %(what)s.")
            % {"version": version, "kind": version.contract.get_kind_display(), "what": name}
        ),
    )
    other = terms.clash(kind, version.terms.values_list("kind", flat=True))
    if other == kind:
        raise WrongState(
            _("%(version)s has the term %(what)s already; change that one.") % {"version": version, "what": name}
        )
    require(
        not other,
        BadInput(
            _("kind"),
            str(name),
            _("The term %(other)s stands already, and a version has one of the two; remove that one first.")
            % {"other": TermKind(other).label if other else ""},
        ),
    )
