# Finds the assert statements in a task's text, whole, by Python's own parser: several lines where they are written on several, and no prose that begins with the
# word. Runs in the sandbox: the text is data here, never run.
import ast
import json
import textwrap
import warnings

warnings.simplefilter("ignore")
LONGEST = 60      # lines of a statement


def statement(lines):
    """The assert that begins with the first of these lines, and how many of them it takes."""
    for count in range(1, min(len(lines), LONGEST) + 1):
        text = textwrap.dedent("\n".join(lines[:count])).strip()
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
        # "assert dominance" is Python, too, and prose nearly always.
        if len(tree.body) == 1 and type(tree.body[0]) is ast.Assert and type(tree.body[0].test) not in (ast.Name, ast.Constant):
            return text, count
        return None, 1
    return None, 1


with open("text.txt", encoding="utf-8") as file:
    lines = file.read().split("\n")
found, place = [], 0
while place < len(lines):
    text, count = statement(lines[place:]) if lines[place].split("(")[0].split()[:1] == ["assert"] else (None, 1)
    if text is not None and text not in found:
        found.append(text)
    place += count
print(json.dumps(found), end="", flush=True)
