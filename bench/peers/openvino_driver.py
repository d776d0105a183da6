"""A case of the comparison by openvino-genai, which reads GGUF files of some types and families itself."""
import driver  # noqa: I001  first: it starts the clock
import numpy as np
import openvino
import openvino_genai


def load(test):
    pipeline = openvino_genai.LLMPipeline(test.model, "CPU", INFERENCE_NUM_THREADS=test.threads,
                                          KV_CACHE_PRECISION="f16", PERFORMANCE_HINT="LATENCY")
    random = np.random.default_rng(1)

    def repeat() -> float:
        # Other tokens each time, so that no cache of prefixes answers.
        ids = random.integers(10, 40_000, (test.sequences, max(1, test.depth + test.prompt)), dtype=np.int64)
        inputs = openvino_genai.TokenizedInputs(openvino.Tensor(ids), openvino.Tensor(np.ones_like(ids)))
        metrics = pipeline.generate(inputs, max_new_tokens=test.generate + 1, ignore_eos=True,
                                    do_sample=False).perf_metrics
        first = metrics.get_ttft().mean / 1000
        if test.prompt > 0:
            return first
        return metrics.get_generate_duration().mean / 1000 - first  # the first token belongs to the prompt

    return repeat


def main() -> None:
    test = driver.case()
    if test.beside:
        driver.cannot("its interface runs no prompt beside sequences that write")
    if test.prompt and test.depth:
        driver.cannot("it reads no prompt behind another in one measurement")
    driver.serve(test, lambda: load(test), f"openvino-genai {openvino_genai.__version__}")


if __name__ == "__main__":
    main()
