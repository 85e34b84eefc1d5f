"""Tuning what finds: a map on query vectors, an embedder, a re-ranker."""
