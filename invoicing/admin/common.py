"""What the pages of this app share: the colours of the states of payment."""

from invoicing.queries.documents import PaymentState

PAYMENT_TONES = {
    PaymentState.DRAFT.value: "",
    PaymentState.OPEN.value: "info",
    PaymentState.PARTLY_PAID.value: "warning",
    PaymentState.PAID.value: "success",
    PaymentState.OVERDUE.value: "danger",
    PaymentState.CREDITED.value: "",
}
"""The badge of each state of payment."""
