"""A LlamaIndex query engine: a vector index, and a model that copies the first sentence it is shown.

As a team would have it; nothing of ragtune is imported. It reads `corpus/documents` beside it.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.llms import CompletionResponse, CompletionResponseGen, CustomLLM, LLMMetadata
from llama_index.core.llms.callbacks import llm_completion_callback


class Bags(BaseEmbedding):
    """Words, hashed into 512 places."""

    def _get_text_embedding(self, text: str) -> list[float]:
        vector = [0.0] * 512
        for word in text.lower().replace("?", " ").replace(".", " ").split():
            vector[zlib.crc32(word.encode()) % 512] += 1.0
        return vector

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


class Copying(CustomLLM):
    """Answers with the first sentence of its contexts."""

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=4096, num_output=64, model_name="copying")

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **more: Any) -> CompletionResponse:
        shown = prompt.split("---------------------")[1].strip()
        text = shown.rpartition("\n\n")[2]  # what stands before are names of files
        return CompletionResponse(text=text.partition(". ")[0] + ".")

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **more: Any) -> CompletionResponseGen:
        yield self.complete(prompt, formatted, **more)


def _documents() -> list[Document]:
    folder = Path(__file__).parent / "corpus" / "documents"
    return [
        Document(text=text, metadata={"source": path.name})
        for path in sorted(folder.iterdir())
        for text in path.read_text("utf-8").split("\n\n")
        if " is " in text
    ]


ENGINE = VectorStoreIndex.from_documents(_documents(), embed_model=Bags()).as_query_engine(
    llm=Copying(), similarity_top_k=1
)


def answer(question: str) -> dict[str, Any]:
    """The engine's answer, with what it was shown."""
    found = ENGINE.query(question)
    contexts = [{"text": n.node.get_content(), "document": n.node.metadata["source"]} for n in found.source_nodes]
    return {"answer": str(found), "contexts": contexts}
