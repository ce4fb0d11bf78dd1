"""The body of a launch in the OpenAPI document, which several routes take."""

from __future__ import annotations

from apps.models.xinference.face import form, list_of

LAUNCH = form(
    "model_name",
    model_name={"type": "string", "description": "Of the catalogue or a registration."},
    model_uid={"type": "string", "description": "The name to call it by."},
    model_type={"type": "string", "default": "LLM"},
    model_engine="string",
    model_size_in_billions={"oneOf": [{"type": "integer"}, {"type": "string"}]},
    model_format="string",
    quantization="string",
    model_path="string",
    replica={"type": "integer", "default": 1},
    n_gpu={"oneOf": [{"type": "integer"}, {"type": "string"}], "nullable": True},
    gpu_idx={"oneOf": [{"type": "integer"}, list_of({"type": "integer"})]},
    worker_ip="string",
    replica_config=list_of({"type": "object"}),
    peft_model_config="object",
    request_limits="integer",
    enable_thinking="boolean",
    virtual_env_packages=list_of({"type": "string"}),
    envs={"type": "object", "additionalProperties": {"type": "string"}},
) | {"additionalProperties": True, "description": "Any other key is an option of the engine."}
