"""What `manage.py bench` measures of invoicing; each module registers one benchmark."""

from invoicing.benchmarks import documents, month

__all__ = ["documents", "month"]
