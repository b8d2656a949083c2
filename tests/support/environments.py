"""Virtual environments in which calque is where the tests have it, with the line of CALQUE_PATCH beside it."""

import os
import pathlib
import shutil
import subprocess
import textwrap
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LINE = "calque_autopatch.pth"


def line():
    """The file as it was installed; in a source tree, as it will be."""
    import calque

    installed = pathlib.Path(calque.__file__).parent.parent / LINE
    return installed if installed.exists() else ROOT / "module" / LINE


class Environment:
    """A virtual environment in which calque is where the tests have it, with the line beside it."""

    def __init__(self, folder, package=None):
        import calque

        venv.create(folder, symlinks=True)
        self.python = folder / "bin" / "python"
        self.site, = folder.glob("lib/python*/site-packages")
        if package is None:
            package = pathlib.Path(calque.__file__).parent.parent
        (self.site / "aaa_calque.pth").write_text(f"{package}\n")
        shutil.copy(line(), self.site)

    def run(self, *arguments, script=None, **variables):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CALQUE_", "VIRTUAL_ENV"))}
        arguments = [*arguments, *(["-c", textwrap.dedent(script)] if script else [])]
        return subprocess.run([self.python, *arguments], capture_output=True, text=True, env=clean | variables, timeout=120)

    def say(self, *arguments, script, **variables):
        """What the script prints. It ends well and in silence, or the test fails."""
        done = self.run(*arguments, script=script, **variables)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout
