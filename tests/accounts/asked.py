"""REST as one person asks it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.test import Client


@dataclass
class Asking:
    """Everything by one key; ``status`` is what the answer has to have."""

    token: str
    client: Client = field(default_factory=Client)

    def __call__(
        self, method: str, path: str, body: Any = None, status: int = 200, **headers: str
    ) -> Any:
        answer = self.client.generic(
            method,
            f"/api/{path}",
            "" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.token}", **headers},
        )
        assert answer.status_code == status, (method, path, answer.status_code, answer.content)
        return answer.json() if answer.content else None
