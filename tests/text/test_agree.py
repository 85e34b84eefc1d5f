"""Does the answer give what the reference gives: plain cases, and that no text can break the reading of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragtune.text.agree import agree
from ragtune.text.values import comparable, same, values
from ragtune.text.words import find_words, search_terms, tokens, words

VERDICTS = Path(__file__).parent / "verdicts"


@pytest.mark.parametrize(
    ("question", "reference", "answer", "right"),
    [
        ("How many days of leave?", "27 days", "72 days", False),
        ("How many days of leave?", "27 days", "Full-time staff have 27 days of leave a year.", True),
        ("How long?", "15 minutes", "45 minutes", False),
        ("每年有多少天带薪年假?", "十五天", "本公司全职员工每年享有十五天带薪年假。", True),
        ("Is parking free?", "No", "No.", True),
        ("Is parking free?", "No", "No, it is not.", True),
        ("How many may come?", "More than 5", "No more than 5", False),
        ("Who wrote it?", "Jane Austen", "Austen", True),
        ("Who wrote it?", "Jane Austen", "Cassandra Austen", False),
        ("When?", "12 May 2020", "2020-05-12", True),
        ("When?", "12 May 2020", "May 13, 2020", False),
        ("When?", "15:30", "at half past three in the afternoon", True),
        ("How long?", "2 weeks", "14 days", True),
        ("How much?", "5 euros", "5 dollars", False),
        ("How many days?", "27 days", "It is 27 or 28 days.", False),
        ("Which colours?", "red, blue and green", "Green, red and blue.", True),
        ("Which colours?", "red, blue and green", "Red and blue.", False),
        ("Is it allowed?", "Yes", "Yes, but only after approval.", True),
        ("What did it weigh?", "1.5 kg", "15 kg", False),
        ("What is the temperature?", "-5", "5", False),
        ("How long?", "5-10 days", "510 days", False),
        ("When?", "um 14:35 Uhr", "14.35 Uhr", True),
        ("What share?", "20 %", "0.2", True),
        ("Who won?", "Basel beat Bern", "Bern beat Basel", False),
        ("Who won?", "Basel beat Bern", "Bern was beaten by Basel", True),
        ("Which way?", "from Bern to Basel", "from Basel to Bern", False),
        ("Who played?", "Bern and Basel", "Basel and Bern", True),
        ("Which day?", "Monday", "Monday and Tuesday", False),
        ("Which days?", "Monday and Tuesday", "Tuesday and Monday", True),
        ("Whom do I call?", "0800 123 456", "Call 0800-123-456.", True),
        ("Whom do I call?", "0800 123 456", "Call 0800 123 465.", False),
        ("Where is it?", "Berlin, Germany", "In Berlin.", True),
        ("Where is it?", "Berlin, Germany", "In Munich, Germany.", False),
        ("Is smoking permitted?", "No", "Smoking is prohibited everywhere.", True),
        ("Isn't parking free?", "Yes", "Parking is free.", True),
        ("Isn't parking free?", "No", "Parking is free.", False),
        ("Can I leave without notice?", "No", "You cannot leave without notice.", True),
        ("可以带狗进办公室吗?", "不可以", "办公室禁止带狗。", True),
        ("Ist Rauchen erlaubt?", "Nein", "Rauchen ist verboten.", True),
        ("What caused it?", "a failed disk", "It was not caused by a failed disk but by a bug.", False),
        ("When is it emptied?", "Tuesday", "It is emptied every Thursday.", False),
        ("When is it open?", "Monday to Friday", "Mon, Tue, Wed, Thu and Fri.", True),
        ("When is it open?", "Every day except Monday", "From Tuesday to Sunday.", True),
        ("By when?", "30 November", "By the last day of November.", True),
        ("How much?", "1,200 US dollars", "It costs $1,200.", True),
        ("How much of it?", "500 mg", "One tablet holds 500 micrograms.", False),
        ("How large?", "350 square metres", "350 metres", False),
        ("Who wrote it?", "Johann Strauss I", "Johann Strauss II wrote it.", False),
        ("Who?", "George W. Bush", "George H. W. Bush", False),
        ("Who?", "Lev Tolstoy", "Lev Nikolayevich Tolstoy", True),
        ("Who declared it?", "WHO", "The World Health Organization did.", True),
        (
            "May they be taken?",
            "They must not be taken with juice.",
            "Juice is bad: do not take them with juice.",
            True,
        ),
        ("May it be sublet?", "Not without the owner's consent", "Only with the owner's consent.", True),
        ("What is covered?", "All costs except dental treatment", "All costs, including dental treatment.", False),
        ("Is a visa required?", "No", "You can enter visa-free.", True),
        ("한글을 만든 왕은?", "세종대왕", "한글은 세종대왕이 만들었습니다.", True),
        ("Capital of Australia?", "Canberra", "Canberra is often taken for the capital. It is not.", False),
        (
            "Who directed the film Lantern?",
            "Ann Lee",
            "Lantern is from 1993. Ann Lee wrote the music. The film was directed by George Holt.",
            False,
        ),
        (
            "Who directed the film Lantern?",
            "Ann Lee",
            "Lantern is from 1993. The film was directed by Ann Lee. George Holt wrote the music.",
            True,
        ),
        (
            "Who pays the postage?",
            "The seller",
            "The seller refunds the price. The postage is paid by the buyer, not by the seller.",
            False,
        ),
    ],
)
def test_plain_cases(question: str, reference: str, answer: str, right: bool) -> None:
    assert (agree(question, [reference], answer).probability >= 0.5) == right


@pytest.mark.parametrize(("name", "least"), [("open", 0.94), ("blind", 0.87), ("later", 0.89)])
def test_verdicts_written_beforehand(name: str, least: float) -> None:
    rows = [json.loads(line) for line in (VERDICTS / f"{name}.jsonl").read_text("utf-8").split("\n") if line]
    right = [(agree(r["question"], r["references"], r["answer"]).probability >= 0.5) == r["right"] for r in rows]
    assert sum(right) / len(right) >= least


def test_withholding_agrees_with_nothing() -> None:
    assert agree("When?", ["noon"], "I don't know.").probability == 0
    with pytest.raises(ValueError, match="no reference"):
        agree("When?", [], "noon")


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("1,500", "1500", True),
        ("1.500 €", "1500 euros", True),
        ("zweiundsiebzig Tage", "72 days", True),
        ("二百零六", "206", True),
        ("一万二千", "12,000", True),
        ("one thousand, nine hundred and thirty-six", "1936", True),
        ("3/4", "three quarters", True),
        ("£50m", "50 million pounds", True),
        ("80 km/h", "80 km per hour", True),
        ("90 minutes", "an hour and a half", True),
        ("100 °C", "212 °F", True),
        ("10⁶", "a million", False),  # nobody wrote a number here, only its name with an article
        ("10⁶", "1,000,000", True),
        ("at least 18", "18 or older", True),
        ("more than 5", "less than 5", False),
        ("5 kg", "5 g", False),
        ("2020年5月12日", "12 May 2020", True),
        ("3:30 pm", "15:30", True),
        ("下午3点半", "15:30", True),
    ],
)
def test_values_in_any_notation(one: str, other: str, alike: bool) -> None:
    a, b = values(one), values(other)
    assert bool(a and b and same(a[0], b[0])) == alike


@given(st.text(max_size=60), st.text(min_size=1, max_size=30), st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_no_text_breaks_it(question: str, reference: str, answer: str) -> None:
    assert 0 <= agree(question, [reference], answer).probability <= 1
    for a in values(reference):
        assert same(a, a)
        assert all(isinstance(comparable(a, b), bool) for b in values(answer))
    for start, end in find_words(answer, reference):
        assert 0 <= start < end <= len(answer)


@given(st.text(alphabet="0123456789.,:/- %€$£年月日天kmgh上下午点半twoonehundreda", max_size=30))
@settings(max_examples=300, deadline=None)
def test_no_number_breaks_it(text: str) -> None:
    for value in values(text):
        assert same(value, value)
        assert 0 <= value.start < value.end


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("IT服务台", ["it", "服", "务", "服务", "台", "务台"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("السَّلَامُ", ["السلام"]),
        ("ｆｕｌｌ １２３", ["full", "123"]),
        ("Straße", ["strass"]),
        ("İstanbul", ["istanbul"]),
        ("5kg", ["5", "kg"]),
    ],
)
def test_words_by_script(text: str, terms: list[str]) -> None:
    assert search_terms(text) == terms


def test_composed_and_decomposed_accents_are_one_word() -> None:
    assert words("Beyonce\u0301") == words("Beyoncé") == words("BEYONCÉ")
    assert [t.text for t in tokens("don’t")] == ["don't"]
    assert find_words("in 2024 of 2", "2") == [(11, 12)]
