"""Chat templates whose clock stands still, so that a prompt is the same whenever it is made."""

from __future__ import annotations

from datetime import datetime

#: the day that templates are told it is: the one that Llama 3's own template takes where it is told none
TODAY = datetime(2024, 7, 26)
#: what a template calls to learn the day (transformers gives it the computer's clock)
_CLOCK = "strftime_now"
_PARTS = "aAbBcdDeFHIjmMpSTuUwWxXyYZ"


def with_fixed_day(template: str) -> str:
    """The template, with a clock of its own in place of the computer's if it looks at one. transformers takes no functions
    for a template, so this one is written in its language."""
    if _CLOCK not in template:
        return template
    told = {f"%{sign}{part}": TODAY.strftime(f"%{sign}{part}") for part in _PARTS for sign in ("-", "")}
    replaced = "".join(f" | replace('{form}', '{text}')" for form, text in told.items())
    return f"{{%- macro {_CLOCK}(format) -%}}{{{{ format{replaced} }}}}{{%- endmacro +%}}{template}"
