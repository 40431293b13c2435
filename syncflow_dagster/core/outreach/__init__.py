"""Rules of outreach on LinkedIn: sequences, leads, limits, texts, and who answered."""
