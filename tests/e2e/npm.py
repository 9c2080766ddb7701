# SPDX-License-Identifier: MIT
"""Packages of tests/npm, as its package-lock.json pins them."""
import fcntl
import os
import shutil

from harness import Skip, check, need

SOURCE = os.path.join(os.path.dirname(__file__), "../npm")
FILES = ("package.json", "package-lock.json")
NO_NETWORK = (b"ENOTFOUND", b"EAI_AGAIN", b"ECONNREFUSED", b"ENETUNREACH", b"ETIMEDOUT",
              b"ECONNRESET", b"EHOSTUNREACH", b"ENOTCACHED")


def is_current(folder):
    def content(path):
        try:
            with open(path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None
    return (os.path.isdir(os.path.join(folder, "node_modules")) and
            all(content(os.path.join(folder, name)) == content(os.path.join(SOURCE, name))
                for name in FILES))


def package(tools, name):
    """The folder of a package, which is installed beside the fixtures once. Skips the case where
    there is no network."""
    npm = need("npm")
    folder = os.path.join(os.path.dirname(os.path.abspath(tools.fixtures)), "npm")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_current(folder):
            for file in FILES:
                shutil.copy(os.path.join(SOURCE, file), folder)
            shutil.rmtree(os.path.join(folder, "node_modules"), ignore_errors=True)
            result = tools.run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund",
                               "--prefix", folder, cwd=folder)
            if result.returncode:
                shutil.rmtree(os.path.join(folder, "node_modules"), ignore_errors=True)
                if any(error in result.stderr for error in NO_NETWORK):
                    raise Skip("npm has no network")
            check(result.returncode == 0, f"npm ci: {result.stderr}")
    return os.path.join(folder, "node_modules", name)
