"""What every face shares: base templates, view bases, tables, charts, formats."""
