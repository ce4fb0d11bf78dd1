"""Tiny models in the hub's format, and what the libraries themselves make of them.

Run inside the transformers engine's environment:

    python tiny_hf.py make FOLDER        once; does nothing when the folder is complete
    python tiny_hf.py expect FOLDER      answers each line of questions on standard input (JSON)
                                         with what plain ``generate`` and ``encode`` give

The models are random (seeded): they say nothing, but always the same.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from functools import cache
from pathlib import Path
from typing import Any

CHAT_TEMPLATE = """\
{%- if tools %}<|im_start|>system
You may call tools:
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|im_end|>
{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}
{%- for call in message.tool_calls or [] %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking %}<think>
{% endif %}{% endif %}"""

CORPUS = [
    "hello world, this is a tiny model. user assistant system",
    "the quick brown fox jumps over the lazy dog; pack my box with five dozen jugs",
    "größer, naïve, 東京 and \N{ROCKET} are of several bytes",
    '<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n</tool_call>',
] * 40


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|endoftext|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=512,
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def _llama(folder: Path) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer()
    torch.manual_seed(7)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=512,
            # Far from uniform, so that sampling and greedy choice have something to choose.
            initializer_range=0.2,
            bos_token_id=0,
            eos_token_id=2,
            pad_token_id=0,
        )
    )
    model.generation_config.eos_token_id = 2
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _mamba(folder: Path) -> None:
    """A state-space model: no attention, so no paged cache."""
    import torch
    from transformers import MambaConfig, MambaForCausalLM

    tokenizer = _tokenizer()
    torch.manual_seed(7)
    model = MambaForCausalLM(
        MambaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            state_size=4,
            num_hidden_layers=2,
            initializer_range=0.5,
            bos_token_id=0,
            eos_token_id=2,
            pad_token_id=0,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _bert(folder: Path) -> None:
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import (
        Dense,
        Normalize,
        Pooling,
        Transformer,
    )
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = folder.parent / "words"
    words.mkdir(exist_ok=True)
    pieces = BertWordPieceTokenizer()
    pieces.train_from_iterator(CORPUS, vocab_size=400, show_progress=False)
    pieces.save_model(str(words))
    tokenizer = BertTokenizerFast(str(words / "vocab.txt"), model_max_length=64)
    torch.manual_seed(7)
    model = BertModel(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
        )
    )
    plain = folder.parent / "bert"
    model.save_pretrained(plain)
    tokenizer.save_pretrained(plain)
    transformer = Transformer(str(plain))
    pooling = Pooling(32, pooling_mode="mean")
    dense = Dense(32, 24, activation_function=torch.nn.Tanh())
    whole = SentenceTransformer(modules=[transformer, pooling, dense, Normalize()], device="cpu")
    whole.save(str(folder))


def make(folder: Path) -> None:
    done = folder / "complete"
    if done.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _llama(folder / "llama")
    _mamba(folder / "mamba")
    _bert(folder / "embedder")
    done.touch()


def _generate(model: Any, question: dict[str, Any]) -> list[int]:
    import torch
    from transformers import GenerationConfig

    ids = torch.tensor([question["prompt"]])
    output = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        generation_config=GenerationConfig(
            do_sample=False,
            max_new_tokens=question["count"],
            eos_token_id=2,
            pad_token_id=0,
            **question.get("more", {}),
        ),
    )
    return output[0, ids.shape[1] :].tolist()


def expect(folder: Path) -> None:
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)

    @cache
    def encoder(path: Path) -> Any:
        return SentenceTransformer(str(path), device="cpu")

    @cache
    def causal(path: Path) -> Any:
        return AutoModelForCausalLM.from_pretrained(path).eval()

    @cache
    def tokenizer(path: Path) -> Any:
        return AutoTokenizer.from_pretrained(path)

    def answer(question: dict[str, Any]) -> Any:
        path = folder / question["model"]
        match question["kind"]:
            case "encode":
                return encoder(path).encode(question["texts"], show_progress_bar=False).tolist()
            case "chat":
                prompt = tokenizer(path).apply_chat_template(
                    question["messages"], add_generation_prompt=True, return_dict=True
                )
                return prompt["input_ids"]
            case _:
                with torch.no_grad():
                    return _generate(causal(path), question)

    for line in sys.stdin:
        print(json.dumps([answer(question) for question in json.loads(line)]), flush=True)


if __name__ == "__main__":
    # Only here: tests import this module for its path, and go on to ask hubs of their own.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    {"make": make, "expect": expect}[sys.argv[1]](Path(sys.argv[2]))
