"""The steps of a generation by Python's thread pool, as the paper's own code does them: render, POST over a connection that is kept, parse, check, append.

usage: request_peer.py httpx|http.client ADDRESS TEMPLATE SEEDS OUTPUT SECONDS THREADS...

With httpx, the client is one for all threads, as that of OpenAI's SDK is; with http.client each thread has its connection.
Tries each number of threads for two seconds, then measures the best one for SECONDS. Prints one JSON object a line.
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


def request(prompt, number):
    return {
        "model": "loopback",
        "messages": [{"role": "system", "content": "You are a helpful assistant that writes training data."}, {"role": "user", "content": prompt}],
        "temperature": 1.0, "top_p": 0.9, "max_tokens": 1024, "stop": ["[END]"], "seed": number,
    }


def http_client(address):
    url = urllib.parse.urlparse(address)

    def ask(prompt, number):
        if not hasattr(LOCAL, "connection"):
            LOCAL.connection = http.client.HTTPConnection(url.hostname, url.port)
        LOCAL.connection.request("POST", url.path + "/chat/completions", json.dumps(request(prompt, number)), {"Content-Type": "application/json", "Authorization": "Bearer none"})
        return json.loads(LOCAL.connection.getresponse().read())

    return ask


def httpx_client(address):
    import httpx
    client = httpx.Client(timeout=600, limits=httpx.Limits(max_connections=1000, max_keepalive_connections=1000), headers={"Authorization": "Bearer none"})
    return lambda prompt, number: client.post(address + "/chat/completions", json=request(prompt, number)).json()


def valid(response):
    return (response.strip() and not PLACEHOLDER.search(response) and response.count("[RESULT]") == 1 and response.count("[/RESULT]") == 1
            and response.rstrip().endswith("[/RESULT]"))


def measure(connect, address, template, seeds, output, seconds, threads):
    ask = connect(address)
    lock = threading.Lock()
    done = 0
    end = time.perf_counter() + seconds
    with open(output, "w", encoding="utf-8") as file:
        def work(number):
            nonlocal done
            if time.perf_counter() > end:
                return
            seed = seeds[number % len(seeds)]
            answer = ask(fill(template, seed), number)
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
    connect = {"httpx": httpx_client, "http.client": http_client}[sys.argv[1]]
    address, template, seeds, output, seconds = sys.argv[2:7]
    with open(template, encoding="utf-8") as file:
        template = file.read()
    with open(seeds, encoding="utf-8") as file:
        seeds = [json.loads(line) for line in file]
    best = None
    for threads in map(int, sys.argv[7:]):
        tried = measure(connect, address, template, seeds, output, 2, threads)
        print(json.dumps(tried), flush=True)
        if best is None or tried["rate"] > best["rate"]:
            best = tried
    print(json.dumps(measure(connect, address, template, seeds, output, float(seconds), best["threads"])), flush=True)


main()
