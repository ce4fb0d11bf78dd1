"""Train the demo model from scratch on a CPU: tokenizer, weights and chat template.

    python train.py --out /tmp/demo --minutes 20

writes a folder that Transformers loads; `export_gguf.py` turns it into one GGUF file.
"""

import argparse
import math
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.distributed as distributed
import torch.multiprocessing as multiprocessing
from corpus import Conversation, conversation
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

TEMPLATE = Path(__file__).with_name("chat_template.jinja").read_text(encoding="utf-8")
END_OF_TEXT, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
VOCABULARY = 2048
CONTEXT = 1024
TOKENS_PER_BATCH = 1536
GRAIN = 16
MUON_RATE, ADAM_RATE = 0.02, 3e-3
IGNORED = -100

Row = tuple[list[int], list[int]]


def train_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE. Digits stand alone, as in llama.cpp's `smollm` pre-tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    wrapped = wrap(tokenizer)
    rng = random.Random(seed)
    texts = (
        wrapped.apply_chat_template(c.messages, tools=c.tools, tokenize=False)
        for c in (conversation(rng) for _ in range(8000))
    )
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END_OF_TEXT, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return wrap(tokenizer)


def wrap(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=END_OF_TEXT, eos_token=END, pad_token=END_OF_TEXT
    )
    wrapped.chat_template = TEMPLATE
    wrapped.model_max_length = CONTEXT
    return wrapped


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    tokenizer.chat_template = TEMPLATE
    return tokenizer


class Encoder:
    """Turns conversations into token rows; only what the assistant says is learnt."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.tokenizer = tokenizer
        self.start, self.end = tokenizer.convert_tokens_to_ids([START, END])
        self.assistant = tokenizer.encode("assistant\n", add_special_tokens=False)

    def rows(self, conversations: list[Conversation]) -> list[Row]:
        texts = [
            self.tokenizer.apply_chat_template(c.messages, tools=c.tools, tokenize=False)
            for c in conversations
        ]
        encoded = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        return [(ids, self.labels(ids)) for ids in encoded if len(ids) <= CONTEXT]

    def labels(self, ids: list[int]) -> list[int]:
        labels = [IGNORED] * len(ids)
        place, width = 0, len(self.assistant)
        while place < len(ids):
            begin = place + 1 + width
            if ids[place] == self.start and ids[place + 1 : begin] == self.assistant:
                place = ids.index(self.end, begin)
                labels[begin : place + 1] = ids[begin : place + 1]
            place += 1
        return labels


def batches(encoder: Encoder, rng: random.Random) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Fresh conversations for ever. Rows wait until there are enough of about one length.

    So little is padded, and there are few shapes: each new one costs the CPU kernels some time.
    """
    waiting: dict[int, list[Row]] = defaultdict(list)
    while True:
        for row in encoder.rows([conversation(rng) for _ in range(500)]):
            length = -(-len(row[0]) // GRAIN) * GRAIN
            waiting[length].append(row)
            if len(waiting[length]) < TOKENS_PER_BATCH // length:
                continue
            group = waiting.pop(length)
            ids = torch.zeros(len(group), length, dtype=torch.long)
            labels = torch.full((len(group), length), IGNORED)
            for i, (row_ids, row_labels) in enumerate(group):
                ids[i, : len(row_ids)] = torch.tensor(row_ids)
                labels[i, : len(row_labels)] = torch.tensor(row_labels)
            yield ids, labels


def new_model(start: Path | None) -> LlamaForCausalLM:
    if start:
        return with_plain_attention(LlamaForCausalLM.from_pretrained(start, dtype=torch.float32))
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=6,
        num_key_value_heads=3,
        head_dim=32,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=0,
        rms_norm_eps=1e-5,
    )
    return with_plain_attention(LlamaForCausalLM(config))


def with_plain_attention(model: LlamaForCausalLM) -> LlamaForCausalLM:
    """For rows as short as ours, the plain attention is the fastest one on a CPU."""
    model.set_attn_implementation("eager")
    return model


def optimizers(model: LlamaForCausalLM) -> list[tuple[torch.optim.Optimizer, float]]:
    """Muon learns the matrices in far fewer steps; AdamW takes the embedding and the norms."""
    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if p.ndim != 2] + [model.get_input_embeddings().weight]
    muon = torch.optim.Muon(matrices, lr=MUON_RATE, momentum=0.95, weight_decay=0.01)
    adam = torch.optim.AdamW(others, lr=ADAM_RATE, betas=(0.9, 0.98), weight_decay=0.0)
    return [(muon, MUON_RATE), (adam, ADAM_RATE)]


def loss_of(model: LlamaForCausalLM, ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
    learnt = labels[:, 1:] != IGNORED
    logits = model.lm_head(hidden[:, :-1][learnt].float())
    return torch.nn.functional.cross_entropy(logits, labels[:, 1:][learnt])


def share_out(model: LlamaForCausalLM, share: float) -> float:
    """Give all workers the mean of their gradients, and of how much of the time has passed."""
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([*(g.flatten() for g in gradients), torch.tensor([share])])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    torch._foreach_copy_(gradients, [
        part.view_as(g)
        for part, g in zip(flat[:-1].split([g.numel() for g in gradients]), gradients, strict=True)
    ])  # fmt: skip
    return flat[-1].item()


def train(model: LlamaForCausalLM, encoder: Encoder, minutes: float, rng: random.Random) -> None:
    stepped = optimizers(model)
    seconds, began = minutes * 60, time.monotonic()
    tokens = 0
    average = share = 0.0
    model.train()
    for step, (ids, labels) in enumerate(batches(encoder, rng), 1):
        if share >= 1:
            break
        # Warm up, stay, and go down to nothing in the second half.
        factor = min(1.0, step / 60, max(0.01, 2 * (1 - share)))
        for optimizer, rate in stepped:
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
        loss = loss_of(model, ids, labels)
        model.zero_grad()
        loss.backward()
        share = share_out(model, (time.monotonic() - began) / seconds)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, _ in stepped:
            optimizer.step()
        tokens += ids.numel() * distributed.get_world_size()
        average = loss.item() if step == 1 else 0.98 * average + 0.02 * loss.item()
        if step % 100 == 0 and distributed.get_rank() == 0:
            speed = tokens / (time.monotonic() - began)
            print(f"{share:4.0%} step {step} loss {average:.4f} {speed:.0f} tok/s", flush=True)
    if not math.isfinite(average):
        raise RuntimeError("training diverged: the loss is not a number")


def work(rank: int, options: argparse.Namespace) -> None:
    """One worker of `--threads`: its own conversations, and the same weights as the others.

    Workers meet once a step. Threads inside one process meet at every operator, and on a machine
    with other work to do they spend most of the time waiting for each other.
    """
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{options.meeting}", rank=rank, world_size=options.threads
    )
    torch.manual_seed(options.seed)
    tokenizer = load_tokenizer(options.start) if options.start else train_tokenizer(options.seed)
    model = new_model(options.start)
    if rank == 0:
        count = sum(p.numel() for p in model.parameters())
        print(f"{count:,} parameters, {len(tokenizer)} tokens", flush=True)
    rng = random.Random(f"{options.seed} {options.start} {rank}")
    train(model, Encoder(tokenizer), options.minutes, rng)
    if rank == 0:
        model.eval()
        model.generation_config.eos_token_id = tokenizer.eos_token_id
        model.generation_config.pad_token_id = tokenizer.pad_token_id
        model.save_pretrained(options.out)
        tokenizer.save_pretrained(options.out)
        print(f"saved to {options.out}")
    distributed.destroy_process_group()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the trained model")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--start", type=Path, help="folder of an earlier run to go on from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options.meeting = Path(folder, "meeting")
        multiprocessing.spawn(work, (options,), nprocs=options.threads)


if __name__ == "__main__":
    main()
