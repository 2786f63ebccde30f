# Sourced by the scripts: finds Python and makes virtual environments, each once per set of requirements.

unset PYTHONDONTWRITEBYTECODE # the tests start hundreds of processes, each of which would compile the package anew

# The interpreter to use, as an array: $PYTHON if set, else the first of the usual names that is 3.11 or newer.
find_python() {
    local candidate
    for candidate in "${PYTHON:-python3}" python3.14 python3.13 python3.12 python3.11 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            python=$candidate
            return
        fi
    done
    echo "Python 3.11 or newer is needed, and none was found. Install it, or name one: PYTHON=/path/to/python3.11 $0" >&2
    exit 1
}

# The interpreters of this machine that will do, a path a line, each version once, from the oldest to the newest.
pythons() {
    local candidate
    {
        compgen -c | grep -E '^python3(\.[0-9]+)?$' | while read -r candidate; do type -ap "$candidate"; done
        ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3 2>/dev/null || true
    } | sort -u | while read -r candidate; do
        "$candidate" -c '
import sys, venv, ensurepip
if sys.version_info >= (3, 11) and sys.version_info.releaselevel == "final" and sys.prefix == sys.base_prefix:
    print("{}.{}.{}".format(*sys.version_info), sys.executable)
' 2>/dev/null || true
    done | sort -V -u -k1,1 | cut -d" " -f2-
}

# Whether the tests have a PostgreSQL to run. Needs .venv.
has_postgres() {
    PYTHONPATH=tests .venv/bin/python -c 'import sys; from support import postgres; sys.exit(not postgres.binaries())'
}

# Whether they have a MariaDB.
has_mariadb() {
    PYTHONPATH=tests .venv/bin/python -c 'import sys; from support import mariadb; sys.exit(not mariadb.program())'
}

# Install a package of Debian or Ubuntu, without starting what it has for a machine's start; only root can.
from_debian() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return
    echo "Installing $1 (once; needs the package index) …" >&2
    apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$1"
}

# environment DIR REQUIREMENTS [PIP ARGUMENTS…]: a virtual environment in DIR that holds what REQUIREMENTS pins.
# It is made anew when the requirements, the arguments or the interpreter change, and used as it is otherwise (offline).
environment() {
    local dir=$1 requirements=$2 stamp
    shift 2
    find_python
    stamp=$("$python" -VV; cat "$requirements"; echo "$@ $PWD")
    [ "$(cat "$dir/stamp" 2>/dev/null)" = "$stamp" ] && return
    echo "Making $dir from $requirements (once; needs the package index) …" >&2
    rm -rf "$dir"
    "$python" -m venv "$dir" || {
        echo "The venv module of $python does not work; on Debian and Ubuntu: apt-get install python3-venv" >&2
        exit 1
    }
    "$dir/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements" "$@" || {
        echo "Installing $requirements failed: see above." >&2
        exit 1
    }
    printf '%s' "$stamp" >"$dir/stamp"
}

# All tests but the slow ones, with these arguments for pytest too: twice as many at a time as there are processors, since
# some wait. A file stays together: it shares its servers, and the blocks of a document build on each other. See
# tests/conftest.py for the order.
all_tests() {
    local workers
    workers=$(.venv/bin/python -c 'import os; print(min(8, 2 * (os.cpu_count() or 1)))')
    .venv/bin/python -m pytest --numprocesses="$workers" --dist=loadfile --no-loadscope-reorder "$@"
}
