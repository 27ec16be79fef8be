"""Files in, facts and arrays out; what cannot be trusted is refused."""
