"""Sphinx settings. The site builds offline: no inventories, no fonts and no scripts are fetched."""

import inspect
import runpy
from pathlib import Path

import lungdet

project = "lungdet"
author = "the lungdet developers"
copyright = "the lungdet developers, Apache-2.0"
version = release = lungdet.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "_generated"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"lungdet {release}"
html_static_path = ["_static"]


# `make docs` lets examples/real_ct_marks.py write this page first, if there is a real CT.
_real_ct = Path(__file__).parent / "_generated" / "real_ct.md"
if not _real_ct.exists():
    _real_ct.parent.mkdir(exist_ok=True)
    _real_ct.write_text(runpy.run_path(str(_real_ct.parents[2] / "examples" / "real_ct_marks.py"))["ABSENT"])


def _signature_of_init(app, what, name, obj, options, signature, return_annotation):
    """Show what ``__init__`` takes: MONAI's ``MapTransform.__new__(*args, **kwargs)`` would hide it."""
    if what == "class" and (signature or "").startswith("(*args"):
        parameters = list(inspect.signature(obj.__init__).parameters.values())[1:]
        bare = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
        return str(inspect.Signature(bare)), return_annotation
    return None


def setup(app):
    app.connect("autodoc-process-signature", _signature_of_init)
