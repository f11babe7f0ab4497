"""Renders templates with Jinja2 itself, set up as Transformers does for chat templates: the reference of JinjaTests.

  jinja_reference.py < REQUEST     a JSON list of [template, variables]; answers with a JSON list of {"text": ...} or {"error": ...}
  jinja_reference.py record        renders templates.txt with variables.json and writes expected.json, all beside this script

Needs Jinja2 3.1 (Debian: python3-jinja2). The time is 2026-11-28 14:05:09.
"""

import datetime
import json
import os
import sys

import jinja2
import jinja2.ext
import jinja2.nodes
import jinja2.sandbox


class Generation(jinja2.ext.Extension):
    """{% generation %}: marks what the assistant writes; here its body is all that matters."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("render"), [], [], body).set_lineno(line)

    def render(self, caller):
        return caller()


def refuse(message):
    raise jinja2.exceptions.TemplateError(message)


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


environment = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
environment.filters["tojson"] = to_json
environment.globals["raise_exception"] = refuse
environment.globals["strftime_now"] = datetime.datetime(2026, 11, 28, 14, 5, 9).strftime


def render(template, variables):
    try:
        return {"text": environment.from_string(template).render(**variables)}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def record():
    folder = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(folder, "variables.json"), encoding="utf-8") as file:
        variables = json.load(file)
    with open(os.path.join(folder, "templates.txt"), encoding="utf-8", newline="") as file:
        cases = [case.split("\n", 1) for case in file.read().removeprefix("=== ").removesuffix("\n").split("\n=== ")]
    expected = {name: render(template, variables) for name, template in cases}
    with open(os.path.join(folder, "expected.json"), "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(f"  {json.dumps(name)}: {json.dumps(result)}" for name, result in expected.items()) + "\n}\n")


if sys.argv[1:] == ["record"]:
    record()
else:
    json.dump([render(template, variables) for template, variables in json.load(sys.stdin)], sys.stdout)
