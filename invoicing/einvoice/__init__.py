"""Invoices that machines read (EN 16931): what is asked of them, how they are written, and who checks them.

    model       frozen dataclasses in the standard's terms (BT, BG); build makes one from a document's rows
    preflight   what a document lacks for its recipient's format, before it is issued: cheap, in words
    cii, ubl    the two syntaxes: Factur-X (in the PDF), XRechnung and Peppol BIS (a file of their own)
    figures     reads the figures back from the bytes; arithmetic: our own exact check of them
    rules       the official rules (rules_data/), run on every document before it is archived
    check       all of it for one document

Nothing that fails is archived or sent. The figures are the rows' own: nothing is computed here but sums to compare.
"""
