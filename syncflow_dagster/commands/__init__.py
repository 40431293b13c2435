"""What the commands of the command line do; `cli` only reads options and prints."""


class CommandFailed(Exception):
    """A command cannot do its work; the text is one line that says why and what to do."""
