"""`manage.py audit_verify`: prove that the audit trail was not changed."""

from typing import Any

from evbilling.kernel import audit
from evbilling.kernel.commands import FINDINGS, GOOD, StableCommand


class Command(StableCommand):
    """Seals what is committed, walks the chain and reports every break."""

    help = "Check the audit trail's hash chain."
    examples = ("manage.py audit_verify", "manage.py audit_verify --json")

    def run(self, options: dict[str, Any]) -> int:
        while audit.seal_audit():
            pass
        findings = list(audit.verify_chain())
        records = audit.AuditRecord.objects.count()
        if options["json"]:
            self.print_json(
                {
                    "records": records,
                    "verified": not findings,
                    "findings": [{"sequence": f.sequence, "problem": f.problem} for f in findings],
                }
            )
        else:
            for finding in findings:
                self.stdout.write(finding.problem)
            self.stdout.write(f"{records} audit records, {len(findings)} findings")
        return FINDINGS if findings else GOOD
