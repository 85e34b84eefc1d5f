"""Questions from Chinese sentences by rule: the asked phrase stays where it is, with a question word in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import regex

from ragtune.synthesis.drafts import Draft, Passage

#: what points outside the sentence, or is no statement
_POINTING = regex.compile(
    r"这|那|(?<!应)该|其(?!他)|它|他(?!国|人)|她|上述|下列|如下|以下|以上|本条|前款|此|另外|但是|但|因此|所以|然后|同时|并且|而且|我|？|\?|…"
)
_UNIT = r"(?:个工作日|个小时|个月|小时|分钟|秒|天|日|周|年|元|万元|亿元|美元|欧元|个|人|名|次|岁|级|层|座|所|家|条|项|米|公里|千米|平方米|平方公里|公斤|千克|吨|升|度|％|%|页|张|台|本|种|位|分)"
_NUMBER = r"(?:约|大约|近)?(?:\d[\d,.]*(?:至|-|—)?\d*|[一二三四五六七八九十百千万两]{1,6})(?:万|亿|多)?"
_YEAR = regex.compile(r"(?:公元)?\d{3,4}年(?:\d{1,2}月(?:\d{1,2}[日号])?)?")
_END = "。！!；;"
#: between two characters of which one is Chinese
_SPACE = regex.compile(r"(?<=[\p{Han}，。：])\s+|\s+(?=[\p{Han}，。：])")
_ORDINAL = regex.compile(r"第$|[\d.]$")


def _make(passage: Passage, rule: str, question: str, answer: str, kind: str = "single fact") -> Draft | None:
    question, answer = (_SPACE.sub("", part).strip("，, ") for part in (question, answer))
    if not 6 <= len(question) <= 70 or not answer or len(answer) > 120 or _POINTING.search(question):
        return None
    if any(question.count(a) != question.count(b) for a, b in ("（）", "《》", "“”", "「」", "()")):
        return None
    return Draft(question + "？", (answer,), (passage.span,), kind, rule, topic=passage.title or passage.heading)


def _condition(passage: Passage, text: str) -> Iterator[Draft | None]:
    """如果遗失门禁卡，应立即报告。→ 如果遗失门禁卡，应该怎么办？"""
    found = regex.fullmatch(
        r"(?P<if>如果?|若|当|遇到|一旦)(?P<what>[^，,]{3,40})[，,](?P<then>(?:应|须|需|请|要|必须|可|可以|务必|则)[^。]{3,80})",
        text,
    )
    if found:
        yield _make(
            passage, "condition", f"{found['if']}{found['what']}，应该怎么办", regex.sub("^则", "", found["then"])
        )


def _definition(passage: Passage, text: str) -> Iterator[Draft | None]:
    """志愿者协会是……的组织。→ 志愿者协会是什么？"""
    found = regex.fullmatch(
        r"(?P<what>[^，,。：:是]{2,16})(?:是指|指的是|是(?!否))(?P<said>(?:一|由|为|位|以|用|指|在)?[^？]{5,90})", text
    )
    if (
        found
        and not regex.match(r"不|否|由于|因|如|当|在|对|从|于|也|就|都|一|有|最|目前|还|没", found["what"])
        and not regex.search(r"[不就都也还只而的]$|可能$|表明|认为|没有", found["what"])
    ):
        yield _make(passage, "definition", f"{found['what']}是什么", found["said"])


def _amount(passage: Passage, text: str) -> Iterator[Draft | None]:
    """申请须在30天内提交。→ 申请须在多少天内提交？"""
    found = list(regex.finditer(rf"({_NUMBER})({_UNIT})", _YEAR.sub(lambda m: "〇" * len(m[0]), text)))
    found = [
        m
        for m in found
        if not _ORDINAL.search(text[: m.start()]) and not regex.match(r"[日号世代a-zA-Z]", text[m.end() :])
    ]
    if len(found) != 1 or (_YEAR.search(text) and found[0][2] in ("年", "日")):
        return
    (m,) = found
    if regex.search(r"百分之$|每$|第$|\d月$", text[: m.start()]):
        return
    rest = regex.split(r"[，,；;]", text[m.end() :])[0]  # what follows the clause was not asked for
    if m[1] in ("一", "千", "万") or (m[2] in ("种", "位", "日") and m[1] in ("一", "两", "二")):
        return
    yield _make(
        passage,
        "amount",
        f"{text[: m.start()]}{'多少' if m[2] not in ('％', '%') else '百分之多少'}{m[2] if m[2] not in ('％', '%') else ''}{rest}",
        text[m.start() : m.end()],
    )


def _time(passage: Passage, text: str) -> Iterator[Draft | None]:
    """图书馆于1998年开馆。→ 图书馆于什么时候开馆？"""
    found = list(_YEAR.finditer(text))
    if len(found) == 1:
        before, after = text[: found[0].start()], text[found[0].end() :]
        subject = regex.fullmatch(r"(?P<in>在|于|自|从)?", before)
        if not subject:
            yield _make(passage, "time", f"{before}什么时候{after}", found[0][0])


def _place(passage: Passage, text: str) -> Iterator[Draft | None]:
    """服务台位于一楼大厅。→ 服务台位于哪里？"""
    found = regex.match(
        r"(?P<what>[^，,。]{2,20})(?P<verb>位于|坐落于|设在|地址为|地址是|地址：)(?P<where>[^，,。]{2,40})", text
    )
    if found:
        yield _make(passage, "place", f"{found['what']}{found['verb'].strip('：')}哪里", found["where"])


def _agent(passage: Passage, text: str) -> Iterator[Draft | None]:
    """加班由部门主管审批。→ 加班由谁审批？"""
    found = regex.fullmatch(
        r"(?P<what>[^，,。由]{2,24})由(?P<who>[^，,。]{2,16}?)(?P<verb>生产|制造|销售|运营|开发|维护|负责|审批|批准|管理|提供|组织|承担|决定|主持|编写|创立|创办|设计|建造|指挥|领导)(?P<rest>[^，,。]{0,20})",
        text,
    )
    if found and found["who"][-1] not in "并且后及和":
        yield _make(passage, "who", f"{found['what']}由谁{found['verb']}{found['rest']}", found["who"])


def _whether(passage: Passage, text: str) -> Iterator[Draft | None]:
    """员工不得使用私人邮箱办公。→ 员工可以使用私人邮箱办公吗？ 不可以"""
    found = regex.fullmatch(
        r"(?P<who>[^，,。不可非无没最至]{2,16})(?P<modal>不得|不可以|不能|禁止|严禁|可以)(?P<rest>[^，,。]{4,30})", text
    )
    said = found and regex.match(r"描述|追溯|解释|说|看|发现|理解|认为", found["rest"])
    if found and not said and found["who"][-1] not in "无没只还也才就":
        yes = found["modal"] == "可以"
        yield _make(passage, "whether", f"{found['who']}可以{found['rest']}吗", "可以" if yes else "不可以", "yes/no")


def _key(passage: Passage, text: str) -> Iterator[Draft | None]:
    """开放时间：每天9点至17点 → 开放时间是什么？ (with its heading)"""
    found = regex.fullmatch(r"(?P<key>[^：:，,。\d]{2,12})(?:：|:(?!\d))(?P<value>[^。：]{2,60})", text)
    about = passage.heading or passage.title
    if found and about and len(about) <= 20 and not about.endswith(("？", "?")):
        yield _make(passage, "key", f"{about}的{found['key']}是什么", found["value"])


RULES: tuple[Callable[[Passage, str], Iterator[Draft | None]], ...] = (
    _condition, _definition, _amount, _time, _place, _agent, _whether, _key,
)  # fmt: skip


def drafts(passage: Passage) -> list[Draft]:
    """Every question that the rules make of one sentence."""
    text = regex.sub(r"（[^（）]*）|\([^()]*\)", "", passage.text.rstrip(_END)).strip()
    if not 8 <= len(text) <= 110 or regex.search(r"[|<>{}_*=]|https?:", text):
        return []
    return [made for rule in RULES for made in rule(passage, text) if made]
