"""Letters beside the documents about money: dunning notice, account statement, receipt of a payment, report of a run.

    views    frozen dataclasses with finished figures; refuse what does not add up
    pdf      render_notice, render_statement, render_receipt, render_report: view -> PDF/A-3a bytes

A letter is page one with the house letterhead, laid out by WeasyPrint, and below it lists that may have thousands of
rows, drawn straight (`evbilling.shell.paper.listing`).
"""
