"""A LangChain chain: a vector store, a prompt, and a chat model that copies the first sentence it is shown.

As a team would have it; nothing of ragtune is imported. It reads `corpus/documents` beside it.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.language_models.chat_models import SimpleChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore


class Bags(Embeddings):
    """Words, hashed into 512 places."""

    def embed_query(self, text: str) -> list[float]:
        vector = [0.0] * 512
        for word in text.lower().replace("?", " ").replace(".", " ").split():
            vector[zlib.crc32(word.encode()) % 512] += 1.0
        return vector

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]


class Copying(SimpleChatModel):
    """Answers with the first sentence of its contexts."""

    @property
    def _llm_type(self) -> str:
        return "copying"

    def _call(self, messages: list[Any], *args: Any, **more: Any) -> str:
        return str(messages[-1].content).partition("Contexts: ")[2].partition(". ")[0] + "."


def _store() -> InMemoryVectorStore:
    store = InMemoryVectorStore(Bags())
    folder = Path(__file__).parent / "corpus" / "documents"
    paragraphs = [
        Document(text, metadata={"source": path.name})
        for path in sorted(folder.iterdir())
        for text in path.read_text("utf-8").split("\n\n")
        if " is " in text
    ]
    store.add_documents(paragraphs)
    return store


def _joined(documents: list[Document]) -> str:
    return "\n".join(d.page_content for d in documents)


PROMPT = ChatPromptTemplate.from_template("Answer {question}\nContexts: {shown}")
ANSWER = RunnablePassthrough.assign(shown=lambda x: _joined(x["contexts"])) | PROMPT | Copying() | StrOutputParser()
CHAIN = {
    "contexts": _store().as_retriever(search_kwargs={"k": 1}),
    "question": RunnablePassthrough(),
} | RunnablePassthrough.assign(answer=ANSWER)


def answer(question: str) -> dict[str, Any]:
    """The chain's answer, with what it was shown."""
    found = CHAIN.invoke(question)
    contexts = [{"text": d.page_content, "document": d.metadata["source"]} for d in found["contexts"]]
    return {"answer": found["answer"], "contexts": contexts}
