"""The ground of every printed document: type, sheet, letterhead, and PDF/A by WeasyPrint. No business word is in here.

    letterhead        who prints (PartyBlock) and how it looks (Letterhead)
    formats           money, numbers and dates in the document's language
    typeface, sheet   glyphs, measures and colours; what runs along every page
    page              templates/documents/ laid out by WeasyPrint, the fast way
    pdf, file         one tagged PDF/A-3a with running matter, and writing it

A document of an area is made in that area: `invoicing.documents`, `contracts.documents`.
"""
