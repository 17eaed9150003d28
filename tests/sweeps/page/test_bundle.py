"""ES modules become one script that a browser without modules runs."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from sweeps.page.bundle import BundleError, bundle

MODULES = {
    "main.js": 'import { twice, half as halved } from "./sums.js";\nimport {\n  START,\n} from "./start.js";\n'
    "const hidden = 5;\nconsole.log(twice(START), halved(START), hidden);\n",
    "sums.js": 'import { START } from "./start.js";\nconst hidden = START;\n'
    "export function twice(value) {\n  return value * 2 + hidden - hidden;\n}\n"
    "export const half = (value) => value / 2;\n",
    "start.js": 'console.log("once");\nexport const START = 8;\n',
}


def bundled(**changes):
    modules = {**MODULES, **{f"{name}.js": text for name, text in changes.items()}}
    return bundle("main.js", modules.__getitem__)


def test_a_module_stands_after_what_it_imports_and_once():
    text = bundled()
    places = [text.index(f"// {name}.js") for name in ("start", "sums", "main")]
    assert places == sorted(places) and text.count("// start.js") == 1
    assert "import" not in text and "export" not in text


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")
def test_it_does_what_the_modules_do(tmp_path):
    for name, text in MODULES.items():
        (tmp_path / name.replace(".js", ".mjs")).write_text(text.replace('.js"', '.mjs"'))
    (tmp_path / "bundle.cjs").write_text(bundled())
    said = [
        subprocess.run(["node", tmp_path / name], capture_output=True, text=True, check=True).stdout
        for name in ("main.mjs", "bundle.cjs")
    ]
    assert said[0] == said[1] == "once\n16 4 5\n"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"start": 'import { twice } from "./sums.js";\nexport const START = 1;\n'}, "main.js > sums.js > start.js > sums.js"),  # noqa: E501
        ({"start": "const START = 8;\n"}, "sums.js: imports START, which start.js does not export"),
        ({"start": "export let START = 8;\n"}, "start.js: must import and export by name"),
        ({"start": "export default 8;\n"}, "export default 8"),
        ({"start": 'import "./sums.js";\nexport const START = 1;\n'}, "start.js: must import"),
        ({"start": 'import * as all from "./other.js";\nexport const START = 1;\n'}, "start.js: must import"),
    ],
)  # fmt: skip
def test_what_it_does_not_understand_is_refused(changes, said):
    with pytest.raises(BundleError, match=said.replace(".", r"\.")):
        bundled(**changes)
