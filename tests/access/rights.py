"""Who may do what in invoicing: every address of the workspace that can change something, and the roles that may.

`ACTIONS` holds the buttons, by the name of their address in the admin, or `changelist:button` for a button of chosen
rows. `FORMS` holds the forms of the rows by model: who may add, change and delete. What only shows is in `SHOWS`.
"""

from evbilling.access.roles import Role

MANAGER, CLERK, OFFICER = Role.CONTRACT_MANAGER, Role.BILLING_CLERK, Role.PAYMENTS_OFFICER
BILLING = {CLERK, Role.ADMINISTRATOR}
WAIVERS = {MANAGER, *BILLING}
STEPS = {CLERK, OFFICER, Role.ADMINISTRATOR}
NOBODY: set[Role] = set()

ACTIONS: dict[str, set[Role]] = {
    "invoicing_account_take_chart": BILLING,
    "invoicing_accountingperiod_ask": BILLING,
    "invoicing_accountingperiod_close_month": BILLING,
    "invoicing_accountingperiod_decline": BILLING,
    "invoicing_accountingperiod_reopen": BILLING,
    "invoicing_allocation_undo": STEPS,
    "invoicing_billingrunitem_changelist:try_again": BILLING,
    "invoicing_bookscheck_prove_now": BILLING,
    "invoicing_correction_approve": BILLING,
    "invoicing_correction_refuse": BILLING,
    "invoicing_delivery_send_again": BILLING,
    "invoicing_dispute_accept": BILLING,
    "invoicing_dispute_refuse": BILLING,
    "invoicing_dunningstep_handle": BILLING,
    "invoicing_dunningstop_lift": BILLING,
    "invoicing_invoice_credit": BILLING,
    "invoicing_invoice_credit_in_part": BILLING,
    "invoicing_invoice_credit_page": BILLING,
    "invoicing_invoice_credit_rest": BILLING,
    "invoicing_invoice_discard": BILLING,
    "invoicing_invoice_issue": BILLING,
    "invoicing_invoice_issue_advance": BILLING,
    "invoicing_invoice_send_again": BILLING,
    "invoicing_invoice_write_off": BILLING,
    "invoicing_letter_send_again": BILLING,
    "invoicing_overduedocument_promise": BILLING,
    "invoicing_overduedocument_skip": BILLING,
    "invoicing_overduedocument_stop": BILLING,
    "invoicing_paymentpromise_withdraw": BILLING,
    "invoicing_penalty_ask_waiver": WAIVERS,
    "invoicing_penalty_grant_waiver": WAIVERS,
    "invoicing_penalty_refuse_waiver": WAIVERS,
    "invoicing_taxrate_load_known": BILLING,
    "month_close_start": BILLING,
    "month_close_decide": BILLING,
    "month_close_pause": BILLING,
    "month_close_resume": BILLING,
    "month_close_retry": BILLING,
    "accounting_close": BILLING,
    "accounting_export": BILLING,
    "party_account": BILLING,
    "kernel_outboxmessage_retry": STEPS,
}

FORMS: dict[str, tuple[set[Role], set[Role], set[Role]]] = {
    "account": (NOBODY, BILLING, NOBODY),
    "datevsettings": (BILLING, BILLING, BILLING),
    "exchangerate": (BILLING, BILLING, NOBODY),
    "personalaccount": (BILLING, BILLING, NOBODY),
    "referencerate": (BILLING, BILLING, NOBODY),
    "taxrate": (BILLING, BILLING, NOBODY),
} | dict.fromkeys(
    (
        "accountingperiod", "allocation", "billingrun", "billingrunitem", "bookscheck", "correction", "delivery",
        "deliveryevent", "deposit", "dispute", "dunningstep", "dunningstop", "invoice", "journalentry", "letter",
        "numberseries", "overduedocument", "paymentpromise", "penalty",
    ),
    (NOBODY, NOBODY, NOBODY),
)  # fmt: skip

SHOWS = {
    "accounting_exports",
    "accounting_months",
    "accounting_report",
    "charging_now",
    "charging_simulator",
    "charging_what_if",
    "invoicing_billingrun_open_month_close",
    "invoicing_document_download",
    "invoicing_invoice_check_einvoice",
    "invoicing_invoice_einvoice_xml",
    "invoicing_invoice_open_pdf",
    "invoicing_invoice_preview",
    "invoicing_letter_download",
    "invoicing_month_preview",
    "month_close",
    "month_close_progress",
    "party_timeline",
}
