"""What `manage.py bench` measures of invoicing; each module registers one benchmark."""

from invoicing.benchmarks import month

__all__ = ["month"]
