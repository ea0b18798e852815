"""The REST service: a Flask application over class Oms, for the server in `oms_http.server` or any other."""
