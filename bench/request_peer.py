"""The steps of a generation by Python's thread pool, as the paper's own code does them: render, POST over a connection that is kept, parse, check, append.

usage: request_peer.py openai|httpx|http.client ADDRESS TEMPLATE SEEDS OUTPUT SECONDS THREADS...

openai is the client that the paper's code has (data_agora/core/llms/openai.py: one OpenAI object for all threads, as it comes; its package asks for openai>=1.55.3), and takes the SDK from PYTHONPATH. Its LiteLLM class
calls the same SDK. httpx is what that SDK sends through, alone, one client for all threads; http.client is the standard library's, a connection per thread. All requests are submitted at once and the main thread
appends what comes back, as in the paper's Agora.run; unlike there, no tokenizer counts the instances and the file stays open, which spares the peer work.
Tries each number of threads for two seconds, then measures the best one for SECONDS. Prints one JSON object a line; {"missing": …} where the client cannot be had.
"""
import concurrent.futures
import http.client
import json
import re
import sys
import threading
import time
import types
import urllib.parse

PLACEHOLDER = re.compile(r"<(?:input|output)(?:[1-9][0-9]?)?>|<input_theme>|<first_word>|<persona>|<evolution>")
LOCAL = threading.local()
MOST_PER_SECOND = 12_000    # that anybody could answer: so many are submitted


def fill(template, seed):
    return template.replace("<input>", seed["instruction"])


def request(prompt, number):
    return {
        "model": "loopback",
        "messages": [{"role": "system", "content": "You are a helpful assistant that writes training data."}, {"role": "user", "content": prompt}],
        "temperature": 1.0, "top_p": 0.9, "max_tokens": 1024, "stop": ["[END]"], "seed": number,
    }


def read(answer):
    choice = answer["choices"][0]
    return choice["message"]["content"], choice["finish_reason"], answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]


def http_client(address):
    url = urllib.parse.urlparse(address)

    def ask(prompt, number):
        if not hasattr(LOCAL, "connection"):
            LOCAL.connection = http.client.HTTPConnection(url.hostname, url.port)
        LOCAL.connection.request("POST", url.path + "/chat/completions", json.dumps(request(prompt, number)), {"Content-Type": "application/json", "Authorization": "Bearer none"})
        return read(json.loads(LOCAL.connection.getresponse().read()))

    return ask


def httpx_client(address):
    import httpx
    client = httpx.Client(timeout=600, limits=httpx.Limits(max_connections=1000, max_keepalive_connections=1000), headers={"Authorization": "Bearer none"})
    return lambda prompt, number: read(client.post(address + "/chat/completions", json=request(prompt, number)).json())


def openai_client(address):
    try:
        import jiter
    except ImportError:
        # It reads streamed JSON, which nothing here asks for, and the SDK's modules are not to be had without it.
        sys.modules["jiter"] = types.SimpleNamespace(from_json=None)
    from openai import OpenAI
    client = OpenAI(base_url=address, api_key="none")

    def ask(prompt, number):
        completion = client.chat.completions.create(**request(prompt, number))
        choice = completion.choices[0]
        return choice.message.content, choice.finish_reason, completion.usage.prompt_tokens, completion.usage.completion_tokens

    return ask


def valid(response):
    return (response.strip() and not PLACEHOLDER.search(response) and response.count("[RESULT]") == 1 and response.count("[/RESULT]") == 1
            and response.rstrip().endswith("[/RESULT]"))


def measure(connect, address, template, seeds, output, seconds, threads):
    ask = connect(address)
    done = 0
    started, cpu = time.perf_counter(), time.process_time()
    end = started + seconds

    def work(number):
        if time.perf_counter() > end:
            return None
        seed = seeds[number % len(seeds)]
        response, finish, read, written = ask(fill(template, seed), number)
        if finish != "stop" or not valid(response):
            return None
        return {"instruction": seed["instruction"], "response": response, "config": "loopback", "input_tokens": read, "output_tokens": written}

    with open(output, "w", encoding="utf-8") as file, concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for future in concurrent.futures.as_completed([pool.submit(work, number) for number in range(int(seconds * MOST_PER_SECOND))]):
            result = future.result()
            if result is not None:
                file.write(json.dumps(result) + "\n")
                file.flush()
                done += 1
                last = time.perf_counter()
    # What was submitted and not begun at the end is not on the peer's account.
    return {"threads": threads, "rate": done / (last - started), "cores": (time.process_time() - cpu) / (time.perf_counter() - started)}


def main():
    connect = {"openai": openai_client, "httpx": httpx_client, "http.client": http_client}[sys.argv[1]]
    address, template, seeds, output, seconds = sys.argv[2:7]
    with open(template, encoding="utf-8") as file:
        template = file.read()
    with open(seeds, encoding="utf-8") as file:
        seeds = [json.loads(line) for line in file]
    try:
        connect(address)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    best = None
    for threads in map(int, sys.argv[7:]):
        tried = measure(connect, address, template, seeds, output, 2, threads)
        print(json.dumps(tried), flush=True)
        if best is None or tried["rate"] > best["rate"]:
            best = tried
    print(json.dumps(measure(connect, address, template, seeds, output, float(seconds), best["threads"])), flush=True)


main()
