"""Judging: witnesses that answer few questions about an answer, and the metrics made of them."""
