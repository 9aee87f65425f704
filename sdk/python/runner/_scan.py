"""What `runner build` asks about a project before it is built; run by the machine's Python.

Follows the imports from the handler's module through the project's own files, and prints
a JSON object: ``errors`` that would only show when a job runs, ``warnings`` of what is
drawn or read when the component is built, ``zones`` if time zones are used, ``reach``:
which of `REACH` it uses.
"""

from __future__ import annotations

import ast
import json
import os
import sys
from collections.abc import Iterator, Sequence

# What Python has on a machine, and not in a component.
ABSENT = {
    "bz2": "use zlib or gzip",
    "ctypes": "native code cannot be loaded",
    "curses": "there is no terminal",
    "fcntl": "there are no file locks",
    "grp": "there are no users",
    "lzma": "use zlib or gzip",
    "mmap": "read the file",
    "multiprocessing": "there are no processes; add jobs with runner.queue",
    "pty": "there is no terminal",
    "pwd": "there are no users",
    "readline": "there is no terminal",
    "resource": "the queue has the limits",
    "ssl": "HTTPS goes through urllib.request or runner.http",
    "syslog": "use logging",
    "termios": "there is no terminal",
    "tkinter": "there is no screen",
    "tty": "there is no terminal",
    "turtle": "there is no screen",
    "winreg": "this is not Windows",
}

# Interfaces that a component has only if it uses them: modules of `runner`.
REACH = ("sql", "kv", "blobs")

# Calls that give every job the same value when they run at import.
DRAWN = {
    "uuid": {"uuid1", "uuid4", "uuid6", "uuid7", "uuid8", "getnode"},
    "secrets": {"token_bytes", "token_hex", "token_urlsafe", "choice", "randbelow", "randbits"},
    "random": {
        "random", "randint", "randrange", "choice", "choices", "sample", "shuffle", "uniform",
        "gauss", "getrandbits", "randbytes",
    },
    "os": {"urandom", "getrandom"},
}  # fmt: skip
CLOCKS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "localtime", "gmtime"},
    "datetime": {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"},
}
ENVIRONMENT = {"os": {"getenv", "environ", "environ.get"}}


class Project:
    """Directories that are searched for modules, the project's own and others."""

    def __init__(self, root: str, own: list[str], others: list[str]) -> None:
        self.root = root
        self.own = own
        self.others = others
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self.zones = False
        self.reach: set[str] = set()
        self.has_handler = False
        self._seen: set[str] = set()

    def find(self, name: str, roots: list[str]) -> str | None:
        """The file of a module; that of a directory without ``__init__.py`` is the
        directory."""
        for root in roots:
            path = os.path.join(root, *name.split("."))
            for file in (path + ".py", os.path.join(path, "__init__.py")):
                if os.path.isfile(file):
                    return file
            if os.path.isdir(path):
                return path
        return None

    def follow(self, name: str) -> None:
        """Look at a module of the project, and at those it imports."""
        path = self.find(name, self.own)
        if path is None or path in self._seen or not path.endswith(".py"):
            return
        self._seen.add(path)
        with open(path, encoding="utf-8") as file:
            source = file.read()
        shown = os.path.relpath(path, self.root)
        try:
            tree = ast.parse(source, path)
        except SyntaxError as error:
            # What an older Python than the component's cannot read may be right.
            if sys.version_info >= (3, 14):
                self.errors.append(f"{shown}:{error.lineno}: {error.msg}")
            self.has_handler = True
            return
        package = name if path.endswith("__init__.py") else name.rpartition(".")[0]
        Look(self, shown, package).visit(tree)

    def reached(self, *names: str) -> None:
        """Names of `runner` are used."""
        self.reach.update(REACH if "*" in names else set(names).intersection(REACH))

    def imported(self, where: str, name: str, members: list[str], guarded: bool) -> None:
        """A module is imported at a place; `guarded` if the code copes without it."""
        top = name.partition(".")[0]
        if top in ("runner", "zoneinfo"):
            self.zones |= top == "zoneinfo"
            self.reached(*name.split(".")[1:2], *(members if name == "runner" else ()))
            return
        if self.find(top, self.own):
            self.follow(name)
            for member in members:
                self.follow(f"{name}.{member}")
            parent = name
            while "." in parent:
                parent = parent.rpartition(".")[0]
                self.follow(parent)
            return
        if guarded or self.find(top, self.others):
            return
        if top in ABSENT:
            self.errors.append(f"{where}: {top!r} is not in a component: {ABSENT[top]}")
        elif top not in sys.stdlib_module_names and top not in ("annotationlib", "compression"):
            self.errors.append(
                f"{where}: {top!r} is neither in the project nor in Python: add the package that "
                "has it to [project] dependencies in pyproject.toml"
            )


class Look(ast.NodeVisitor):
    """One module."""

    def __init__(self, project: Project, path: str, package: str) -> None:
        self.project = project
        self.path = path
        self.package = package
        self.names: dict[str, str] = {}
        self.depth = 0
        self.guards = 0

    def place(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 0)}"

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            self.names[bound] = alias.name if alias.asname else bound
            self.project.imported(self.place(node), alias.name, [], self.guards > 0)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        name = node.module or ""
        if node.level:
            base = self.package.split(".")
            base = base[: len(base) - node.level + 1]
            name = ".".join([*base, name] if name else base)
        for alias in node.names:
            self.names[alias.asname or alias.name] = f"{name}.{alias.name}"
        members = [alias.name for alias in node.names]
        if name:
            self.project.imported(self.place(node), name, members, self.guards > 0)

    def visit_Try(self, node: ast.Try) -> None:
        caught = " ".join(
            ast.unparse(one.type) if one.type else "Exception" for one in node.handlers
        )
        copes = any(kind in caught for kind in ("ImportError", "ModuleNotFound", "Exception"))
        self.guards += copes
        self.all(node.body)
        self.guards -= copes
        self.all([*node.handlers, *node.orelse, *node.finalbody])

    def all(self, nodes: Sequence[ast.AST]) -> None:
        for one in nodes:
            self.visit(one)

    def visit_If(self, node: ast.If) -> None:
        # Types are not imported when it runs.
        guarded = ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        self.guards += guarded
        self.generic_visit(node)
        self.guards -= guarded

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.all([*node.decorator_list, *node.args.defaults])
        self.all([one for one in node.args.kw_defaults if one])
        decorators = [ast.unparse(one).partition("(")[0] for one in node.decorator_list]
        if any(one in ("handler", "runner.handler") for one in decorators):
            self.project.has_handler = True
        if node.name == "handle" and not self.depth:
            self.project.has_handler = True
        self.depth += 1
        self.hashes = node.name == "__hash__"
        self.all(node.body)
        self.hashes = False
        self.depth -= 1

    hashes = False
    visit_FunctionDef = function
    visit_AsyncFunctionDef = function

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    def visit_Attribute(self, node: ast.Attribute) -> None:
        module, name = self.known(node)
        if module == "runner":
            self.project.reached(name.partition(".")[0])
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not self.depth and self.known(node.value) == ("os", "environ"):
            self.environment(node)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        module, name = self.known(node.func)
        written = f"{ast.unparse(node.func)}()"
        if name == "hash" and module == "" and not self.hashes:
            self.warn(
                node,
                "hash() of a text is the same in every job: its seed is that of the build; "
                "use hashlib for keys that nobody may guess",
            )
        if self.depth:
            self.generic_visit(node)
            return
        if name in DRAWN.get(module, ()):
            self.warn(
                node,
                f"{written} runs when the component is built: every job would have the same "
                "value; call it in the handler",
            )
        elif name in CLOCKS.get(module, ()):
            self.warn(
                node,
                f"{written} runs when the component is built: it is the time of the build; call "
                "it in the handler",
            )
        elif name in ENVIRONMENT.get(module, ()):
            self.environment(node)
        elif (module, name) in (("random", "seed"), ("random", "Random")) and node.args:
            self.warn(node, f"{written} has a seed of its own: every job has the same sequence")
        self.generic_visit(node)

    def environment(self, node: ast.AST) -> None:
        self.warn(
            node,
            "the environment is empty when the component is built; read it in the handler, or "
            "use runner.config",
        )

    def known(self, node: ast.expr) -> tuple[str, str]:
        """``("uuid", "uuid4")`` of what the module calls by whatever name."""
        written = ast.unparse(node)
        head, dot, rest = written.partition(".")
        if head not in self.names:
            return "", written
        full = self.names[head] + dot + rest
        module, _, name = full.partition(".")
        return module, name

    def warn(self, node: ast.AST, text: str) -> None:
        self.project.warnings.append(f"{self.place(node)}: {text}")


def native(root: str) -> Iterator[str]:
    """Files of native code under a directory, with the package they are in."""
    for directory, _, files in os.walk(root):
        for file in files:
            if file.endswith((".so", ".pyd", ".dylib")):
                within = os.path.relpath(os.path.join(directory, file), root)
                yield within


def main(root: str, module: str, own: list[str], others: list[str]) -> None:
    """Print what there is to say about a project."""
    project = Project(root, own, others)
    if project.find(module, own) is None:
        project.errors.append(f"there is no module {module!r} in the project")
    else:
        project.follow(module)
        if not project.errors and not project.has_handler:
            path = os.path.relpath(project.find(module, own) or "", root)
            project.errors.append(
                f"{path} has no handler: put @handler of runner above a function, or call it "
                "`handle`"
            )
    for directory in others:
        for file in sorted(native(directory)):
            package = file.partition(os.sep)[0]
            project.errors.append(
                f"{package} has native code ({file}), which a component cannot load: take a "
                "package of pure Python instead"
            )
            break
    told = {
        "errors": list(dict.fromkeys(project.errors)),
        "warnings": list(dict.fromkeys(project.warnings)),
        "zones": project.zones,
        "reach": sorted(project.reach),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    main(given["root"], given["module"], given["own"], given["others"])
