"""ES modules as one script, with Python alone: whoever opens a page has no build step, and whoever renders it no node.

What is understood is what these modules need, and nothing else passes in silence:

    import { one, other as another } from "./module.js";      at a module's top
    export function one() ...    export const other = ...    export class, export async function

Every module becomes a function of its own, called once, after those that it imports; so names stay private, as they
are in a browser, and a circle of imports, which only live bindings could serve, is refused with its modules named.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath

IMPORT = re.compile(r'^import \{(?P<names>[^}]*)\} from "\./(?P<module>[\w-]+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?P<kind>async function\*?|function\*?|const|class) (?P<name>[\w$]+)", re.MULTILINE)
STRAY = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)


class BundleError(ValueError):
    """A module that cannot be bundled: its name, the rule, what stands there."""


def bundle(entry: str, read: Callable[[str], str]) -> str:
    """One script that does what the module `entry` does; `read` gives a module's text by its file name."""
    ordered: dict[str, str] = {}
    exported: dict[str, set[str]] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise BundleError(f"modules must not import each other in a circle: {' > '.join((*path, name))}")
        if name in ordered:
            return
        text = read(name)
        found = list(IMPORT.finditer(text))
        for one in found:
            visit(one["module"], (*path, name))
        exported[name] = {one["name"] for one in EXPORT.finditer(text)}
        heads = []
        for one in found:
            pairs = [[part.strip() for part in pair.split(" as ")] for pair in one["names"].split(",") if pair.strip()]
            for pair in pairs:
                if pair[0] not in exported[one["module"]]:
                    raise BundleError(f"{name}: imports {pair[0]}, which {one['module']} does not export")
            heads.append(f"const {{ {', '.join(': '.join(pair) for pair in pairs)} }} = {_constant(one['module'])};")
        body = EXPORT.sub(r"\g<kind> \g<name>", IMPORT.sub("", text))
        if stray := STRAY.search(body):
            raise BundleError(f"{name}: must import and export by name at the start of a line, but has {stray[0]!r}")
        given = f"return {{ {', '.join(sorted(exported[name]))} }};"
        wrapped = [f"const {_constant(name)} = (() => {{ // {name}", *heads, body.strip(), given, "})();"]
        ordered[name] = "\n".join(wrapped)

    visit(entry, ())
    return "\n".join(ordered.values())


def _constant(module: str) -> str:
    return "module_" + re.sub(r"\W", "_", PurePosixPath(module).stem)
