from __future__ import annotations

from pathlib import Path

import pytest
from conftest import write_corpus

from ragtune.experiment.progress import Silent
from ragtune.records import Document
from ragtune.serving.ask import open_assistant
from ragtune.serving.reads import READS, foreign, languages

ENGLISH = "The gate of the harbour opens at seven. Whoever wants to enter before that must ask the keeper for a key. "
OTHERS = {
    "de": "Das Tor wird so lange offen gehalten, bis der letzte Wagen in die Halle gefahren ist. Der Antrag muss in vier Wochen gestellt werden. ",
    "fr": "Il est important que vous ayez une copie de la carte et que vous la gardiez sur vous. On a vu que la porte est fermée pendant la nuit. ",
    "es": "No se puede entrar a la sala sin la llave que está en la oficina. Si el coche no está en su sitio, hay que llamar a la persona. ",
    "pt": "As pessoas que usam o carro do trabalho devem fazer a limpeza no fim do dia. Se o carro não está no lugar, as regras mandam ligar a ele. ",
    "nl": "We zijn van plan om in de zomer over te gaan op het nieuwe systeem. Als je in de tuin bent, had je de deur van het huis moeten sluiten. ",
    "fi": "Saliin ei pääse ilman avainta, joka on toimistossa kaapissa. Jos auto ei ole paikallaan, on soitettava sille, joka on sitä käyttänyt. ",
    "ru": "Ворота порта открываются в семь часов утра. Кто хочет войти раньше, должен попросить ключ у сторожа. ",
    "zh": "港口的大门早上七点开放。想提前进入的人必须向看守索取钥匙。",
    "ar": "تفتح بوابة الميناء في الساعة السابعة. ومن أراد الدخول قبل ذلك فعليه أن يطلب المفتاح من الحارس. ",
}


def documents(*texts: str) -> list[Document]:
    return [Document(str(n), text) for n, text in enumerate(texts)]


@pytest.mark.parametrize("code", OTHERS)
def test_the_reader_reads_english_alone(code: str) -> None:
    assert foreign(documents(OTHERS[code] * 5), "bundled:reader")
    assert not foreign(documents(ENGLISH * 5, ENGLISH * 5, OTHERS[code] * 2), "bundled:reader")
    assert not foreign(documents(OTHERS[code] * 5), "some/model")  # it may read any


def test_several_languages_count_together() -> None:
    mixed = documents(*[ENGLISH * 4, OTHERS["zh"] * 6, OTHERS["de"] * 4] * 3)
    assert foreign(mixed, "bundled:reader")
    assert not foreign(mixed[:1] * 4 + mixed[1:3], "bundled:reader")


def test_what_tells_no_language_counts_as_readable() -> None:
    assert not foreign(documents("key: K-1. opens: shed. copies: 3.", "K-2 | office | 5"), "bundled:reader")
    assert not foreign([], "bundled:reader")
    assert languages("bundled:reader") == "English"


def test_a_bare_corpus_in_another_language_is_answered_by_its_own_sentences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tiny_models: dict[str, Path]
) -> None:
    monkeypatch.setattr("ragtune.serving.ask.DEFAULT_READER", str(tiny_models["qwen2"]))
    monkeypatch.setitem(READS, str(tiny_models["qwen2"]), ("en",))
    light = ["setups.reader.retrieval.rerank=null", "setups.extractive.retrieval.rerank=null"]
    german = write_corpus(tmp_path / "de", {"tor.txt": OTHERS["de"]}, [])
    english = write_corpus(tmp_path / "en", {"gate.txt": ENGLISH}, [])
    store = tmp_path / "s"
    assert open_assistant(german, light, store).name == "extractive"
    said = capsys.readouterr().err
    assert "reads English, and most of the documents are in another language: answers are sentences" in said
    assert "--model, or --set setups.reader.generator.model=MODEL." in said
    assert open_assistant(german, light, store, setup="reader").name == "reader"
    assert "reads English" in capsys.readouterr().err
    assert open_assistant(english, light, store, progress=Silent()).name == "reader"
    assert "reads English" not in capsys.readouterr().err
