"""Corpora: reading documents and questions, cutting documents into chunks, importing, checking."""
