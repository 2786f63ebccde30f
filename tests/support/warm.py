"""Runs codegen/generate.py of any copy of the project, in children of a process that has imported what it needs.

Importing takes a second each time, and the tests generate dozens of times.
"""

from __future__ import annotations

import atexit
import functools
import json
import subprocess
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).parents[2]
_lock = threading.Lock()


def run_generate_py(root: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What `./generate.sh` does at a root, with the environment that this project has made already."""
    command = [str(root / "codegen/generate.py"), *map(str, arguments)]
    with tempfile.TemporaryDirectory(prefix="payt-generated-") as folder, _lock:
        said = [Path(folder) / name for name in ("stdout", "stderr")]
        process = _process()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([command, *map(str, said)]) + "\n")
        process.stdin.flush()
        code = int(process.stdout.readline())
        return subprocess.CompletedProcess(command, code, *(file.read_text("utf-8") for file in said))


@functools.cache
def _process() -> subprocess.Popen[str]:
    python = ROOT / ".venv-codegen/bin/python"
    pipe = subprocess.PIPE
    process = subprocess.Popen([python, "-c", _PROGRAM, ROOT / "codegen"], stdin=pipe, stdout=pipe, text=True)
    atexit.register(process.communicate)
    return process


_PROGRAM = """
import json, os, runpy, sys

sys.path[0] = own = sys.argv[1]
import generate, resources, verify

for name, module in [*sys.modules.items()]:  # a copy of the project has its own
    if (getattr(module, "__file__", None) or "").startswith(own):
        del sys.modules[name]

for line in sys.stdin:
    command, stdout, stderr = json.loads(line)
    child = os.fork()
    if child:
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    for number, file in ((1, stdout), (2, stderr)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), number)
    sys.argv, sys.path[0] = command, os.path.dirname(command[0])
    code = 1
    try:
        runpy.run_path(command[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
"""
