"""Documents as files: `view` says what a document shows, `pdf.render_pdf` sets it, `mail.compose_mail` sends it along.

    view        frozen dataclasses with finished figures; refuses what does not add up
    first_page  page one by WeasyPrint from templates/documents/
    annex       the list of sessions, drawn straight
    running     what runs along the pages; words: what the document's kind decides
    pdf         joining both into one tagged PDF/A-3a; Factur-X XML goes inside
    mail        subject, text and HTML part from templates/emails/, file names

Letterhead, type, formats and the writing of PDF/A are shared with other documents: evbilling.shell.paper.

A new word goes through gettext (CONTRIBUTING.md, Languages); the tests refuse a word without its German.
"""
