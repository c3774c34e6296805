"""The contract as a document: what it says (`build`), in which words (`clauses/`), set in type (`pdf`), sent (`mail`).

    view     frozen dataclasses with finished texts
    clauses  the standard clauses by kind of contract, one TOML file a language with the same keys
    build    from a version's rows to its view
    pdf      the view as tagged PDF/A-3a, on the ground of evbilling.shell.paper

Prices, terms and shares are said by the rules that own them; nothing is computed here.
"""
