"""What was done, as a person says it: sentences for the actions of the audit trail."""

from django.apps import apps
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

ACTIONS: dict[str, Promise] = {
    "access.token.create": _("API token made"),
    "access.token.revoke": _("API token revoked"),
    "access.user.assign_role": _("Role given"),
    "access.user.remove_role": _("Role taken away"),
    "access.user.add_factor": _("Second factor added"),
    "access.user.remove_factor": _("Second factor removed"),
    "access.user.renew_factor": _("Recovery codes renewed"),
    "access.user.change": _("User changed"),
    "access.user.change_password": _("Password changed"),
    "access.user.deactivate": _("User deactivated"),
    "access.user.deactivate_unused": _("Unused users deactivated"),
    "access.user.invite": _("User invited"),
    "access.user.invite_again": _("Invitation sent again"),
    "access.user.reactivate": _("User reactivated"),
    "access.user.reset_factor": _("Second factor reset"),
    "access.user.sign_in": _("Signed in"),
    "access.user.sign_out": _("Signed out"),
    "charging.hold.reject": _("Held session rejected"),
    "charging.hold.release": _("Held session released"),
    "charging.session.export": _("Sessions exported"),
    "charging.session.record": _("Sessions taken in"),
    "charging.session.rerate": _("Session priced again"),
    "contracts.exchange.export": _("List exported"),
    "contracts.contract.activate": _("Contract activated"),
    "contracts.contract.change": _("Contract changed"),
    "contracts.contract.create": _("Contract drafted"),
    "contracts.contract.end": _("Contract ended"),
    "contracts.contract.offer": _("Contract offered"),
    "contracts.contract.resume": _("Contract resumed"),
    "contracts.contract.suspend": _("Contract suspended"),
    "contracts.contract.withdraw": _("Offer withdrawn"),
    "contracts.document.draw": _("Contract document drawn"),
    "contracts.offer.sent": _("Offer mailed"),
    "contracts.operator.create": _("Operator added"),
    "contracts.party.create": _("Party added"),
    "contracts.stationoutage.correct": _("Outage corrected"),
    "contracts.stationoutage.create": _("Outage recorded"),
    "contracts.stationoutage.end": _("Outage ended"),
    "contracts.stationoutage.import": _("Outages taken in from a file"),
    "contracts.tariff_version.change": _("Tariff version changed"),
    "contracts.tariff_version.draft": _("Tariff version drafted"),
    "contracts.tariff_version.release": _("Tariff version released"),
    "contracts.token.assign": _("Token assigned to a contract"),
    "contracts.token.end_assignment": _("Token's contract ended"),
    "contracts.vehicle.end_sponsorship": _("Vehicle's sponsorship ended"),
    "contracts.vehicle.sponsor": _("Vehicle sponsored"),
    "contracts.version.acknowledge": _("Contract acknowledged"),
    "contracts.version.add_term": _("Contract term added"),
    "contracts.version.approve": _("Terms approved"),
    "contracts.version.assign_tariff": _("Tariff assigned"),
    "contracts.version.change": _("Terms changed"),
    "contracts.version.change_term": _("Contract term changed"),
    "contracts.version.draft": _("Terms drafted"),
    "contracts.version.remove_term": _("Contract term removed"),
    "contracts.version.revenue_share": _("Revenue share set"),
    "contracts.version.remove_share": _("Revenue share removed"),
    "charging.sponsorship.alert": _("Sponsor's budget nearly used"),
    "contracts.version.send": _("Terms mailed again"),
    "contracts.version.sponsorship": _("Sponsorship set"),
    "contracts.version.unassign_tariff": _("Tariff taken off"),
    "contracts.version.waive": _("Acknowledgement waived"),
    "invoicing.allocation.make": _("Money allocated"),
    "invoicing.allocation.reverse": _("Allocation undone"),
    "invoicing.books.check": _("Books checked"),
    "invoicing.correction.approve": _("Correction approved"),
    "invoicing.correction.ask": _("Correction asked for"),
    "invoicing.correction.refuse": _("Correction refused"),
    "invoicing.delivery.failed": _("Mail failed"),
    "invoicing.delivery.request": _("Mail asked for"),
    "invoicing.delivery.returned": _("Mail came back"),
    "invoicing.delivery.sent": _("Mail sent"),
    "invoicing.delivery.unknown": _("Mail without an answer"),
    "invoicing.dispute.accept": _("Dispute accepted"),
    "invoicing.dispute.raise": _("Session contested"),
    "invoicing.dispute.refuse": _("Dispute refused"),
    "invoicing.dispute.withdraw": _("Dispute withdrawn"),
    "invoicing.document.archive": _("Document archived"),
    "invoicing.dunning.handle": _("Escalation taken up"),
    "invoicing.dunning.lift": _("Dunning goes on"),
    "invoicing.dunning.promise": _("Promise to pay noted"),
    "invoicing.dunning.run": _("Reminders made"),
    "invoicing.dunning.skip": _("Dunning level skipped"),
    "invoicing.dunning.stop": _("Dunning stopped"),
    "invoicing.dunning.withdraw_promise": _("Promise to pay withdrawn"),
    "invoicing.exchangerate.change": _("Exchange rate changed"),
    "invoicing.exchangerate.create": _("Exchange rate entered"),
    "invoicing.exchangerate.load": _("Exchange rates loaded"),
    "invoicing.invoice.credit": _("Document credited"),
    "invoicing.advance.issue": _("Advance invoice issued"),
    "invoicing.deposit.return": _("Deposit returned"),
    "invoicing.deposit.take": _("Deposit taken"),
    "invoicing.invoice.discard": _("Draft discarded"),
    "invoicing.invoice.draft": _("Document drafted"),
    "invoicing.invoice.issue": _("Document issued"),
    "invoicing.invoice.write_off": _("Claim written off"),
    "invoicing.taxrate.load": _("Known tax rates added"),
    "invoicing.letter.file": _("Letter archived"),
    "invoicing.penalty.ask_waiver": _("Waiver of a penalty asked for"),
    "invoicing.penalty.assess": _("Penalties assessed"),
    "invoicing.penalty.refuse_waiver": _("Waiver of a penalty refused"),
    "invoicing.penalty.waive": _("Penalty waived"),
    "invoicing.export.datev": _("Bookings exported for DATEV"),
    "invoicing.export.documents": _("Documents of a month exported"),
    "invoicing.export.journal": _("Journal exported"),
    "invoicing.ledger.ask_reopening": _("Opening of an accounting month asked for"),
    "invoicing.ledger.chart": _("Chart of accounts taken"),
    "invoicing.ledger.close": _("Accounting month closed"),
    "invoicing.ledger.decline_reopening": _("Opening of an accounting month declined"),
    "invoicing.ledger.reopen": _("Accounting month opened again"),
    "invoicing.run.approve": _("Month close approved"),
    "invoicing.run.decline": _("Month close declined"),
    "invoicing.run.continue": _("Month close continued"),
    "invoicing.run.finish": _("Month close finished"),
    "invoicing.run.pause": _("Month close paused"),
    "invoicing.run.resume": _("Month close resumed"),
    "invoicing.run.retry": _("Contracts of a month close tried again"),
    "invoicing.run.start": _("Month close started"),
    "kernel.outbox.retry": _("Background step tried again"),
    "payments.checkout.start": _("Payment page opened"),
    "payments.method.add": _("Payment method saved"),
    "payments.method.default": _("Default payment method chosen"),
    "payments.method.detach": _("Payment method removed"),
    "payments.payment.authorised": _("Payment authorised"),
    "payments.payment.cancelled": _("Payment cancelled"),
    "payments.payment.captured": _("Payment received"),
    "payments.payment.created": _("Payment started"),
    "payments.payment.failed": _("Payment failed"),
    "payments.payment.processing": _("Payment is being processed"),
    "payments.payment.requires_action": _("Payment waits for the customer"),
    "payments.payment.start": _("Payment started"),
    "payments.payment.unknown": _("Payment without an answer"),
    "payments.refund.approve": _("Refund approved"),
    "payments.refund.ask": _("Refund asked for"),
    "payments.refund.decline": _("Refund declined"),
    "payments.refund.done": _("Refund paid"),
    "payments.refund.failed": _("Refund failed"),
    "payments.refund.unknown": _("Refund without an answer"),
    "payments.transfer.record": _("Bank transfer booked"),
}
STEPS: dict[str, Promise] = {
    "access.mail.invitation": _("Mail an invitation"),
    "contracts.document.draw": _("Draw a contract document"),
    "contracts.offer.send": _("Mail an offer"),
    "invoicing.delivery.export": _("Put a document into the export folder"),
    "invoicing.delivery.send": _("Mail a document"),
    "invoicing.document.render": _("Draw a document"),
    "payments.refund": _("Send a refund"),
    "invoicing.run.report": _("Keep the completeness report"),
    "payments.charge": _("Charge a payment method"),
    "payments.event": _("Ask the processor after an event"),
}
"""Kinds of background steps."""
_VERBS = {"create": _("%(what)s added"), "change": _("%(what)s changed"), "delete": _("%(what)s deleted")}
"""Master data saved by a form: `app.model.create` and so on."""


def action_text(action: str) -> str:
    """The action in words; one that nobody gave words to stays as it is written in the trail."""
    known = ACTIONS.get(action)
    if known is not None:
        return str(known)
    app_label, _dot, rest = action.partition(".")
    model, _dot, verb = rest.partition(".")
    if verb in _VERBS:
        try:
            name = str(apps.get_model(app_label, model)._meta.verbose_name)
        except LookupError:
            return action
        return str(_VERBS[verb]) % {"what": capfirst(gettext(name))}
    return action


def step_text(kind: str) -> str:
    """A background step in words; one that nobody gave words to stays as it is written."""
    return str(STEPS.get(kind, kind))
