"""Fields of models that hold secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from xplatform.core import vault

if TYPE_CHECKING:
    # Django's classes know no type parameters when the code runs.
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class Sealed(str):
    """A sealed text as it lies in the database."""

    __slots__ = ()


class _OpensWhenRead(DeferredAttribute):
    """A row is loaded, listed and saved without its secret; reading the attribute opens it. So a
    secret whose key is lost can still be seen to be there, and be replaced."""

    def __get__(self, instance: models.Model | None, cls: type | None = None) -> Any:
        value = super().__get__(instance, cls)
        return vault.open(value) if isinstance(value, Sealed) else value

    def __set__(self, instance: models.Model, value: Any) -> None:
        # Without this one the instance's own dictionary would be read before ``__get__``.
        vars(instance)[self.field.attname] = value


class SealedText(_TextField):
    """Text that is encrypted at rest by ``xplatform.core.vault`` and opened where it is read.

    ``manage.py rotate_secrets`` finds all fields of this kind. It cannot be searched; forms take
    a new value and never show the old one, and leave it when they are sent empty. A serializer
    of Django REST framework must name such a field ``write_only`` itself.
    """

    descriptor_class = _OpensWhenRead

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return Sealed(value) if value else value  # an empty text is no secret

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        if value is None or hasattr(value, "as_sql"):
            return super().get_db_prep_save(value, connection)
        if value and not isinstance(value, Sealed):
            value = vault.seal(str(value))
        return str(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        # Not by the attribute, which would open it: what was loaded is stored as it was.
        return vars(model_instance).get(self.attname, self.get_default())

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name in _LOOKUPS else None

    def get_prep_value(self, value: Any) -> Any:
        """For look-ups: only for whether there is any."""
        if value and not isinstance(value, Sealed):
            raise TypeError(f"{self.name} is sealed and cannot be searched for.")
        return value if value is None else str(value)

    # -- forms --------------------------------------------------------------------------------

    def formfield(self, **kwargs: Any) -> Any:
        kwargs["widget"] = forms.PasswordInput(
            attrs={"autocomplete": "off", "class": "vTextField"}, render_value=False
        )
        return super().formfield(**kwargs)

    def value_from_object(self, obj: models.Model) -> Any:
        return vars(obj).get(self.attname, "")

    def save_form_data(self, instance: models.Model, data: Any) -> None:
        if data:
            setattr(instance, self.name, data)


_LOOKUPS: Final = frozenset({"exact", "isnull"})
