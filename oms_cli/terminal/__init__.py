"""What passes between a person and a command: arguments, output, messages, exit codes, streams."""
