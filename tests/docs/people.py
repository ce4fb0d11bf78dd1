"""The permission matrix in docs/people.md, from the data: ``python -m tests.docs.people`` writes it
anew."""

from __future__ import annotations

from pathlib import Path

from apps.accounts.matrix.actions import ACTIONS, RISING, ROLES, SUPERUSER
from tests.docs.tables import row

PAGE = Path(__file__).parents[2] / "docs" / "people.md"
BEGIN = "<!-- made by `python -m tests.docs.people` -->\n"
END = "<!-- end -->\n"


def matrix() -> str:
    columns = (*ROLES, SUPERUSER)
    lines = [row(["permission", "what it lets one do", *columns])]
    lines.append(row(["---", "---", *[":-:"] * len(columns)]))
    for name, action in ACTIONS.items():
        if name == "public":
            continue
        least = RISING.index(action.least)
        cells = ["✓" if RISING.index(role) >= least else "" for role in columns]
        text = " ".join(filter(None, (action.sentence, action.note)))
        lines.append(row([f"`{name}`", text, *cells]))
    return "\n".join(lines) + "\n"


def page() -> str:
    """As it should be."""
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n" + matrix() + "\n" + END + after


if __name__ == "__main__":
    PAGE.write_text(page())
