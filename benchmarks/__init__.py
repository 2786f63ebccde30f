"""How fast the client is, beside what one would use otherwise; run by scripts/bench."""
