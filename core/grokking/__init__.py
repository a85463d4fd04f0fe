"""The grokking laboratory: small transformers on group tables, many trained at once, and what is measured of them."""
