"""Triggers by which the database itself refuses to change the audit.

They stop mistakes and whoever may only use the platform's own connection. An owner of the
database can drop them; what is changed then no longer fits its signatures.
"""

from __future__ import annotations

from typing import Any, Final

_SAYS: Final = "the audit is written once"
#: what the sealer writes, once
_PLACE: Final = ("seq", "link")
_CONTENT: Final = (
    "id", "uid", "at", "who", "user", "key", "address", "action", "thing", "thing_id", "project",
    "before", "after", "outcome", "why", "request", "via", "count", "signed_by", "signature",
)  # fmt: skip

#: an entry may go once a row says that all up to its place were pruned
_NOT_PRUNED: Final = (
    "OLD.seq IS NULL OR OLD.seq > (SELECT COALESCE(MAX(up_to), 0) FROM audit_pruned)"
)


def _columns(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


#: name: (table, when, on which rows)
_TRIGGERS: Final = {
    "audit_entry_content": (
        "audit_entry",
        f"BEFORE UPDATE OF {_columns(_CONTENT)} ON audit_entry",
        "",
    ),
    "audit_entry_place": (
        "audit_entry",
        f"BEFORE UPDATE OF {_columns(_PLACE)} ON audit_entry",
        "OLD.seq IS NOT NULL",
    ),
    "audit_entry_delete": ("audit_entry", "BEFORE DELETE ON audit_entry", _NOT_PRUNED),
    "audit_pruned_update": ("audit_pruned", "BEFORE UPDATE ON audit_pruned", ""),
    "audit_pruned_delete": ("audit_pruned", "BEFORE DELETE ON audit_pruned", ""),
}


def install(connection: Any) -> None:
    remove(connection)
    with connection.cursor() as cursor:
        for statement in _postgres() if connection.vendor == "postgresql" else _sqlite():
            cursor.execute(statement)


def remove(connection: Any) -> None:
    postgres = connection.vendor == "postgresql"
    names = {name: table for name, (table, *_) in _TRIGGERS.items()}
    if postgres:
        names |= {"audit_entry_truncate": "audit_entry", "audit_pruned_truncate": "audit_pruned"}
    with connection.cursor() as cursor:
        for name, table in names.items():
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if postgres else ""))


def _sqlite() -> list[str]:
    return [
        f"CREATE TRIGGER {name} {when} FOR EACH ROW"
        + (f" WHEN {condition}" if condition else "")
        + f" BEGIN SELECT RAISE(ABORT, '{_SAYS}'); END"
        for name, (_, when, condition) in _TRIGGERS.items()
    ]


def _postgres() -> list[str]:
    statements = [
        "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{_SAYS}'; END $$",
        # A condition of a trigger may not look into another table here; a function may.
        "CREATE OR REPLACE FUNCTION audit_refuse_delete() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN IF {_NOT_PRUNED} THEN RAISE EXCEPTION '{_SAYS}'; END IF; RETURN OLD; END $$",
    ]
    for name, (_, when, condition) in _TRIGGERS.items():
        function = "audit_refuse_delete" if condition is _NOT_PRUNED else "audit_refuse"
        own = f" WHEN ({condition})" if condition and condition is not _NOT_PRUNED else ""
        statements.append(
            f"CREATE TRIGGER {name} {when} FOR EACH ROW{own} EXECUTE FUNCTION {function}()"
        )
    statements += [
        f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
        for table in ("audit_entry", "audit_pruned")
    ]
    return statements
