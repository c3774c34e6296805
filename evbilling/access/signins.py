"""Sign-ins, sign-outs and refused tries, as the framework's own auth signals report them, go to the audit trail."""
