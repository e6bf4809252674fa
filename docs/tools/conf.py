"""Sphinx's configuration for the documentation site; docs/tools/build.py runs it."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "src"))

from mongodriver._version import __version__  # noqa: E402

project = "mongodriverx"
author = "the authors of mongodriverx"
copyright = author
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
]

# Pages: Markdown as code hosts read it, and nothing more.
myst_heading_anchors = 4

# The reference. Docstrings name code by single backticks: a link where it is documented.
default_role = "py:obj"
autodoc_default_options = {
    "members": True,
    "inherited-members": "object,int,str,bytes,dict,tuple,Exception,BaseException,Enum",
    "member-order": "bysource",
}
autoclass_content = "both"
autodoc_typehints = "none"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"

templates_path: list[str] = []
html_theme = "furo"
html_title = f"mongodriverx {release}"
html_static_path = [str(Path(__file__).with_name("static"))]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#00796b", "color-brand-content": "#00796b"},
    "dark_css_variables": {"color-brand-primary": "#4db6ac", "color-brand-content": "#4db6ac"},
}
pygments_style = "tango"
pygments_dark_style = "native"
copybutton_exclude = ".linenos, .gp, .go"
