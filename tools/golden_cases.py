"""The shapes of the tiny checkpoints in tests/golden: one entry a case, data only (make_goldens.py does the work)."""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    family: str
    name: str
    model_type: str
    note: str
    config: dict
    tokens: int = 96  # prompt length
    dtype: str = "bfloat16"
    tokenizer: str = "llama-bpe"  # a pre-tokenizer's name in GGUF, or "spm" / "spm-gemma"
    legacy: dict | None = None  # rewrite config.json to the publishers' older spelling: keys to set; None removes
    shard_size: str | None = None
    no_gguf: str = ""  # why the converted file cannot mean the same model; empty: it does
    generation: dict = field(default_factory=lambda: dict(do_sample=True, temperature=0.7, top_p=0.9, top_k=20))


def shape(hidden: int, intermediate: int, layers: int, heads: int, kv_heads: int, vocab: int, **more) -> dict:
    base = dict(vocab_size=vocab, hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=layers,
                num_attention_heads=heads, num_key_value_heads=kv_heads, max_position_embeddings=512, rms_norm_eps=1e-5,
                bos_token_id=1, eos_token_id=2, pad_token_id=0, tie_word_embeddings=False)
    base.update(more)
    return base


def rope(theta: float = 10000.0, kind: str = "default", **more) -> dict:
    return dict(rope_type=kind, rope_theta=theta, **more)


def old_rope(theta: float, **scaling) -> dict:
    """The spelling before rope_parameters: rope_theta and rope_scaling at the top level."""
    return dict(rope_parameters=None, rope_theta=theta, rope_scaling=scaling or None, torch_dtype="bfloat16", dtype=None)


LLAMA3 = dict(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)
LLAMA32 = dict(factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=48)
YARN = dict(factor=4.0, original_max_position_embeddings=32)
QWEN_BIG_THETA = 1000000.0

CASES = [
    Case("llama", "llama2-mha-f16", "llama", "Llama 2: multi-head, untied, float16, SentencePiece vocabulary",
         shape(64, 116, 2, 4, 4, 368, head_dim=16, rope_parameters=rope()), dtype="float16", tokenizer="spm",
         legacy=dict(old_rope(10000.0), torch_dtype="float16", head_dim=None), tokens=70),
    Case("llama", "llama31-gqa-sharded", "llama", "Llama 3.1: grouped queries, llama3 rope scaling, prompt past it, shards",
         shape(64, 112, 3, 4, 2, 320, head_dim=16, rope_parameters=rope(500000.0, "llama3", **LLAMA3)),
         legacy=dict(old_rope(500000.0, rope_type="llama3", **LLAMA3), eos_token_id=[2, 5]), shard_size="90KB"),
    Case("llama", "llama32-mqa-tied", "llama", "Llama 3.2: tied, one KV head of 64, hidden not a multiple of 32, odd vocabulary",
         shape(42, 100, 2, 3, 1, 331, head_dim=64, tie_word_embeddings=True,
               rope_parameters=rope(500000.0, "llama3", **LLAMA32)), tokens=88),
    Case("llama", "linear-f32", "llama", "linear rope scaling, head dimension 24, float32",
         shape(48, 76, 2, 2, 1, 301, head_dim=24, rope_parameters=rope(10000.0, "linear", factor=4.0)),
         dtype="float32", tokens=80, legacy=dict(old_rope(10000.0, type="linear", factor=4.0), torch_dtype="float32")),
    Case("llama", "yarn", "llama", "YaRN rope scaling, prompt four times the original length",
         shape(64, 100, 2, 4, 2, 317, head_dim=16, rope_parameters=rope(10000.0, "yarn", **YARN)), tokens=92),
    Case("smollm2", "tied-gqa", "llama", "SmolLM2: Llama, tied, three queries a KV head, smollm pre-tokenizer",
         shape(96, 128, 2, 6, 2, 320, head_dim=16, tie_word_embeddings=True, rope_parameters=rope(100000.0)),
         tokenizer="smollm", tokens=80, legacy=old_rope(100000.0)),
    Case("smollm2", "tied-hidden72", "llama", "hidden 72, head dimension 24: nothing is a multiple of 32",
         shape(72, 90, 3, 3, 3, 323, head_dim=24, tie_word_embeddings=True, rope_parameters=rope(100000.0)),
         tokenizer="smollm", tokens=64),
    Case("smollm2", "untied-mqa", "llama", "six queries on one KV head, untied, more layers",
         shape(48, 72, 4, 6, 1, 300, head_dim=32, rope_parameters=rope(10000.0)), tokenizer="smollm", tokens=64),
    Case("qwen2", "tied-gqa", "qwen2", "Qwen2.5: biases on Q, K, V; tied",
         shape(64, 112, 2, 4, 2, 320, tie_word_embeddings=True, rms_norm_eps=1e-6, rope_parameters=rope(QWEN_BIG_THETA)),
         tokenizer="qwen2", legacy=dict(old_rope(QWEN_BIG_THETA), use_sliding_window=False, sliding_window=32,
                                        max_window_layers=1, layer_types=None)),
    Case("qwen2", "untied-heads7", "qwen2", "seven queries on one KV head, untied, odd vocabulary",
         shape(112, 76, 2, 7, 1, 290, rms_norm_eps=1e-6, rope_parameters=rope(QWEN_BIG_THETA)), tokenizer="qwen2",
         tokens=64),
    Case("qwen2", "yarn", "qwen2", "YaRN as the publisher documents it, prompt past the original length",
         shape(64, 96, 2, 2, 2, 320, rms_norm_eps=1e-6, rope_parameters=rope(QWEN_BIG_THETA, "yarn", **YARN)),
         tokenizer="qwen2", legacy=old_rope(QWEN_BIG_THETA, type="yarn", **YARN)),
    Case("qwen2", "sliding", "qwen2", "a window of 16 from layer 1 on, shorter than the prompt",
         shape(64, 96, 3, 4, 2, 310, rms_norm_eps=1e-6, use_sliding_window=True, sliding_window=16, max_window_layers=1,
               rope_parameters=rope(10000.0)), tokenizer="qwen2", tokens=80,
         no_gguf="the converter does not write the window of this architecture"),
    Case("qwen3", "tied-head32", "qwen3", "Qwen3: Q and K norms, head dimension free of the hidden size, tied",
         shape(48, 100, 2, 4, 2, 320, head_dim=32, tie_word_embeddings=True, rms_norm_eps=1e-6,
               rope_parameters=rope(QWEN_BIG_THETA)), tokenizer="qwen2",
         legacy=dict(old_rope(QWEN_BIG_THETA), use_sliding_window=False, sliding_window=None, layer_types=None)),
    Case("qwen3", "untied-mha-f32", "qwen3", "multi-head, untied, float32, odd vocabulary",
         shape(36, 68, 2, 2, 2, 307, head_dim=16, rms_norm_eps=1e-4, rope_parameters=rope(QWEN_BIG_THETA)),
         dtype="float32", tokenizer="qwen2", tokens=72),
    Case("qwen3", "yarn-mqa", "qwen3", "YaRN, one KV head of 64, four layers",
         shape(64, 64, 3, 2, 1, 320, head_dim=64, rms_norm_eps=1e-4,
               rope_parameters=rope(QWEN_BIG_THETA, "yarn", **YARN)), tokenizer="qwen2", tokens=90),
    Case("qwen3moe", "top2-of-8", "qwen3_moe", "weights of the chosen experts renormalised, as published; grouped queries",
         shape(48, 96, 2, 4, 2, 320, head_dim=32, rms_norm_eps=1e-6, rope_parameters=rope(QWEN_BIG_THETA), num_experts=8,
               num_experts_per_tok=2, moe_intermediate_size=48, norm_topk_prob=True), tokenizer="qwen2", tokens=80,
         legacy=dict(old_rope(QWEN_BIG_THETA), layer_types=None, num_local_experts=None, num_experts=8,
                     decoder_sparse_step=1, mlp_only_layers=[])),
    Case("qwen3moe", "top3-of-5-plain", "qwen3_moe", "weights as the softmax gives them, five experts of an odd width",
         shape(48, 72, 3, 3, 1, 309, head_dim=24, rms_norm_eps=1e-6, rope_parameters=rope(10000.0), num_experts=5,
               num_experts_per_tok=3, moe_intermediate_size=36, norm_topk_prob=False), tokenizer="qwen2", tokens=72,
         no_gguf="GGUF does not hold norm_topk_prob; its readers renormalise"),
    Case("qwen3moe", "mixed-dense", "qwen3_moe", "every second layer has experts, but one of those is dense by name",
         shape(48, 80, 6, 4, 2, 301, head_dim=16, rms_norm_eps=1e-6, rope_parameters=rope(10000.0), num_experts=7,
               num_experts_per_tok=2, moe_intermediate_size=24, norm_topk_prob=True, decoder_sparse_step=2,
               mlp_only_layers=[1]), tokenizer="qwen2", tokens=72,
         no_gguf="GGUF has no dense layers in this architecture"),
    Case("qwen3moe", "all-of-6-f32", "qwen3_moe", "every expert is used by every token; tied, float32, biases, YaRN",
         shape(40, 64, 2, 2, 2, 310, head_dim=32, rms_norm_eps=1e-6, rope_parameters=rope(10000.0, "yarn", **YARN),
               num_experts=6, num_experts_per_tok=6, moe_intermediate_size=40, norm_topk_prob=True,
               attention_bias=True, tie_word_embeddings=True), tokenizer="qwen2", dtype="float32", tokens=72),
    Case("gemma3", "window16", "gemma3_text", "five sliding layers to one full, window 16 in a prompt of 80",
         shape(48, 72, 7, 4, 2, 368, head_dim=16, rms_norm_eps=1e-4, sliding_window=16, query_pre_attn_scalar=16,
               tie_word_embeddings=True, bos_token_id=2, eos_token_id=1), tokenizer="spm-gemma", tokens=80,
         legacy=dict(rope_parameters=None, rope_theta=1000000.0, rope_local_base_freq=10000.0, rope_scaling=None,
                     sliding_window_pattern=6, layer_types=None, torch_dtype="bfloat16", dtype=None)),
    Case("gemma3", "wide-window-mqa", "gemma3_text", "like the 270M: one KV head, head dimension past the hidden size",
         shape(40, 68, 6, 2, 1, 368, head_dim=64, rms_norm_eps=1e-4, sliding_window=512, query_pre_attn_scalar=64,
               tie_word_embeddings=True, bos_token_id=2, eos_token_id=1), tokenizer="spm-gemma", tokens=64),
    Case("gemma3", "linear-window24", "gemma3_text", "like the 4B: the full layer's rope scaled by 8, window 24",
         shape(48, 64, 6, 2, 2, 368, head_dim=32, rms_norm_eps=1e-4, sliding_window=24, query_pre_attn_scalar=32,
               tie_word_embeddings=True, bos_token_id=2, eos_token_id=1,
               rope_parameters=dict(full_attention=rope(1000000.0, "linear", factor=8.0),
                                    sliding_attention=rope(10000.0))), tokenizer="spm-gemma", tokens=72,
         legacy=dict(rope_parameters=None, rope_theta=1000000.0, rope_local_base_freq=10000.0,
                     rope_scaling=dict(rope_type="linear", factor=8.0), sliding_window_pattern=6, layer_types=None)),
    Case("gemma3", "mixed-layers", "gemma3_text", "layer types of its own and a query scale that is not the head dimension",
         shape(48, 80, 3, 4, 1, 368, head_dim=16, rms_norm_eps=1e-4, sliding_window=16, query_pre_attn_scalar=21,
               tie_word_embeddings=True, bos_token_id=2, eos_token_id=1,
               layer_types=["sliding_attention", "full_attention", "sliding_attention"]), tokenizer="spm-gemma",
         tokens=80, no_gguf="GGUF holds neither the layer types nor the query scale of this architecture"),
    Case("smollm3", "nope4-tied", "smollm3", "SmolLM3: every fourth layer without rotary, tied",
         shape(64, 72, 5, 4, 2, 320, rms_norm_eps=1e-6, tie_word_embeddings=True, no_rope_layer_interval=4,
               rope_parameters=rope(5000000.0)), tokens=80, legacy=dict(old_rope(5000000.0), layer_types=None)),
    Case("smollm3", "nope-list-untied", "smollm3", "a list of layers without rotary, untied, odd vocabulary",
         shape(64, 100, 3, 2, 1, 305, rms_norm_eps=1e-6, no_rope_layers=[1, 0, 1], rope_parameters=rope(10000.0)),
         no_gguf="GGUF knows only every fourth layer without rotary"),
    Case("smollm3", "yarn-mha", "smollm3", "YaRN as the publisher documents it, multi-head",
         shape(64, 64, 4, 2, 2, 333, rms_norm_eps=1e-6, no_rope_layer_interval=4,
               rope_parameters=rope(5000000.0, "yarn", **YARN)), tokens=80),
    Case("mistral", "window16", "mistral", "Mistral 0.1: window 16, shorter than the prompt",
         shape(64, 112, 2, 4, 2, 368, head_dim=16, sliding_window=16, rope_parameters=rope(10000.0)), tokenizer="spm",
         tokens=80, legacy=old_rope(10000.0), no_gguf="the converter does not write the window of this architecture"),
    Case("mistral", "window-past-prompt", "mistral", "a window longer than the prompt: plain causal attention",
         shape(64, 96, 2, 4, 1, 368, head_dim=16, sliding_window=256, rope_parameters=rope(10000.0)), tokenizer="spm",
         tokens=72),
    Case("mistral", "no-window-head32", "mistral", "like Nemo: no window, heads × head dimension is not the hidden size",
         shape(80, 92, 2, 2, 1, 329, head_dim=32, sliding_window=None, rope_parameters=rope(1000000.0)),
         tokenizer="tekken", tokens=84, legacy=dict(old_rope(1000000.0), sliding_window=None)),
]
