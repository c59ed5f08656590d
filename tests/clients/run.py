"""Runs the clients of others against Sandpit, each against a demo of its own.

    run.py SANDPIT [CLIENT ...]

SANDPIT is the binary. Without names all clients run. `just clients` starts this with a Python
that has the clients (scripts/clients python).
"""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PATIENCE = 120


class Host:
    """A demo in a folder of its own, that a script can have started again."""

    def __init__(self, sandpit, confirmation):
        self.sandpit = sandpit
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sandpit-clients-"))
        (self.folder / "tools").mkdir()
        (self.folder / "spare").mkdir()
        for component in (ROOT / "target/plugins").glob("*.wasm"):
            shutil.copy(component, self.folder / "tools")
        shutil.copy(ROOT / "target/test-components/fixture_tool.wasm", self.folder / "spare")
        shipped = (ROOT / "sandpit.toml").read_text()
        wanted = shipped.replace('confirmation = "live"', f'confirmation = "{confirmation}"')
        wanted += "fixture_tool = { grants = [] }\n"
        (self.folder / "sandpit.toml").write_text(wanted)
        # Compiled tools are shared; nothing else of the caller's settings counts.
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TWS_", "SANDPIT_")) and name != "PORT"
        } | {
            "SANDPIT": str(sandpit),
            "SANDPIT_CONFIG": str(self.folder / "sandpit.toml"),
            "SANDPIT_FOLDER": str(self.folder),
            "SANDPIT_OPERATOR__TOKEN_FILE": str(self.folder / "operator.token"),
            "SANDPIT_SANDBOX__CACHE_FOLDER": str(ROOT / "target/clients-cache"),
            # What a client leaves behind that was killed: not to wait a minute for it.
            "SANDPIT_SERVER__SESSION_LEFT_SECONDS": "2",
        }
        self.port = 0
        self.process = None

    def start(self):
        """Starts the demo, at first on any free port."""
        log = open(self.folder / "log", "a")
        command = [self.sandpit, "demo", "--port", str(self.port), "--gateway", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            command + ["--tools", self.folder / "tools"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        for line in self.process.stdout:
            if found := re.search(r" at http://127\.0\.0\.1:(\d+)/api/v1", line):
                self.port = int(found[1])
                self.environment["SANDPIT_URL"] = f"http://127.0.0.1:{self.port}/api/v1/mcp"
                # Whatever else it prints must not fill the pipe.
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return
        raise SystemExit(f"the demo did not start:\n{(self.folder / 'log').read_text()}")

    def stop(self):
        """Asks it to stop, and waits until it has."""
        self.process.terminate()
        self.process.wait(PATIENCE)

    def run(self, command):
        """Runs a script, and starts the host again when the script asks for it."""
        script = subprocess.Popen(command, env=self.environment, cwd=HERE)
        trigger = self.folder / "restart"
        while script.poll() is None:
            if trigger.exists():
                self.stop()
                self.start()
                trigger.unlink()
            time.sleep(0.05)
        return script.returncode

    def close(self):
        """Ends it and removes its folder."""
        with contextlib.suppress(ProcessLookupError):
            self.stop()
        shutil.rmtree(self.folder)


def node():
    """The folder with Node.js and the clients for it, and our scripts in it."""
    fetched = subprocess.run(
        [ROOT / "scripts/clients", "node"], check=True, stdout=subprocess.PIPE, text=True
    )
    folder = pathlib.Path(fetched.stdout.strip())
    # Node looks for packages beside the script.
    shutil.copytree(HERE / "node", folder / "sandpit", dirs_exist_ok=True)
    shutil.copy(HERE / "calls.json", folder / "sandpit")
    return folder


def python(script, *arguments):
    return lambda: [sys.executable, HERE / "python" / script, *arguments]


def typescript(script, *arguments):
    def command():
        folder = node()
        return [folder / "node_modules/.bin/node", folder / "sandpit" / script, *arguments]

    return command


def inspector(era):
    return lambda: [sys.executable, HERE / "python/inspector.py", node() / "node_modules/.bin", era]


# Name, how it is started, and which orders a person has to confirm.
CLIENTS = {
    "mcp modern": (python("mcp_client.py", "modern"), "all"),
    "mcp legacy": (python("mcp_client.py", "legacy"), "all"),
    "fastmcp modern": (python("fastmcp_client.py", "modern"), "all"),
    "fastmcp legacy": (python("fastmcp_client.py", "legacy"), "all"),
    "typescript": (typescript("sdk.mjs"), "all"),
    "inspector modern": (inspector("modern"), "never"),
    "inspector legacy": (inspector("legacy"), "never"),
    "stdio": (python("stdio_client.py"), "never"),
    "stdio typescript": (typescript("stdio.mjs"), "never"),
    "documentation": (python("documentation.py"), "never"),
    "killed": (python("killed.py"), "never"),
}


def main():
    sandpit = pathlib.Path(sys.argv[1]).resolve()
    failed = []
    for name in sys.argv[2:] or CLIENTS:
        command, confirmation = CLIENTS[name]
        print(f"{name}", flush=True)
        host = Host(sandpit, confirmation)
        try:
            host.start()
            if host.run(command()) != 0:
                failed.append(name)
                print(f"--- the end of the host's log\n{(host.folder / 'log').read_text()[-4000:]}")
        finally:
            host.close()
    if failed:
        sys.exit(f"These clients found something: {', '.join(failed)}")
    print("All clients are content.")


main()
