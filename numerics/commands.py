"""Commands to a core with reference slots, as hosts write them."""

COMMANDS = ("CLASSIFY", "EMBED", "ENROL", "VERIFY", "COMMIT", "CLEAR")


STAGED_SLOT = 0xFF  # in REFERENCE_AT: the staged copy


NO_LABEL = 0xFFFF  # of a result without any reference to compare with
