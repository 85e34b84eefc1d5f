"""Retrieval: dense (FAISS), lexical (BM25), fusion, re-ranking, and the retriever that composes them."""
