"""The bodies of OpenAI's requests, as this platform takes them.

One Struct a body; its annotations are the validation, the JSON schema and the reference at once.
A field with ``null`` counts as absent, as OpenAI does. What a single field cannot say (a rule
over several) is in ``rules.py``; a documented field of OpenAI's that has an effect which no
engine here can give is in ``REFUSED``, so that it is refused by name and never ignored.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

from msgspec import Meta, Struct

# --- pieces ----------------------------------------------------------------------------------

NO_EFFECT: Final = "Accepted for compatibility; it changes nothing in the answer."
INT64: Final = 2**63 - 1

ModelName = Annotated[
    str, Meta(min_length=1, max_length=512, description="Name of a running model, or an alias.")
]
TokenId = Annotated[int, Meta(ge=0, le=2**31 - 1)]
TokenIds = Annotated[list[TokenId], Meta(min_length=1)]
#: a text, several texts, the ids of one text, or of several
Prompt = str | Annotated[list[str | TokenId | TokenIds], Meta(min_length=1)]
FunctionName = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
#: some published clients send dots and longer names back in the history; engines echo any name
CalledName = Annotated[str, Meta(min_length=1, max_length=256)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Stop = (
    Annotated[str, Meta(min_length=1)]
    | Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(max_length=16)]
)
LogitBias = dict[str, Annotated[float, Meta(ge=-100, le=100)]]
RequestName = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{1,128}$")]
Ids = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class Strict(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Base of everything a caller sends: a misspelt field is an error, not a silent default."""

    #: documented fields that are refused: name → (values that have no effect, what to do instead)
    REFUSED: ClassVar[dict[str, tuple[tuple[Any, ...], str]]] = {}


class StreamOptions(Strict):
    include_usage: Annotated[
        bool, Meta(description="Send one more chunk with the usage before the end.")
    ] = False
    include_obfuscation: Annotated[bool | None, Meta(description=NO_EFFECT)] = None


# --- messages --------------------------------------------------------------------------------


class TextPart(Strict, tag="text", tag_field="type"):
    text: str


class RefusalPart(Strict, tag="refusal", tag_field="type"):
    refusal: str


class ImageUrl(Strict):
    url: Annotated[str, Meta(min_length=1, description="An http(s) address or a data: URL.")]
    detail: Literal["auto", "low", "high"] | None = None


class ImagePart(Strict, tag="image_url", tag_field="type"):
    image_url: ImageUrl


class InputAudio(Strict):
    data: Annotated[str, Meta(min_length=1, description="The sound file in base64.")]
    format: Literal["wav", "mp3"]


class AudioPart(Strict, tag="input_audio", tag_field="type"):
    input_audio: InputAudio


Texts = str | Annotated[list[TextPart], Meta(min_length=1)]


class CalledFunction(Strict):
    name: CalledName
    arguments: Annotated[str, Meta(description="JSON, as the model wrote it.")]


class CalledTool(Strict):
    id: Annotated[str, Meta(min_length=1)]
    type: Literal["function"]
    function: CalledFunction
    #: streams carry it and naive clients send it back
    index: int | None = None


class SystemMessage(Strict, tag="system", tag_field="role"):
    content: Texts
    name: str | None = None


class DeveloperMessage(Strict, tag="developer", tag_field="role"):
    """The same as ``system``, by OpenAI's newer name."""

    content: Texts
    name: str | None = None


class UserMessage(Strict, tag="user", tag_field="role"):
    content: str | Annotated[list[TextPart | ImagePart | AudioPart], Meta(min_length=1)]
    name: str | None = None


class AssistantMessage(Strict, tag="assistant", tag_field="role"):
    REFUSED: ClassVar[dict[str, tuple[tuple[Any, ...], str]]] = {
        "function_call": ((), "Use 'tool_calls'."),
        "audio": ((), "Send the text of the earlier answer as 'content'."),
        "annotations": (([],), "Leave it out."),
    }

    content: str | Annotated[list[TextPart | RefusalPart], Meta(min_length=1)] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: Annotated[list[CalledTool], Meta(min_length=1)] | None = None
    reasoning_content: Annotated[
        str | None, Meta(description="The thoughts behind an earlier answer.")
    ] = None
    prefix: Annotated[
        bool | None,
        Meta(
            description="On the last message: go on behind its content"
            " (the same as continue_final_message)."
        ),
    ] = None


class ToolMessage(Strict, tag="tool", tag_field="role"):
    content: Texts
    tool_call_id: Annotated[str, Meta(min_length=1)]
    name: str | None = None


ChatMessage = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage
Messages = Annotated[list[ChatMessage], Meta(min_length=1)]


# --- tools and formats -----------------------------------------------------------------------


class FunctionDefinition(Strict):
    name: FunctionName
    description: str | None = None
    parameters: Annotated[dict[str, Any] | None, Meta(description="A JSON schema.")] = None
    strict: Annotated[
        bool | None, Meta(description="The arguments must match the schema exactly.")
    ] = None


class Tool(Strict):
    type: Literal["function"]
    function: FunctionDefinition


class NamedFunction(Strict):
    name: FunctionName


class NamedTool(Strict):
    type: Literal["function"]
    function: NamedFunction


Tools = Annotated[list[Tool], Meta(min_length=1, max_length=512)]
ToolChoice = Literal["none", "auto", "required"] | NamedTool


class TextFormat(Strict, tag="text", tag_field="type"):
    pass


class JSONObjectFormat(Strict, tag="json_object", tag_field="type"):
    pass


class JSONSchema(Strict):
    name: FunctionName
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


class JSONSchemaFormat(Strict, tag="json_schema", tag_field="type"):
    json_schema: JSONSchema


ResponseFormat = TextFormat | JSONObjectFormat | JSONSchemaFormat


# --- the bodies ------------------------------------------------------------------------------


class Generation(Strict, kw_only=True):
    """What chat and completion have in common."""

    model: ModelName
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[
        Ids | None,
        Meta(description="Most tokens to generate; without it, what the context has room for."),
    ] = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    seed: Annotated[int, Meta(ge=-INT64 - 1, le=INT64)] | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    stop: Annotated[Stop | None, Meta(description="Up to 16 texts that end the answer.")] = None
    logit_bias: Annotated[
        LogitBias | None, Meta(description="Token id (as a string) → -100 to 100.")
    ] = None
    # extensions that vLLM, SGLang and Xinference share
    top_k: Annotated[
        Annotated[int, Meta(ge=-1, le=2**31 - 1)] | None, Meta(description="0 or -1: no limit.")
    ] = None
    min_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Meta(gt=0, le=10)] | None = None
    ignore_eos: bool | None = None
    request_id: Annotated[
        RequestName | None,
        Meta(description="A name to abort the request by, like the header X-Request-Id."),
    ] = None
    # no effect here
    user: Annotated[str | None, Meta(description=NO_EFFECT)] = None
    metadata: Annotated[
        Annotated[dict[str, str], Meta(max_length=16)] | None, Meta(description=NO_EFFECT)
    ] = None
    service_tier: Annotated[
        Literal["auto", "default", "flex", "scale", "priority", "fast"] | None,
        Meta(description=NO_EFFECT),
    ] = None
    safety_identifier: Annotated[str | None, Meta(description=NO_EFFECT)] = None
    prompt_cache_key: Annotated[str | None, Meta(description=NO_EFFECT)] = None


class ChatRequest(Generation, kw_only=True):
    """Body of ``POST /v1/chat/completions``."""

    REFUSED: ClassVar[dict[str, tuple[tuple[Any, ...], str]]] = {
        "audio": ((), "Answers are text."),
        "modalities": ((["text"],), "Answers are text."),
        "web_search_options": ((), "Give the model a tool that searches."),
        "prediction": ((), "Leave it out."),
        "functions": ((), "Use 'tools'."),
        "function_call": ((), "Use 'tool_choice'."),
        "moderation": ((), "Leave it out."),
        "verbosity": (("medium",), "Ask for a short or a long answer in a message."),
    }

    messages: Messages
    max_completion_tokens: Annotated[
        Ids | None, Meta(description="OpenAI's newer name of max_tokens.")
    ] = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    tools: Tools | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: Annotated[
        Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None,
        Meta(description="Given to the chat template; 'none' also sets enable_thinking to false."),
    ] = None
    chat_template_kwargs: Annotated[
        dict[str, Any] | None, Meta(description="Variables for the model's chat template.")
    ] = None
    continue_final_message: Annotated[
        bool | None,
        Meta(description="Go on behind the last message, which must be the assistant's."),
    ] = None
    add_generation_prompt: Annotated[
        bool | None,
        Meta(description="False only together with continue_final_message."),
    ] = None
    # no effect here
    store: Annotated[bool | None, Meta(description=NO_EFFECT)] = None
    prompt_cache_retention: Annotated[
        Literal["in_memory", "in-memory", "24h"] | None, Meta(description=NO_EFFECT)
    ] = None
    prompt_cache_options: Annotated[dict[str, Any] | None, Meta(description=NO_EFFECT)] = None


class CompletionRequest(Generation, kw_only=True):
    """Body of ``POST /v1/completions``."""

    prompt: Annotated[
        Prompt, Meta(description="A text, several texts, token ids, or several lists of them.")
    ]
    echo: Annotated[bool | None, Meta(description="Put the prompt before the answer.")] = None
    suffix: Annotated[str | None, Meta(description="Text that follows the answer.")] = None
    logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    best_of: Annotated[
        Annotated[int, Meta(ge=1, le=128)] | None, Meta(description="Must equal n.")
    ] = None


class EmbeddingRequest(Strict):
    """Body of ``POST /v1/embeddings``."""

    model: ModelName
    input: Annotated[
        Prompt, Meta(description="A text, several texts, token ids, or several lists of them.")
    ]
    dimensions: Annotated[int, Meta(ge=1, le=65536)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: Annotated[str | None, Meta(description=NO_EFFECT)] = None


class TokenizeRequest(Strict):
    """Body of ``POST /v1/tokenize``: a text, or a chat as the model's template renders it."""

    model: ModelName
    prompt: str | None = None
    messages: Messages | None = None
    tools: Tools | None = None
    add_special_tokens: bool | None = None
    return_token_strs: Annotated[
        bool | None, Meta(description="Tell the text of every token, too.")
    ] = None
    chat_template_kwargs: dict[str, Any] | None = None


class DetokenizeRequest(Strict):
    """Body of ``POST /v1/detokenize``."""

    model: ModelName
    tokens: list[TokenId]


GenerationRequest = ChatRequest | CompletionRequest
Request = ChatRequest | CompletionRequest | EmbeddingRequest | TokenizeRequest | DetokenizeRequest
