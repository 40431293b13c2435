"""Which records are about one person: fixed rules in tiers, each with its evidence in words.

Nothing here guesses: a person is taken for the same by an id, by an address, or by the name and
something beside it. What is less than that is a question to people.
"""
