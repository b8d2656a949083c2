# shellcheck shell=sh
# .ci/lib.sh: what the scripts behind the Makefile share: find the interpreter, install what is missing, build.
# Sourced from the project's root by POSIX sh.

# The outer make's flags are not for the builds below.
unset MAKEFLAGS MFLAGS MAKELEVEL

fail() {
    printf 'calque: %s\n' "$*" >&2
    exit 1
}

# Like fail, where the machine lacks something that cannot be had: nothing is wrong with calque, and 77 says so to callers.
lack() {
    printf 'calque: %s\n' "$*" >&2
    exit 77
}

say() {
    printf '%s\n' "-- $*"
}

# A command that exists and answers; pyenv's shims exist for tools that no interpreter has.
works() {
    "$@" >/dev/null 2>&1
}

on_debian() {
    command -v apt-get >/dev/null && command -v dpkg-query >/dev/null
}

# --- the interpreter ------------------------------------------------------------------------------------------------

# choose_python: sets python (the real path of the interpreter), version (3.11), flags (its ABI flags), tag, venv, build
# and system_python (yes: its packages come from apt, its Boost.Python from the system).
choose_python() {
    asked=${PYTHON:-}
    default=/usr/bin/python3
    if [ -x $default ]; then
        works $default -c 'import sys; sys.exit(sys.version_info < (3, 10))' || default=python3
    elif ! on_debian; then
        default=python3
    fi
    if [ -z "$asked" ]; then
        PYTHON=$default
        # The very first run on a bare Debian: the system's interpreter is about to be installed.
        if [ ! -x /usr/bin/python3 ] && on_debian; then
            install_packages python3
        fi
    fi
    command -v "$PYTHON" >/dev/null ||
        fail "${asked:+PYTHON=}$PYTHON is neither a command nor the path of an interpreter."
    ask_python "$PYTHON"
    python=$real version=$short flags=$abi

    system_python=no
    case $python in
    /usr/bin/python3*) ! on_debian || system_python=yes ;;
    esac

    tag=$full
    # A second interpreter of the same release gets a name of its own.
    if [ -f "build/$tag/interpreter" ] && [ "$(cat "build/$tag/interpreter")" != "$python" ]; then
        tag=$full-$(printf %s "$python" | cksum | cut -d' ' -f1)
    fi
    build=build/$tag
    venv=.venv-$tag
    if [ -z "$asked" ]; then
        venv=.venv
    elif command -v $default >/dev/null && works $default -c ''; then
        ask_python $default
        [ "$real" != "$python" ] || venv=.venv
    fi
}

# ask_python COMMAND: sets real (its path), full (3.11.2), short (3.11) and abi. A shim is asked for what it stands for, a virtual environment for its base.
ask_python() {
    question='
import os, platform, sys
if platform.python_implementation() != "CPython" or sys.version_info < (3, 10):
    sys.exit("calque needs CPython >= 3.10, and this is %s %s"
             % (platform.python_implementation(), platform.python_version()))
print(os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable))
print("%d.%d.%d" % sys.version_info[:3] + sys.abiflags)
print("%d.%d" % sys.version_info[:2])
print(sys.abiflags)
'
    # An interpreter says in full what is wrong; anything else is asked something short, for its answer quotes it.
    works "$1" -c 'import sys; print(sys.executable)' || question='import sys'
    if ! answer=$("$1" -c "$question" 2>/dev/null); then
        answer=$("$1" -c "$question" 2>&1 | sed -n '/./{s/\.$//;p;q;}') || :
        fail "$1 does not serve as an interpreter: ${answer:-it gives no answer}."
    fi
    real=$(printf '%s\n' "$answer" | sed -n 1p)
    [ -x "$real" ] || fail "$1 does not serve as an interpreter: it does not know its own path."
    full=$(printf '%s\n' "$answer" | sed -n 2p)
    short=$(printf '%s\n' "$answer" | sed -n 3p)
    abi=$(printf '%s\n' "$answer" | sed -n 4p)
}

# find_python VERSION: the first command or path that answers as that version.
find_python() {
    for candidate in "/usr/bin/python$1" "python$1" "$HOME"/.pyenv/versions/"$1".*/bin/"python$1"; do
        command -v "$candidate" >/dev/null || continue
        works "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" || continue
        echo "$candidate"
        return 0
    done
    return 1
}

# --- packages -------------------------------------------------------------------------------------------------------

# install_packages NAME...: apt, non-interactive; does nothing without names. boost-python stands for the newest
# libboost-python1.N-dev, known only once the package lists are.
install_packages() {
    [ $# -gt 0 ] || return 0
    names=$(printf '%s ' "$@" | sed 's/boost-python /libboost-python1.81-dev /; s/ $//')
    on_debian || fail "this machine lacks what Debian calls $names; install it and try again."
    root=
    if [ "$(id -u)" != 0 ]; then
        { command -v sudo >/dev/null && { [ -t 0 ] || works sudo -n true; }; } ||
            fail "this needs root once: apt-get install $names"
        root=sudo
    fi
    say "apt-get install $names"
    # A machine without a network may still have everything in its cache: the installation decides.
    apt="$root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0"
    $apt update || :
    names=
    for name; do
        [ "$name" != boost-python ] || name=$(boost_package)
        names="$names $name"
    done
    # --no-remove: another Boost may be in the way (two cannot be installed side by side), and it is not ours to remove.
    mkdir -p build
    # shellcheck disable=SC2086
    $apt install -y --no-install-recommends --no-remove $names </dev/null >build/apt.log 2>&1 || {
        tail -n 20 build/apt.log >&2
        fail "apt-get could not install$names; its reason is above."
    }
}

boost_package() {
    found=$(apt-cache search --names-only '^libboost-python1\.[0-9]+-dev$' | sed 's/ .*//' | sort -V | tail -n 1)
    case $found in
    '' | *1.[0-7][0-9]-dev | *1.80-dev) found=libboost-python1.81-dev ;;
    esac
    echo "$found"
}

# missing_modules INTERPRETER MODULE:PACKAGE...: the packages of the modules that the interpreter cannot find.
missing_modules() {
    interpreter=$1
    shift
    "$interpreter" - "$@" <<'END'
import importlib.util, sys
for pair in sys.argv[1:]:
    module, package = pair.split(":")
    try:
        found = importlib.util.find_spec(module) is not None
    except ImportError:
        found = False
    if not found:
        print(package)
END
}

find_cmake() {
    for cmake in cmake /usr/bin/cmake; do
        case $("$cmake" --version 2>/dev/null) in
        'cmake version 3.'[0-9].* | 'cmake version 3.1'[0-9].* | 'cmake version 3.2'[01].*) ;;
        'cmake version '*) return 0 ;;
        esac
    done
    return 1
}

find_ninja() {
    for ninja in ninja /usr/bin/ninja; do
        ! works "$ninja" --version || return 0
    done
    return 1
}

# system_boost VERSION ABIFLAGS: is there a Boost.Python >= 1.81 for that Python where the compiler looks for it?
system_boost() {
    # Distributions build it for the interpreter with a GIL and without debugging: on a debug interpreter it would work,
    # but count no references.
    case $2 in *t* | *d*) return 1 ;; esac
    [ "$(printf '#include <boost/version.hpp>\nBOOST_VERSION\n' | ${CXX:-c++} -E -P -x c++ - 2>/dev/null |
        tail -n 1)" -ge 108100 ] 2>/dev/null || return 1
    case $(${CXX:-c++} -print-file-name="libboost_python$(echo "$1" | tr -d .).so") in
    */*) return 0 ;;
    esac
    return 1
}

# missing_packages GOAL: what GOAL (build, demo, test, lint) needs and this machine lacks, in apt's names.
missing_packages() {
    works "${CXX:-c++}" --version || echo g++
    find_cmake || echo cmake
    find_ninja || echo ninja-build
    if [ "$1" = lint ]; then
        works clang-format --version || echo clang-format
        works clang-tidy --version || echo clang-tidy
    fi
    [ "$system_python" = yes ] || return 0
    works "$python" -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' ||
        case $python in *dbg) echo python3-dbg ;; *) echo python3-dev ;; esac
    missing_modules "$python" ensurepip:python3-venv
    [ -n "${BOOST_ROOT:-}${CALQUE_BOOST_PYTHON_SOURCE:-}" ] || system_boost "$version" "$flags" || echo boost-python
    case $1 in
    demo) missing_modules "$python" rich:python3-rich ;;
    test)
        missing_modules "$python" pytest:python3-pytest hypothesis:python3-hypothesis Cython:cython3 \
            greenlet:python3-greenlet pybind11:python3-pybind11 rich:python3-rich setuptools:python3-setuptools \
            wheel:python3-wheel numpy:python3-numpy \
            test.test_copy:"libpython$version-testsuite"
        ;;
    lint) missing_modules "$python" mypy:mypy ;;
    esac
}

# --- the virtual environment ----------------------------------------------------------------------------------------

make_venv() {
    if [ -e "$venv" ] && [ ! -f "$venv/calque-interpreter" ]; then
        fail "$venv was not made by this Makefile; move it away and try again."
    fi
    if [ "$(cat "$venv/calque-interpreter" 2>/dev/null)" != "$PWD $python" ] || ! works "$venv/bin/python" -c ''; then
        say "$venv: a virtual environment of $python"
        rm -rf "$venv"
        mkdir "$venv"
        : >"$venv/calque-interpreter"
        if [ "$system_python" = yes ]; then
            "$python" -m venv --system-site-packages "$venv"
        else
            "$python" -m venv "$venv"
        fi || fail "$python cannot make a virtual environment; its reason is above."
        echo "$PWD $python" >"$venv/calque-interpreter"
    fi
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    # As an installed calque has it: CALQUE_PATCH=1 works here too.
    { echo "$PWD/$build/python" && cat module/calque_autopatch.pth; } >"$site/calque.pth"
}

# pip_install GOAL MODULE:PROJECT...: into the virtual environment, where apt does not serve it.
pip_install() {
    [ "$system_python" = no ] || return 0
    goal=$1
    shift
    # shellcheck disable=SC2046
    set -- $(missing_modules "$venv/bin/python" "$@")
    [ $# -gt 0 ] || return 0
    say "pip install $*"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --retries 1 "$@" >"$build/pip.log" 2>&1 ||
        lack "make $goal for $python needs $* from a package index, and pip could not install them" \
            "($(sed -n 's/^ERROR: //p' "$build/pip.log" | tail -n 1))."
}

# pip_may_install MODULE:PROJECT...: what tests are skipped without, for all interpreters and where an index has it. One try.
pip_may_install() {
    # shellcheck disable=SC2046
    set -- $(missing_modules "$venv/bin/python" "$@")
    for project; do
        [ ! -e "$venv/tried-$project" ] || continue
        : >"$venv/tried-$project"
        say "pip install $project"
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --retries 0 "$project" >"$build/pip.log" 2>&1 ||
            say "it cannot be had; its tests will be skipped"
    done
}

# --- build ----------------------------------------------------------------------------------------------------------

# prepare GOAL: everything up to a configured build directory and a virtual environment that sees it.
prepare() {
    choose_python
    # shellcheck disable=SC2046
    install_packages $(missing_packages "$1")
    find_cmake || fail "cmake >= 3.22 does not answer."

    mkdir -p "$build"
    if works flock --version; then
        exec 9>"$build/lock"
        flock 9
    fi
    # A moved source tree cannot reuse a configured build.
    grep -qsx "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$build/CMakeCache.txt" ||
        rm -rf "$build/CMakeCache.txt" "$build/CMakeFiles" "$build/configured"
    echo "$python" >"$build/interpreter"
    make_venv
    # numpy: its headers are wanted by the build, and apt has it for the system's Python. Only ready-made: building it takes minutes.
    [ "$1$system_python" != testno ] || PIP_ONLY_BINARY=numpy pip_may_install numpy:numpy
    numpy=$("$venv/bin/python" -c 'import numpy; print(numpy.get_include())' 2>/dev/null) || numpy=
    set -- -DPython_EXECUTABLE="$python" -DCMAKE_BUILD_TYPE=Release -DCALQUE_DEV="${CALQUE_DEV:-OFF}" \
        -DCALQUE_NUMPY_INCLUDE="$numpy"
    ! find_ninja || set -- "$@" -G Ninja -DCMAKE_MAKE_PROGRAM="$(command -v "$ninja")"
    if [ -n "${CALQUE_BOOST_PYTHON_SOURCE:-}" ]; then
        set -- "$@" -DCALQUE_BOOST_PYTHON_SOURCE="$CALQUE_BOOST_PYTHON_SOURCE"
    elif [ -n "${BOOST_ROOT:-}" ]; then
        set -- "$@" -DBOOST_ROOT="$BOOST_ROOT"
    else
        boost=$(.ci/boost "$version" "$flags") || exit $?
        [ -z "$boost" ] || set -- "$@" -DCALQUE_BOOST_PYTHON_SOURCE="$boost"
    fi
    # shellcheck disable=SC2086
    set -- "$@" ${CMAKE_ARGS:-}
    if [ "$*" != "$(cat "$build/configured" 2>/dev/null)" ]; then
        "$cmake" -S . -B "$build" "$@" >"$build/configure.log" 2>&1 || {
            sed '/^-- /d' "$build/configure.log" >&2
            exit 1
        }
        sed -n '/^-- \(Python\|Boost\|numpy\)/p' "$build/configure.log"
        echo "$*" >"$build/configured"
    fi
}

# compile TARGET...
compile() {
    say "building for $python in $build"
    # shellcheck disable=SC2046
    "$cmake" --build "$build" $(find_ninja || echo --parallel "$(nproc)") ${1:+--target "$@"} || exit 1
    exec 9>&-
    works "$venv/bin/python" -c 'import calque' ||
        fail "the build succeeded and 'import calque' fails: try $venv/bin/python -c 'import calque'"
}
