"""What a chat template gives away of its model. A guess: templates are programs."""

from __future__ import annotations

from typing import Any

from apps.models.facts.repository import Files

_REASONING = ("<think>", "</think>", "reasoning_content", "<|channel|>analysis", "[THINK]")
_SWITCH = ("enable_thinking", "thinking is defined", "reasoning_effort")
_MARKS = {
    "vision": ("image_url", "'image'", '"image"', "<image>", "<|image", "<__media__>", "image_pad"),
    "audio": ("'audio'", '"audio"', "<audio>", "<|audio", "audio_url"),
    "video": ("'video'", '"video"', "<|video", "video_pad"),
}


def find_template(files: Files) -> tuple[str, str]:
    """(template, file it is from); two empty texts when there is none."""
    for name in ("chat_template.jinja", "chat_template.json", "tokenizer_config.json"):
        if name.endswith(".jinja"):
            text = files.text(name)
        else:
            text = _text(files.object(name).get("chat_template"))
        if text.strip():
            return text, name
    return "", ""


def _text(value: Any) -> str:
    """One template, or several by name of which all tell something."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "\n".join(text for text in value.values() if isinstance(text, str))
    if isinstance(value, list):
        texts = [entry.get("template") for entry in value if isinstance(entry, dict)]
        return "\n".join(text for text in texts if isinstance(text, str))
    return ""


def abilities(template: str, *, parts: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Of a language model. ``parts``: vision, audio, video that its configuration has; without
    such a part a template that mentions pictures says nothing."""
    found = ["generate"]
    if template:
        found.insert(0, "chat")
        if "tools" in template:
            found.append("tools")
        if any(mark in template for mark in _REASONING):
            found.append("reasoning")
            if any(mark in template for mark in _SWITCH):
                found.append("hybrid")
    for part in ("vision", "audio", "video"):
        marked = any(mark in template for mark in _MARKS[part])
        if part in parts or (marked and part == "video" and "vision" in parts):
            found.append(part)
    return tuple(found)
