"""How commands are read from JSON and results shown in it: one reading and one showing for every driver."""
