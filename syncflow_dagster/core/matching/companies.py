"""Companies: when two records name the same one."""

from __future__ import annotations

from functools import lru_cache

from syncflow_dagster.core.matching.names import fold

_LEGAL_FORMS = frozenset(
    {"ab", "ag", "aps", "as", "asa", "bv", "co", "company", "corp", "corporation", "gmbh"}
    | {"inc", "incorporated", "kg", "kgaa", "kk", "limited", "llc", "llp"}
    | {"lp", "ltd", "nv", "oy", "oyj", "plc", "pte", "pty", "sa", "sarl", "sas", "se", "sl"}
    | {"spa", "srl"}
)


@lru_cache(maxsize=65_536)
def company_key(name: str | None) -> str | None:
    """Return what company names are compared by; None where there is no name.

    Legal forms at the end and a leading article say nothing: `ACME Inc.` is `Acme, Inc`.
    """
    words = fold((name or "").replace("&", " and ")).split()
    if words[:1] == ["the"] and len(words) > 1:
        words = words[1:]
    while len(words) > 1 and (words[-1] in _LEGAL_FORMS or words[-1] == "and"):
        words.pop()
    return " ".join(words) or None


def is_other_company(
    account: str | None, company: str | None, new_account: str | None, new_company: str | None
) -> bool:
    """Tell whether somebody is at another company than before.

    The same account under a new name is no other company, nor is a second account of the same
    name; where one of two sides is not known, nothing is said.

    Args:
        account: Id of the former company's record.
        company: Its name.
        new_account: Id of the new company's record.
        new_company: Its name.
    """
    accounts, names = (account, new_account), (company_key(company), company_key(new_company))
    if None not in accounts and account == new_account:
        return False
    if None not in names:
        return names[0] != names[1]
    return None not in accounts
