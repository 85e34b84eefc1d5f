from __future__ import annotations

import pytest

from ragtune.corpus.markup import parse, seen_text


def seen(text: str) -> str:
    return seen_text(parse(text))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("10<sup>6</sup> cells and 25 m<sup>2</sup>", "10⁶ cells and 25 m²"),
        ("x<sup>-2</sup>, the 19<sup>th</sup>, 2<sup>k</sup>", "x⁻², the 19th, 2k"),
        ("H<sub>2</sub>O and log<sub>2</sub>", "H2O and log₂"),
        ("in 2019<sup><a href='#fn1'>1</a></sup> and 2020<sup class='reference'>[2]</sup>.", "in 2019 and 2020."),
        ("in 2019<sup>1</sup>", "in 2019¹"),
        ("2<sup>1</sup>/<sub>2</sub> cups, <sup>3</sup>⁄<sub>4</sub> l", "2 1/2 cups, 3/4 l"),
        ("<b>W</b>elcome, <i>all</i> of <strong>you</strong>", "Welcome, all of you"),
        ("<div>one</div><div>two</div>three<p>four<br>five", "one\n\ntwo\n\nthree\n\nfour\nfive"),
        ("<dl><dt>Tea<dd>2 euros<dt>Milk<dd>1 euro</dl>", "Tea\n\n2 euros\n\nMilk\n\n1 euro"),
        ("now <del>£5</del> <s>£6</s> <ins>£7</ins>", "now £7"),
        ("<p hidden>no</p><p style='display: none'>no</p><p>yes", "yes"),
        ("<h2>Rates<a class='headerlink' href='#r'>¶</a></h2>", "## Rates"),
        ("<ul><li>a<ul><li>b</ul><li>c</ul><ol start=3><li>x<li>y</ol>", "- a\n  - b\n- c\n3. x\n4. y"),
        ("<ul><li><p>a</p><p>more</p><li>b</ul>", "- a\n\n  more\n\n- b"),
        ("<pre><code class='language-sh'># x\n  y\n</code></pre>", "```sh\n# x\n  y\n```"),
        ("<pre>```\nx</pre>", "````\n```\nx\n````"),
        ("see <code>a_b*c*</code>", "see a_b*c*"),
        (
            "<img alt='A map of the park' src='x.png'><img alt='Build badge' src='b.svg'>of it",
            "A map of the park of it",
        ),
        ("a<!-- no -->b &amp; &lt;c&gt;", "ab & <c>"),
        ("", ""),
        ("<!-- nothing -->", ""),
    ],
)
def test_html_is_the_text_that_a_person_sees(source: str, text: str) -> None:
    assert seen(source) == text


TABLE = """<table><tr><th>Day<th>From<th>To
<tr><td rowspan=2>Mon<td>9<td>12
<tr><td>13<td>17
<tr><td>Tue<td colspan=2>closed</table>"""


def test_spanning_cells_keep_the_columns_of_the_others() -> None:
    assert seen(TABLE) == (
        "| Day | From | To |\n| --- | --- | --- |\n| Mon | 9 | 12 |\n|  | 13 | 17 |\n| Tue | closed |  |"
    )
    assert seen("<table><tr><td colspan=999999999 rowspan=999999999>a<td>b</table>").startswith("| a |")


def test_a_table_without_names_has_no_rule_and_one_that_lays_out_a_page_is_no_table() -> None:
    assert seen("<table><tr><td>a<td>b</table>") == "| a | b |"
    assert seen("<table><tr><td><table><tr><td>in</table><td>out</table>") == "| in |\n\nout"
    assert seen("<table><tr><td><h2>Title</h2>text</table>") == "## Title\n\ntext"


@pytest.mark.parametrize("tag", ["div", "blockquote", "b", "ul><li", "table><tr><td", "sup", "pre"])
def test_any_depth_of_nesting_is_read(tag: str) -> None:
    for depth in (400, 5000):
        assert "deep" in seen(f"<{tag}>" * depth + "deep")
    closed = seen(f"<h1>Title</h1>{'<div>' * 5000}deep{'</div>' * 5000}<p>after")
    assert closed == "# Title\n\ndeep\n\nafter"
