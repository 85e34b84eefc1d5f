from __future__ import annotations

from pathlib import Path

import pytest

from ragtune.corpus.load import CorpusSettings, load_corpus, read_whole
from ragtune.corpus.markdown import render
from ragtune.corpus.reading import front_matter


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("See [the rota](https://x.org/a_b) and [it][1].\n\n[1]: /y", "See the rota and it."),
        ('Read [this page]({% page "/a/b/" %}) or [that]({{ "/c" | url }}).', "Read this page or that."),
        ('Ask in {% slack_channel "travel" %}.', "Ask in travel."),
        ('- {% slack_channel "vets" "Vets" %} - for veterans', "- Vets - for veterans"),
        ('{% alert "An error has occurred." "error" "slim" %}', "An error has occurred."),
        ('{% image_with_class "a/b.jpg" "" %}{% link "a/b" %}{% alert "", "warning" %}Text.', "Text."),
        ("A{% comment %}\nmove\n{% endcomment %} B{{< comment >}}todo{{< /comment >}} C", "A B C"),
        ("A {% comment %} never closed", "A never closed"),
        ('{% include "alert.html" %}\n{% if x %}\nYes.\n{% endif %}', "Yes."),
        ('A {{< glossary_tooltip text="Pod" term_id="pod" >}} runs.', "A Pod runs."),
        ("{{< note >}}\nMind the *gap*.\n{{< /note >}}", "Mind the gap."),
        ('## {{% heading "prerequisites" %}}', "## prerequisites"),
        ("Use `{{ x }}` here.\n\n```\n{{< y >}}\n```", "Use {{ x }} here.\n\n```\n{{< y >}}\n```"),
        ("![A map](m.png) [![Build](https://img.shields.io/x)](y)", "A map"),
        ("<!-- hidden\nnote -->\nShown **bold** _it_ ***both*** ~~gone~~", "Shown bold it both"),
        ("**W**elcome to snake_case_names", "Welcome to snake_case_names"),
        ("Line one\nwraps here.  \nNew line<br>and <kbd>Esc</kbd>", "Line one wraps here.\nNew line\nand Esc"),
        ("Title\n=====\n\nSub\n---\n\n***\n\ntext", "# Title\n\n## Sub\n\ntext"),
        ("## Fees {#fees}\n\nText.{:.wide}\n", "## Fees\n\nText."),
        ("| a | b |\n|---|:-:|\n| **1** | [2](x) |", "| a | b |\n| --- | --- |\n| 1 | 2 |"),
        ("* x\n    * y\n\n1) one\n2) two", "- x\n  - y\n1. one\n2. two"),
        ("A claim.[^1]\n\n[^1]: The source.", "A claim.\n\nThe source."),
        ("````md\n```\n# x\n```\n````\n# Real", "````md\n```\n# x\n```\n````\n\n# Real"),
        ("```sh\n# never closed\n", "```sh\n# never closed\n```"),
        ('<details markdown="1">\n<summary>More</summary>\n**All** of it\n</details>', "More\n\nAll of it"),
        ("> Quoted\n> text", "Quoted text"),
        (
            "type {{ to open.\n\nThe limit is 5 GB.\n\nThen }} closes",
            "type {{ to open.\n\nThe limit is 5 GB.\n\nThen }} closes",
        ),
        ("{% a note\n>\n> goes on %}", "{% a note\n\ngoes on %}"),
        ("The set {.5, 1} and {.25}, {#1}", "The set {.5, 1} and {.25}, {#1}"),
        ("$x^{{2}}$, \\\\frac{{a}}{{b}}, {{'c': 2}}, f{{{x}}}", "$x^{{2}}$, \\frac{{a}}{{b}}, {{'c': 2}}, f{{{x}}}"),
        ("By {{base.url}} and {{ x }}v{{ y }}.", "By and v."),
        (
            "Run:\n\n    echo {{ x }} {% if %}\n    <!-- n -->\n\nDone.",
            "Run:\n\n```\necho {{ x }} {% if %}\n<!-- n -->\n```\n\nDone.",
        ),
        ("- one\n\n    {{ x }}two", "- one\n\n  two"),
        ("an open {{ brace and {% tag", "an open {{ brace and {% tag"),
    ],
)
def test_markdown_is_the_text_that_a_person_sees(source: str, text: str) -> None:
    assert render(source) == (text, ())


@pytest.mark.parametrize("mark", ["> ", "- ", "* ", "1. ", "[", "**", "<div>"])
def test_any_depth_of_nesting_is_read(mark: str) -> None:
    text, _ = render(mark * 400 + "deep")
    assert "deep" in text


@pytest.mark.parametrize(
    ("source", "body", "metadata", "noted"),
    [
        ("---\ntitle: A\n---\nText.", "Text.", {"title": "A"}, False),
        ("---\ntitle: A\n...\nText.", "Text.", {"title": "A"}, False),
        ('+++\ntitle = "A"\n+++\nText.', "Text.", {"title": "A"}, False),
        ("---\n\nNote: all staff read this.\n\n---\nText.", None, {}, False),
        ("---\n\ntitle: A\ncSpell: b\n---\nText.", "Text.", {"title": "A", "cSpell": "b"}, False),
        ("---\n\nnote: read this.\n\nThen go.\n\n---\nText.", None, {}, False),
        ("---\nAll staff must read: the rota.\n---\nText.", None, {}, True),
        ("---\nSome words.\n---\nText.", None, {}, False),
        ("---\ntitle: [unclosed\n---\nText.", None, {}, True),
        ('+++\ntitle = "A\n+++\nText.', None, {}, True),
        ("---\nnever closed", None, {}, False),
        ("--- \n---\nText.", "Text.", {}, False),
        ("no rule", None, {}, False),
    ],
)
def test_only_metadata_is_taken_off_the_top(source: str, body: str | None, metadata: object, noted: bool) -> None:
    front = front_matter(source)
    assert (front.body, front.metadata, bool(front.notes)) == (source if body is None else body, metadata, noted)


def test_what_was_read_otherwise_is_said_in_the_corpus_notes(tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "a.md").write_text("---\ntitle: [unclosed\n---\nText.")
    (documents / "b.txt").write_bytes(b"The fee is \xa340.")
    notes = load_corpus(CorpusSettings(path=str(tmp_path))).notes
    assert notes == (
        "a.md: the block at the top is no valid YAML (line 2): kept as text",
        "b.txt: read as windows-1252",
    )


def test_the_title_is_the_first_heading(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# The **Rota** {#r}\n\nText.")
    [document] = read_whole(path, "a.md", 20).documents
    assert document.metadata["title"] == "The Rota"
