"""Bodies in, requests out.

The good path is one typed decode and one strict pass for what msgspec lets through (a key given
twice). Any failure becomes a ``PlatformError`` with a 4xx that names the field, shows the value
and tells what is allowed; nothing else ever leaves a ``parse_…`` function.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn, TypeVar

import msgspec

from xplatform.core.errors import InvalidJSON, Unsupported

from . import rules, schema
from .explain import Complaint, cut, explain, out_of_range, owner, shown, written
from .schema import (
    AssistantMessage,
    ChatRequest,
    CompletionRequest,
    DetokenizeRequest,
    EmbeddingRequest,
    Strict,
    TokenizeRequest,
)
from .submit import (
    check_capabilities,
    choice_bases,
    needed_abilities,
    to_submit,
    to_submits,
    used_parameters,
)

__all__ = [
    "check_capabilities",
    "choice_bases",
    "needed_abilities",
    "parse_chat",
    "parse_completion",
    "parse_detokenize",
    "parse_embedding",
    "parse_tokenize",
    "to_submit",
    "to_submits",
    "used_parameters",
]

R = TypeVar(
    "R", ChatRequest, CompletionRequest, EmbeddingRequest, TokenizeRequest, DetokenizeRequest
)

_chat: Final = msgspec.json.Decoder(ChatRequest)
_completion: Final = msgspec.json.Decoder(CompletionRequest)
_embedding: Final = msgspec.json.Decoder(EmbeddingRequest)
_tokenize: Final = msgspec.json.Decoder(TokenizeRequest)
_detokenize: Final = msgspec.json.Decoder(DetokenizeRequest)


def parse_chat(body: bytes) -> ChatRequest:
    return _parse(_chat, ChatRequest, body)


def parse_completion(body: bytes) -> CompletionRequest:
    return _parse(_completion, CompletionRequest, body)


def parse_embedding(body: bytes) -> EmbeddingRequest:
    return _parse(_embedding, EmbeddingRequest, body)


def parse_tokenize(body: bytes) -> TokenizeRequest:
    return _parse(_tokenize, TokenizeRequest, body)


def parse_detokenize(body: bytes) -> DetokenizeRequest:
    return _parse(_detokenize, DetokenizeRequest, body)


def _parse(decoder: msgspec.json.Decoder[R], kind: type[R], body: bytes) -> R:
    try:
        request = decoder.decode(body)
        _check_keys(body)
    except msgspec.ValidationError as error:
        request = _second_look(kind, body, error)
    except (ValueError, RecursionError) as error:
        _refuse_json(body, error)
    rules.check(request)
    return request


# --- JSON itself -----------------------------------------------------------------------------


class _TwiceError(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) != len({key for key, _ in pairs}):
        keys = [key for key, _ in pairs]
        raise _TwiceError(next(key for key in keys if keys.count(key) > 1))


# the values of inner objects are not needed: None in their place saves the memory
_strict: Final = json.JSONDecoder(object_pairs_hook=_unique)


def _check_keys(body: bytes) -> None:
    """JSON with a key given twice is valid, but which one counts is anybody's guess: ours, a
    proxy's and the engine's might differ. msgspec takes the last without a word."""
    _strict.decode(str(body, "utf-8"))


def _refuse_json(body: bytes, error: Exception) -> NoReturn:
    raise InvalidJSON(_what_is_wrong(body, error)) from None


def _what_is_wrong(body: bytes, error: Exception) -> str:
    if not body.strip():
        return "The body is empty; a JSON object is expected."
    if body[:3] == b"\xef\xbb\xbf":
        return "The body begins with a byte order mark; send plain UTF-8."
    if isinstance(error, _TwiceError):
        return f"The key {shown(str(error))} appears twice in one object of the body."
    if isinstance(error, RecursionError):
        return "The body is nested too deeply."
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as bad:
        return f"The body is not UTF-8: {bad.reason} (byte {bad.start})."
    at = _BYTE.search(str(error))
    if at is not None:
        place = int(at[2])
        near = body[max(0, place - 20) : place + 20].decode("utf-8", "replace")
        return f"The body is not valid JSON: {cut(at[1], 200)} at byte {place}, near {shown(near)}."
    try:
        _check_keys(body)
    except (ValueError, RecursionError):
        return "The body is not valid JSON: it ends too early."
    # the one thing that only msgspec minds
    return "The body is not valid JSON: a \\u escape holds half a surrogate pair."


_BYTE: Final = re.compile(r"^(?:JSON is malformed: )?(.*) \(byte (\d+)\)$", re.DOTALL)


# --- a body that does not fit ----------------------------------------------------------------


def _second_look(kind: type[R], body: bytes, error: msgspec.ValidationError) -> R:
    """Drop fields that are known, have no place in the Struct and ask for nothing
    (``"audio": null``); then take the rest, or explain what is wrong."""
    try:
        raw = msgspec.json.decode(body)
        _check_keys(body)
    except msgspec.ValidationError:
        raise out_of_range(Complaint(error)) from None
    except (ValueError, RecursionError) as bad:
        _refuse_json(body, bad)
    if not isinstance(raw, dict):
        names = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
        what = names.get(type(raw), "a number")
        raise InvalidJSON(f"The body must be a JSON object, not {what}: {shown(raw)}.")
    _drop_empty(raw, kind)
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as last:
        complaint = Complaint(last)
        refused = _refused(kind, raw, complaint)
        raise (refused or explain(kind, raw, complaint)) from None


def _drop_empty(raw: dict[str, Any], kind: type[Strict]) -> None:
    """One pass over all messages: long histories come with such fields in each of them."""
    _drop(raw, kind)
    messages = raw.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and message.get("role") == "assistant":
            _drop(message, AssistantMessage)


def _drop(fields: dict[str, Any], kind: type[Strict]) -> None:
    for name, (nothing, _) in kind.REFUSED.items():
        if name in fields and (fields[name] is None or fields[name] in nothing):
            del fields[name]


def _refused(kind: type[Strict], raw: Any, complaint: Complaint) -> Unsupported | None:
    """The field is OpenAI's and documented, but nothing here can do what it asks for."""
    name = complaint.unknown
    struct = getattr(schema, owner(kind, raw, complaint.path) or "", None)
    if name is None or struct is None or name not in struct.REFUSED:
        return None
    _, hint = struct.REFUSED[name]
    return Unsupported(written([*complaint.path, name]), "", hint)
