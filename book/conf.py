"""Sphinx's settings. Everything a page loads lies in the site itself: no address of another machine may appear here."""

project = "Generative models: from linear prediction to diffusion"
html_title = project
html_short_title = "Generative models"
language = "en"

extensions = ["myst_nb", "sphinx.ext.mathjax"]
# Whatever else lies in the folder (problem sets, the notebooks to download) is a file to fetch, not a page.
include_patterns = ["index.md", "measured.md", "instructors/*.md", "notebooks/*.ipynb"]
nitpicky = True

# `course run` has executed the lectures; a widget's own scripts would come from another machine, so its static twin is shown.
nb_execution_mode = "off"
nb_ipywidgets_js = {}
nb_merge_streams = True
nb_output_stderr = "remove"  # progress bars
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "dollarmath"]
myst_dmath_double_inline = True  # a formula may follow its sentence without an empty line, as Jupyter allows
myst_heading_anchors = 3

mathjax_path = "mathjax/tex-chtml-full.js"
mathjax3_config = {"options": {"enableMenu": False}}  # the menu fetches files that the site does not carry

html_theme = "sphinx_book_theme"
html_static_path = ["_static"]
html_css_files = ["course.css"]
html_js_files = [("search_summary.js", {"defer": "defer"})]
html_favicon = "_static/favicon.svg"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
html_context = {"default_mode": "auto"}  # light or dark as the reader's system is
html_theme_options = {
    "logo": {"text": html_short_title},
    "navbar_persistent": [],  # the search stands at the side
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "toc_title": "On this page",
    "use_download_button": False,  # each lecture's first lines hand out the notebook without outputs
    "use_fullscreen_button": False,
    "footer_content_items": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
