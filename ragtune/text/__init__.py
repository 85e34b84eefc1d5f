"""The ground under every craft: sentences, words, statements, overlap of texts, and what an answer amounts to."""
