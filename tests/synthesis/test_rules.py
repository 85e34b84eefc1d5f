"""Questions that rules make of sentences, headings and tables: text, answer and evidence, and what they leave alone."""

from __future__ import annotations

import pytest

from ragtune.corpus.tongue import languages_of
from ragtune.records import Document
from ragtune.synthesis import rules
from ragtune.synthesis.drafts import Draft


def made(text: str, language: str = "en", title: str = "") -> list[Draft]:
    return rules.drafts([Document("d", text, {"title": title} if title else {})], [language])


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        ("If you lose your badge, you must report it to security.", "What must you do if you lose your badge?", "report it to security"),
        ("When the alarm rings, leave the building by the north door.", "What should you do when the alarm rings?", "leave the building by the north door"),
        ("If your token is lost, email the help desk.", "Who should you email if your token is lost?", "the help desk"),
        ("To request a laptop, fill in form 71 on the intranet.", "How do you request a laptop?", "fill in form 71 on the intranet"),
        ("Supervisors must approve overtime in writing.", "Who must approve overtime in writing?", "supervisors"),
        ("The duty manager is responsible for locking the north gate.", "Who is responsible for locking the north gate?", "the duty manager"),
        ("You must submit the travel claim within 30 days.", "Within how many days must you submit the travel claim?", "30 days"),
        ("Timesheets must be submitted by Friday noon.", "When must timesheets be submitted?", "by Friday noon"),
        ("You can request access through the service portal.", "How can you request access?", "through the service portal"),
        ("You should not share passwords because others could sign in.", "Why should you not share passwords?", "because others could sign in"),
        ("The purpose of the guild is to share what works.", "What is the purpose of the guild?", "to share what works"),
        ("You may not use personal email for work.", "May you use personal email for work?", "No"),
        ("The float is 150 euros.", "How much is the float?", "150 euros"),
        ("The kitchen opens at 5:45.", "When does the kitchen open?", "at 5:45"),
        ("The screen is cleaned by divers once a month.", "How often is the screen cleaned by divers?", "once a month"),
        ("Nest boxes are lined with pea gravel.", "What are nest boxes lined with?", "pea gravel"),
        ("Flood boards stand behind the bicycle shed.", "Where do flood boards stand?", "behind the bicycle shed"),
        ("The microscope room has 24 places for guests.", "How many places does the microscope room have?", "24"),
        ("The guard rings the flood team.", "Who rings the flood team?", "the guard"),
        ("Full-time staff have 27 days of leave a year.", "How many days of leave do full-time staff have?", "27"),
        ("The VPN client is called Orbit.", "What is the VPN client called?", "Orbit"),
        ("The lab is led by Dr. Lisa Meyer and Prof. Tom Klein.", "By whom is the lab led?", "Dr. Lisa Meyer and Prof. Tom Klein"),
        ("The claims portal is open from Monday to Thursday.", "When is the claims portal open?", "from Monday to Thursday"),
        ("Dogs are not allowed in the reading room.", "Are dogs allowed in the reading room?", "No"),
        ("The rescue phone, 0800 555 0142, is answered day and night.", "What is the phone number of the rescue phone?", "0800 555 0142"),
    ],
)  # fmt: skip
def test_english_sentences(sentence: str, question: str, answer: str) -> None:
    found = {d.text: d for d in made(sentence)}
    assert question in found, list(found)
    assert found[question].answers == (answer,)
    span = found[question].evidence[0]
    assert sentence[span.start : span.end] == sentence


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        ("如果遗失门禁卡，应立即向保安报告。", "如果遗失门禁卡，应该怎么办？", "应立即向保安报告"),
        ("申请须在30天内提交给主管。", "申请须在多少天内提交给主管？", "30天"),
        ("图书馆于1998年正式开馆。", "图书馆于什么时候正式开馆？", "1998年"),
        ("服务台位于一楼大厅东侧。", "服务台位于哪里？", "一楼大厅东侧"),
        ("加班由部门主管审批。", "加班由谁审批？", "部门主管"),
        ("员工不得使用私人邮箱办公。", "员工可以使用私人邮箱办公吗？", "不可以"),
        ("志愿者协会是由居民组成的公益组织。", "志愿者协会是什么？", "由居民组成的公益组织"),
    ],
)
def test_chinese_sentences(sentence: str, question: str, answer: str) -> None:
    found = {d.text: d.answers for d in made(sentence, "zh")}
    assert found.get(question) == (answer,), found


@pytest.mark.parametrize(
    "sentence",
    [
        "It must be returned within 30 days.",  # what it is stands elsewhere
        "This should be approved by the manager.",
        "However, supervisors must approve them.",
        "If this happens, call the guard.",
        "There must be one adult for each child.",
        "See the table below.",
        "You don't need to install anything to use our shared drive.",
        "Move Google Drive files to shared folders.",
        "To book a room, use the calendar here.",  # a link that is text now
        "Nobody may take more than 15 days in a row.",
        "Staff can rarely be reached after 6 p.m. on Fridays.",
        "The pump runs at 230 V and draws 750 W. The tank holds 20 litres.",  # two sentences, not told apart
        "Passwords must have at least 14 characters.",
        "The head office moved to Malmö in 2015.",
        "The building was designed by hand.",
        "The contract was signed by Friday.",
        "The museum was founded in 1890 and rebuilt in 1950.",
        "The minutes are kept in SharePoint for five years.",
        "一年中最多可以请假15天。",
        "会议推迟到5月3日。",
        "The DETO process requires approvals which may take six months.",  # no DETO that processes
        "新建筑的数量是否增加尚不清楚。",
        "这是一个例子。",
    ],
)
def test_what_points_elsewhere_is_left_alone(sentence: str) -> None:
    language = "en" if sentence.isascii() else "zh"
    assert made(sentence, language) == []


def test_headings_that_ask_and_tables() -> None:
    text = "# Travel\n\n## How do I book a train ticket?\n\nBook it in the portal. Keep the receipt.\n\nMore.\n\n| Room | Seats |\n|---|---|\n| Oak | 12 |\n| Elm | 30 |\n"
    found = {d.text: d for d in made(text)}
    assert found["How do I book a train ticket?"].answers == ("Book it in the portal. Keep the receipt.",)
    cell = found['What is given as "Seats" for Elm?']
    assert cell.answers == ("30",)
    assert text[cell.evidence[0].start : cell.evidence[0].end] == "30"
    assert text[: cell.evidence[0].start].endswith("| Elm | ")
    other = {d.text for d in made(text, "de")}
    assert "Oak: Seats?" in other  # of languages without rules, structure alone


def test_a_cell_is_found_in_its_column() -> None:
    text = "| Part | Price | Stock |\n|---|---|---|\n| Part 1059 | 45 | 5 |\n| Plan 1 | 30 | 1 |\n"
    found = {d.text: d.evidence[0].start for d in made(text)}
    assert found['What is given as "Stock" for Part 1059?'] == text.index("| 5 |") + 2
    assert found['What is given as "Stock" for Plan 1?'] == text.index("| 1 |") + 2


def test_a_french_heading_that_asks() -> None:
    found = made("## Comment demander un congé payé ?\n\nPar le formulaire du portail.\n", "fr")
    assert [(d.text, d.answers) for d in found] == [
        ("Comment demander un congé payé ?", ("Par le formulaire du portail.",))
    ]


def test_names_keep_their_capitals_and_others_lose_them() -> None:
    text = (
        "Staff in Oslo use Concur daily. We like Concur, Concur works. Concur must be used for all bookings by staff."
    )
    found = [d.text for d in made(text) if d.rule == "whether"]
    assert found == ["Must Concur be used for all bookings by staff?"]


def test_languages_are_told() -> None:
    documents = [
        Document("a", "Die Bücherei öffnet um neun Uhr und schließt am Abend, wenn alle Leser gegangen sind."),
        Document("b", "图书馆每天上午九点开门，晚上八点关门，周末除外。读者可以借阅图书，也可以在阅览室里学习。"),
        Document("c", "12 | 13 | 14"),
    ]
    assert languages_of(documents) == ["de", "zh", ""]
