"""What a provider's claims give: rules as data, looked at again at each login.

A rule is ``{"claim": "groups", "value": "ml-*", "project": "research", "role": "developer"}`` or
``{"claim": …, "value": …, "superuser": true}``. ``value`` is a glob; a claim that is a list has
it if one of its entries has; a dot in ``claim`` goes one level down (``realm_access.roles``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from apps.accounts.matrix.actions import ROLES, highest
from xplatform.core.errors import InvalidValue


@dataclass(frozen=True, slots=True)
class Given:
    #: slug → the highest role
    roles: dict[str, str] = field(default_factory=dict)
    superuser: bool = False
    #: any rule was for them
    any: bool = False


def given(rules: Iterable[Mapping[str, Any]], claims: Mapping[str, Any]) -> Given:
    roles: dict[str, str] = {}
    superuser = matched = False
    for rule in rules:
        if not _holds(rule, claims):
            continue
        matched = True
        if rule.get("superuser"):
            superuser = True
        elif "project" in rule:
            slug = rule["project"]
            roles[slug] = highest(rule["role"], roles.get(slug, ""))
    return Given(roles, superuser, matched)


def check(rules: object, projects: Iterable[str]) -> list[dict[str, Any]]:
    """Raises InvalidValue that says which rule is wrong, and why."""
    known = set(projects)
    if not isinstance(rules, list) or len(rules) > 1000:
        raise InvalidValue("`rules` is no list of up to 1,000 rules.", param="rules")
    for number, rule in enumerate(rules):
        if problem := _problem(rule, known):
            raise InvalidValue(f"Rule {number + 1}: {problem}.", param=f"rules.{number}")
    return rules


def _problem(rule: object, projects: set[str]) -> str:
    if not isinstance(rule, dict):
        return "it is no object"
    if extra := set(rule) - {"claim", "value", "project", "role", "superuser"}:
        return f"there is no field {sorted(map(str, extra))[0]!r}"
    for name in ("claim", "value"):
        if not isinstance(rule.get(name), str) or not 0 < len(rule[name]) <= 200:
            return f"`{name}` is no text of 1 to 200 characters"
    if rule.get("superuser") is True:
        return "`superuser` stands alone" if "project" in rule or "role" in rule else ""
    if "superuser" in rule:
        return "`superuser` can only be true"
    if "project" not in rule and "role" not in rule:
        # It lets somebody in, and no more.
        return ""
    if rule.get("project") not in projects:
        return f"there is no project {str(rule.get('project'))[:50]!r}"
    if rule.get("role") not in ROLES:
        return f"`role` is not one of {', '.join(ROLES)}"
    return ""


def _holds(rule: Mapping[str, Any], claims: Mapping[str, Any]) -> bool:
    found: Any = claims.get(rule["claim"])
    if found is None:
        found = claims
        for part in rule["claim"].split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    values = found if isinstance(found, list) else [found]
    return any(
        fnmatchcase(str(value), rule["value"])
        for value in values
        if isinstance(value, (str, int)) and not isinstance(value, bool)
    ) or (isinstance(found, bool) and str(found).lower() == rule["value"])
