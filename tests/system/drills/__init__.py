"""The drills of docs/production: what each page tells an operator to do, done while orders come in."""
