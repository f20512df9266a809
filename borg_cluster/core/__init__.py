"""Nouns: pure; no I/O, no clock, standard library only."""
