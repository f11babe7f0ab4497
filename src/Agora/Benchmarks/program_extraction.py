# Finds the program in a model's answer as EvalPlus does, for scores that compare with its own. Runs inside the sandbox: the answer is text here, never run.
#
# The longest run of lines that is Python is taken; of it, imports and the first definition of each name that the entry point needs, functions only if
# they return something. If nothing is left, the whole run is the program.
import ast
import re
import warnings

warnings.simplefilter("ignore")


def parsed(text):
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def longest_run(text):
    lines = re.sub(r"\x1B(?:[@-Z\\-_]|\[[0-?]*[ -/]*[@-~])", "", text).split("\n")
    filled = [0]
    for line in lines:
        filled.append(filled[-1] + bool(line.strip()))
    best, first, last = 0, 0, 0
    for start in range(len(lines)):
        if lines[start][:1] in (" ", "\t") and lines[start].strip():
            continue                                    # no module begins with an indented line
        for end in range(len(lines) - 1, start, -1):
            count = filled[end + 1] - filled[start]
            if count <= best:
                break
            if lines[end].strip() and parsed("\n".join(lines[start:end + 1])) is not None:
                best, first, last = count, start, end
                break
    return "\n".join(lines[first:last + 1])


def names_in(node):
    for child in ast.walk(node):
        for field in ("id", "attr", "arg", "name"):
            value = getattr(child, field, None)
            if isinstance(value, str):
                yield value
        if isinstance(child, (ast.Global, ast.Nonlocal)):
            yield from child.names


def defined(node):
    """The name that a top-level statement defines; None for statements that are dropped."""
    if isinstance(node, ast.ClassDef):
        return None if node.decorator_list else node.name
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        returns = any(isinstance(child, ast.Return) for child in ast.walk(node))
        return node.name if returns and not node.decorator_list else None
    if isinstance(node, ast.Assign):
        target = node.targets[0]
    elif isinstance(node, ast.AnnAssign):
        target = node.target
    else:
        return None
    return target.id if isinstance(target, ast.Name) else None


def needed(definitions, entry_point):
    uses = {name: set(names_in(node)) for name, node in definitions.items()}
    seen, waiting = {entry_point}, [entry_point]
    while waiting:
        for name in uses.get(waiting.pop(), ()):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return seen


def extract(text, entry_point):
    run = longest_run(text)
    module = parsed(run)
    if module is None:
        return run
    imports, definitions = [], {}
    for node in module.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imports.append(node)
        elif defined(node) is not None:
            definitions.setdefault(defined(node), node)
    wanted = needed(definitions, entry_point)
    kept = imports + [node for name, node in definitions.items() if name in wanted]
    return "\n".join(ast.get_source_segment(run, node) for node in kept).strip() or run


def main():
    with open("answer.txt", encoding="utf-8", newline="") as file:
        answer = file.read()
    with open("entry_point.txt", encoding="utf-8") as file:
        entry_point = file.read()
    with open(1, "w", encoding="utf-8", newline="", closefd=False) as out:
        out.write(extract(answer, entry_point))


main()
