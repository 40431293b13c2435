"""The fault matrix: every fault on the real workflow, judged by the sandbox's log."""
