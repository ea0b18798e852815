"""The files of deploy/: each is checked by what reads it, run where it can be, and compared with the code."""
