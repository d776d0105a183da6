"""A case of the comparison by mistral.rs."""
import driver  # noqa: I001  first: it starts the clock
import itertools
import os
import pathlib
import random

TEXT = ("time year people way day man thing woman life child world school state family student group country problem "
        "hand part place case week company system program question work government number night point home").split()


def load(test):
    os.environ["RAYON_NUM_THREADS"] = str(test.threads)
    import mistralrs  # reads it

    path = pathlib.Path(test.model).resolve()
    runner = mistralrs.Runner(which=mistralrs.Which.GGUF(quantized_model_id=str(path.parent),
                                                         quantized_filename=path.name),
                              prefix_cache_n=0)
    seeds = itertools.count(1)

    def repeat() -> float:
        wanted = max(1, test.depth + test.prompt)
        words = random.Random(next(seeds)).choices(TEXT, k=wanted)  # about a token each
        request = mistralrs.CompletionRequest(prompt=" ".join(words), model="default", max_tokens=test.generate + 1,
                                              ignore_eos=True, temperature=0.0)
        usage = runner.send_completion_request(request).usage
        if test.prompt > 0:
            return usage.total_prompt_time_sec * wanted / usage.prompt_tokens
        return usage.total_completion_time_sec * test.generate / max(1, usage.completion_tokens - 1)

    return repeat


def main() -> None:
    test = driver.case()
    if test.beside or test.sequences > 1:
        driver.cannot("its Python interface takes one request at a time")
    if test.prompt and test.depth:
        driver.cannot("it reads no prompt behind another in one measurement")
    driver.serve(test, lambda: load(test), "mistral.rs")


if __name__ == "__main__":
    main()
