"""The archive: HATS catalogs as services of the Virtual Observatory.

How a statement travels: `web/` reads the request and asks `jobs/`, or `workers/` directly; a worker
process (`workers/worker.py`) runs it as `skyseries.sql` does, has it encoded by
`skyseries.formats.streams`, and sends the pieces, or writes a file; `documents/` makes the XML that
clients expect. The process of the server itself touches no rows and parses no statement.
"""
