"""The steps of a generation by Python's thread pool, as the paper's own code does them: render, POST over a connection that is kept, parse, check, append.

usage: request_peer.py ADDRESS TEMPLATE SEEDS OUTPUT SECONDS THREADS...

Tries each number of threads for a few seconds, then measures the best one for SECONDS. Prints one JSON object a line.
"""
import concurrent.futures
import http.client
import json
import re
import sys
import threading
import time
import urllib.parse

PLACEHOLDER = re.compile(r"<(?:input|output)(?:[1-9][0-9]?)?>|<input_theme>|<first_word>|<persona>|<evolution>")
LOCAL = threading.local()


def fill(template, seed):
    return template.replace("<input>", seed["instruction"])


def ask(host, port, path, prompt, number):
    if not hasattr(LOCAL, "connection"):
        LOCAL.connection = http.client.HTTPConnection(host, port)
    body = json.dumps({
        "model": "loopback",
        "messages": [{"role": "system", "content": "You are a helpful assistant that writes training data."}, {"role": "user", "content": prompt}],
        "temperature": 1.0, "top_p": 0.9, "max_tokens": 1024, "stop": ["[END]"], "seed": number,
    })
    LOCAL.connection.request("POST", path + "/chat/completions", body, {"Content-Type": "application/json", "Authorization": "Bearer none"})
    return json.loads(LOCAL.connection.getresponse().read())


def valid(response):
    return (response.strip() and not PLACEHOLDER.search(response) and response.count("[RESULT]") == 1 and response.count("[/RESULT]") == 1
            and response.rstrip().endswith("[/RESULT]"))


def measure(address, template, seeds, output, seconds, threads):
    url = urllib.parse.urlparse(address)
    lock = threading.Lock()
    done = 0
    end = time.perf_counter() + seconds
    with open(output, "w", encoding="utf-8") as file:
        def work(number):
            nonlocal done
            if time.perf_counter() > end:
                return
            seed = seeds[number % len(seeds)]
            answer = ask(url.hostname, url.port, url.path, fill(template, seed), number)
            choice = answer["choices"][0]
            response = choice["message"]["content"]
            if choice["finish_reason"] != "stop" or not valid(response):
                return
            line = json.dumps({"instruction": seed["instruction"], "response": response, "config": "loopback",
                               "input_tokens": answer["usage"]["prompt_tokens"], "output_tokens": answer["usage"]["completion_tokens"]})
            with lock:
                file.write(line + "\n")
                file.flush()
                done += 1

        started, cpu = time.perf_counter(), time.process_time()
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            waiting, number = set(), 0
            while time.perf_counter() < end:
                while len(waiting) < 2 * threads:
                    waiting.add(pool.submit(work, number))
                    number += 1
                finished, waiting = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in finished:
                    future.result()
            concurrent.futures.wait(waiting)
        elapsed = time.perf_counter() - started
    return {"threads": threads, "rate": done / elapsed, "cores": (time.process_time() - cpu) / elapsed}


def main():
    address, template, seeds, output, seconds = sys.argv[1:6]
    with open(template, encoding="utf-8") as file:
        template = file.read()
    with open(seeds, encoding="utf-8") as file:
        seeds = [json.loads(line) for line in file]
    best = None
    for threads in map(int, sys.argv[6:]):
        tried = measure(address, template, seeds, output, 3, threads)
        print(json.dumps(tried), flush=True)
        if best is None or tried["rate"] > best["rate"]:
            best = tried
    print(json.dumps(measure(address, template, seeds, output, float(seconds), best["threads"])), flush=True)


main()
