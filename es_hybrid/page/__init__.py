"""The page: rerank texts, see a search stage by stage, decide on pairs of an alignment.

blocks     the three tabs put together, in one language
tabs/      one tab each: its fields, its buttons, and which call of the library answers them
render     the library's results as HTML, by `templates/`; words/ has its texts
library    the parts of the library that the tabs call
app        the page as an ASGI application, made when it is first asked for
server     `es-hybrid ui`: the page by itself

It computes nothing of its own: what it shows comes from the library.
"""
