"""The catalogue in short: names by ability, and what templates and stops families bring along."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apps.models.catalogue.library import library
from apps.models.xinference.face import Face, documented, said

_TAG = "registrations"
_ABILITIES = ("chat", "generate", "tools", "vision", "reasoning", "audio", "omni", "hybrid")


class FamiliesFace(Face):
    @documented("Names of language models by what they can do", tag=_TAG)
    def get(self, request: Request) -> Response:
        found = library().families("llm")
        return said(
            {
                ability: [family.name for family in found if ability in family.abilities]
                for ability in _ABILITIES
            }
        )


class PromptsFace(Face):
    @documented("Templates and stops that are not read from the model's own files", tag=_TAG)
    def get(self, request: Request) -> Response:
        found = {}
        for family in library().families("llm"):
            start, end = family.reasoning_tags or (None, None)
            style = {
                "chat_template": family.chat_template or None,
                "stop": list(family.stop) or None,
                "stop_token_ids": list(family.stop_token_ids) or None,
                "reasoning_start_tag": start,
                "reasoning_end_tag": end,
            }
            if any(style.values()):
                found[family.name] = style
        return said(found)
