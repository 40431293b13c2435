"""monday.com over real HTTP: stateful, limited, faulty on demand; API version 2026-10."""
