# ---- the program's process ------------------------------------------------------------------------------------------------


def become_program(output, verdict, task, folder, isolated, ceilings, restored):
    """In a process that the zygote has just forked. Returns the steps of run(), the last first, and leaves the descriptors 0 to 2 and the verdict's alone.

    Where the tests run elsewhere and ask for calls through the verdict's descriptor, there are only the calls that are known already, in a list.
    """
    passed, broken, limits, code, tests, files = marshal.loads(os.read(task, os.fstat(task).st_size))
    try:
        os.close(task)
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        limit_program(limits, isolated, ceilings)
        os.chdir(folder)
        for name, text in files.items():
            with open(os.path.basename(name), "w", encoding="utf-8") as file:
                file.write(text)
    except BaseException as fault:
        words = str(fault)[:1000]
        if type(tests) is list:
            Line(verdict).send(["unready", broken.hex(), words])
        else:
            os.write(verdict, broken + words.encode(errors="replace"))
        os._exit(1)
    module = sys.modules["__main__"] = type(sys)("__main__")     # not the sandbox's own
    namespace = module.__dict__
    program = compile(code.lstrip("\ufeff"), "program.py", "exec")
    if type(tests) is list:
        return [tests[0], program, namespace, verdict, serve_program]
    # The tests are made before the program can touch what makes them, and get the built-in functions as they were before.
    tests = marshal.loads(tests) if type(tests) is bytes else compile(tests, "tests.py", "exec")
    return [namespace, program, exec, restored, namespace.update, namespace, tests, exec, passed, verdict, os.write]
