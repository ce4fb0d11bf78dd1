"""Limits and prices are made, changed and deleted here: permission, change, audit and hint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q

from apps.accounts.api import Actor
from apps.audit.api import record
from apps.metering.models import Limit, Price
from apps.metering.rules import EACH, KINDS, MOST_COUNT, MOST_MONEY, NANO, SCOPES
from xplatform.core import hints
from xplatform.core.channels import broadcast
from xplatform.core.errors import Conflict, Forbidden, InvalidValue, MissingField, NotFound

#: of a price: field → what it is for
PRICES: Final = {
    "input": "a million tokens of prompts",
    "cached": "a million tokens of prompts that were in the engine's cache",
    "output": "a million tokens of answers",
    "request": "one request",
}


@dataclass(frozen=True, slots=True)
class LimitInfo:
    id: int
    kind: str
    #: requests, tokens, or money
    amount: Decimal
    scope: str
    subject: str
    project: str
    model: str
    note: str
    created: datetime
    changed: datetime


@dataclass(frozen=True, slots=True)
class PriceInfo:
    id: int
    model: str
    input: Decimal
    cached: Decimal
    output: Decimal
    request: Decimal
    changed: datetime


# --- limits ----------------------------------------------------------------------------------


def limits(by: Actor) -> list[LimitInfo]:
    """Those of the actor's project; all for those who see all."""
    return [_limit_info(limit) for limit in _seen(by)]


def limit_info(limit_id: int, by: Actor) -> LimitInfo:
    return _limit_info(_get(limit_id, by))


def create_limit(
    by: Actor,
    *,
    kind: str,
    amount: Decimal,
    scope: str,
    subject: str = "",
    project: str = "",
    model: str = EACH,
    note: str = "",
) -> LimitInfo:
    """Raises Conflict when there is one of this kind in the same words."""
    if scope not in SCOPES:
        raise InvalidValue(f"`scope` is one of {', '.join(SCOPES)}.", param="scope")
    if by.project and scope in ("key", "user"):
        # Whoever acts in a project limits what is done there.
        project = project or by.project
    subject = _subject(scope, subject)
    limit = Limit(
        kind=kind,
        amount=_amount(kind, amount),
        scope=scope,
        subject=subject,
        project=project,
        model=model or EACH,
        note=note,
    )
    _check_may(by, limit)
    with transaction.atomic():
        same = {name: getattr(limit, name) for name in ("kind", "scope", "subject", "project")}
        if Limit.objects.filter(**same, model=limit.model).exists():
            raise Conflict("There is a limit of this kind in the same words; change that one.")
        limit.save(force_insert=True)
        record(by, "limits.create", "limit", limit.pk, _project(limit), after=_told(limit))
        _changed()
    return _limit_info(limit)


def change_limit(
    limit_id: int, by: Actor, *, amount: Decimal | None = None, note: str | None = None
) -> LimitInfo:
    """Who it is for stays: that would be another limit. What was used so far still counts."""
    with transaction.atomic():
        limit = _get(limit_id, by, lock=True)
        _check_may(by, limit)
        before = _told(limit)
        if amount is not None:
            limit.amount = _amount(limit.kind, amount)
        if note is not None:
            limit.note = note
        limit.save()
        record(by, "limits.change", "limit", limit.pk, _project(limit), before, _told(limit))
        _changed()
    return _limit_info(limit)


def set_limit(by: Actor, amount: Decimal | None, **words: str) -> LimitInfo | None:
    """Make it, change it, or with None take it away, whatever is there already."""
    words["subject"] = _subject(words["scope"], words["subject"])
    same = Limit.objects.filter(**words).first()
    if amount is None:
        if same is not None:
            delete_limit(same.pk, by)
        return None
    if same is not None:
        return change_limit(same.pk, by, amount=amount)
    return create_limit(by, amount=amount, **words)


def delete_limit(limit_id: int, by: Actor) -> None:
    with transaction.atomic():
        limit = _get(limit_id, by, lock=True)
        _check_may(by, limit)
        record(by, "limits.delete", "limit", limit.pk, _project(limit), before=_told(limit))
        limit.delete()
        _changed()


def limit_project(limit_id: str) -> str | None:
    """For whoever looks whose a limit is: "" for those of the whole platform; None: not there."""
    known = limit_id.isdecimal() and len(limit_id) < 19
    limit = Limit.objects.filter(pk=limit_id).first() if known else None
    return None if limit is None else _project(limit)


def _seen(by: Actor) -> Any:
    rows = Limit.objects.order_by("pk")
    if by.project:
        own = Q(scope="project", subject__in=(by.project, EACH))
        rows = rows.filter(Q(project=by.project) | own)
    return rows


#: ids are no larger; databases refuse to be asked for more
_LARGEST_ID: Final = (1 << 63) - 1


def _get(limit_id: int, by: Actor, *, lock: bool = False) -> Limit:
    rows = _seen(by)
    if lock:
        rows = rows.select_for_update()
    limit: Limit | None = rows.filter(pk=min(limit_id, _LARGEST_ID)).first()
    if limit is None:
        raise NotFound(f"There is no limit {limit_id}.", param="id")
    return limit


def _check_may(by: Actor, limit: Limit) -> None:
    if not by.may("limits.write"):
        raise Forbidden.lacking("limits.write")
    if by.superuser:
        return
    if limit.scope in ("project", "everyone") or limit.project != by.project:
        raise Forbidden.lacking(
            "limits.write",
            "as a superuser: admins of a project limit its keys and users, not the project itself",
        )


def user_id(name: str) -> str:
    """Of somebody by name or id; empty: there is nobody."""
    users = get_user_model()._default_manager
    user = users.filter(username=name).first()
    if user is None and name.isdecimal() and len(name) < 19:
        user = users.filter(pk=name).first()
    return "" if user is None else str(user.pk)


def _subject(scope: str, subject: str) -> str:
    if scope == "everyone":
        return ""
    if not subject:
        raise MissingField(f"Say in `subject` which {scope}, or * for each one.", param="subject")
    if scope != "user" or subject == EACH:
        return subject
    # The id stays when the name changes.
    found = user_id(subject)
    if not found:
        raise InvalidValue(f"There is no user {subject[:100]!r}.", param="subject")
    return found


def _amount(kind: str, amount: Decimal) -> int:
    if kind not in KINDS:
        raise InvalidValue(f"`kind` is one of {', '.join(KINDS)}.", param="kind")
    money = KINDS[kind].unit == "money"
    most = MOST_MONEY if money else MOST_COUNT
    if not amount.is_finite() or amount < 0 or amount > most:
        raise InvalidValue(f"`amount` is from 0 to {most}.", param="amount")
    if money:
        return int(amount * NANO)
    if amount != int(amount):
        raise InvalidValue(f"`amount` of {kind} is a whole number.", param="amount")
    return int(amount)


def _project(limit: Limit) -> str:
    if limit.scope == "project" and limit.subject != EACH:
        return limit.subject
    return limit.project


def _told(limit: Limit) -> dict[str, Any]:
    info = _limit_info(limit)
    # "subject" of a key limit is the key's id, which is no secret, unlike what is called a key.
    return {
        "kind": info.kind,
        "amount": f"{info.amount:f}",
        "scope": info.scope,
        "subject": info.subject,
        "model": info.model,
        "note": info.note,
    }


def _limit_info(limit: Limit) -> LimitInfo:
    amount = Decimal(limit.amount)
    if KINDS[limit.kind].unit == "money":
        amount /= NANO
    return LimitInfo(
        limit.pk, limit.kind, amount, limit.scope, limit.subject, limit.project, limit.model,
        limit.note, limit.created, limit.changed,
    )  # fmt: skip


# --- prices ----------------------------------------------------------------------------------


def prices() -> list[PriceInfo]:
    return [_price_info(price) for price in Price.objects.all()]


def create_price(by: Actor, model: str, values: Mapping[str, Decimal]) -> PriceInfo:
    _check_prices(by)
    if not model:
        raise MissingField("Say in `model` which models, with * and ?.", param="model")
    with transaction.atomic():
        if Price.objects.filter(model=model).exists():
            raise Conflict(f"There is a price for {model!r}; change that one.")
        price = Price(model=model, **{name: _price(name, values.get(name)) for name in PRICES})
        price.save(force_insert=True)
        record(by, "prices.create", "price", price.model, after=_price_told(price))
        _changed()
    return _price_info(price)


def change_price(price_id: int, by: Actor, values: Mapping[str, Decimal]) -> PriceInfo:
    """From now on: what was used keeps the cost it had."""
    _check_prices(by)
    with transaction.atomic():
        price = _get_price(price_id)
        before = _price_told(price)
        for name in PRICES:
            if name in values:
                setattr(price, name, _price(name, values[name]))
        price.save()
        record(by, "prices.change", "price", price.model, "", before, _price_told(price))
        _changed()
    return _price_info(price)


def delete_price(price_id: int, by: Actor) -> None:
    _check_prices(by)
    with transaction.atomic():
        price = _get_price(price_id)
        record(by, "prices.delete", "price", price.model, before=_price_told(price))
        price.delete()
        _changed()


def _check_prices(by: Actor) -> None:
    if not by.may("prices.write"):
        raise Forbidden.lacking("prices.write")


def _get_price(price_id: int) -> Price:
    price = Price.objects.select_for_update().filter(pk=min(price_id, _LARGEST_ID)).first()
    if price is None:
        raise NotFound(f"There is no price {price_id}.", param="id")
    return price


def _price(name: str, value: Decimal | None) -> int:
    if value is None:
        return 0
    if not value.is_finite() or not 0 <= value <= MOST_MONEY:
        raise InvalidValue(f"`{name}` is from 0 to {MOST_MONEY}.", param=name)
    return int(value * NANO)


def _price_told(price: Price) -> dict[str, str]:
    info = _price_info(price)
    return {"model": info.model, **{name: f"{getattr(info, name):f}" for name in PRICES}}


def _price_info(price: Price) -> PriceInfo:
    values = {name: Decimal(getattr(price, name)) / NANO for name in PRICES}
    return PriceInfo(id=price.pk, model=price.model, changed=price.changed, **values)


def _changed() -> None:
    """Tell the web processes, once the change is visible to them."""
    transaction.on_commit(lambda: broadcast(hints.LIMITS), robust=True)
