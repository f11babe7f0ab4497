"""The bottom of every process of the sandbox, and so of a program's stack: what a program finds by walking down its frames is this file's, and holds nothing.

Started as ``python3 -I -S -c THIS MODE PATIENCE PLACE WORKERS``. Its input begins with four bytes of length (big-endian) and the marshalled code of the other sandbox_*.py in one.
"""
import marshal
import sys


def run(steps):
    """Runs a program and its tests; says so if and only if both came to their end.

    Everything that comes after the program is taken out of its list before the program starts, and lives on this frame's value stack alone: no name, frame or
    object that the program can reach leads to it.
    """
    if len(steps) == 5:     # its tests run in another process
        return steps.pop()(steps.pop(), steps.pop(), steps.pop(), steps.pop())
    # write(verdict, nonce) after exec(tests, namespace) after namespace.update(builtins) after exec(program, namespace)
    steps.pop()(steps.pop(), (steps.pop(), steps.pop()(steps.pop(), (steps.pop(), steps.pop()((steps.pop(), steps.pop()(steps.pop(), steps.pop()))[0]))[0]))[0])


try:
    # The code is held by its own names, which stay in memory: to free it would write to hundreds of pages, in the process of every program.
    names = {"__name__": "sandbox", "code": marshal.loads(sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(4), "big")))}     # load() from a file reads each object by itself
    exec(names["code"], names)      # comes back in the processes of programs only
    steps = names.pop("steps")
    del names                       # and stays in memory, as its functions refer to it
    run(steps)
except SystemExit as fault:
    import os
    os._exit(fault.code & 0x7F if isinstance(fault.code, int) else 1 if fault.code else 0)
except BaseException as fault:
    import os, sys, traceback  # noqa: E401
    try:
        frames = fault.__traceback__
        while frames and frames.tb_frame.f_code.co_filename not in ("program.py", "tests.py"):     # without the sandbox's own
            frames = frames.tb_next
        traceback.print_exception(type(fault), fault, frames)
        sys.stderr.flush()
    finally:
        os._exit(1)
import os
os._exit(0)
