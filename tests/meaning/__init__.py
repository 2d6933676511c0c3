"""Meaning is kept: each entry, in each unit, from each container, gives the same answer.

`entries` finds what takes numbers with a meaning, by inspecting signatures; `kinds` says in which
units they come; `arrays`, `scalars`, `tables` and `files` in what they come; `cases` how to call
each of them; `pairs` chooses what is tried each time (``pytest --whole`` tries everything).
"""
