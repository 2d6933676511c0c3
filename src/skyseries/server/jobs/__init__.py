"""Jobs that last (UWS 1.1): what clients ask for, and come back to, also after a restart.

`store` keeps them, `files` what belongs to them, `recovery` sets right what a killed server left;
`runner` brings them to the workers (each job by an `attempt`), `uwsxml` shows them to clients.

No job is lost or done twice, and no half result is shown, wherever a server is killed: a worker
writes a result beside its name, syncs it, and renames it; then the names of the folder are synced;
only then the job says that it is completed. All other files are nobody's, and go at the next start.
"""
