"""How much an account does at most, by its subscription.

LinkedIn publishes next to no numbers. These are deliberately below what Unipile advises
(developer.unipile.com/docs/provider-limits-and-restrictions: 80 to 100 invitations a day and 200 a
week, 100 messages, 80 to 100 profiles, 30 to 50 InMails a day; of a free account 150 invitations a
week) and below what other tools let through.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

Tier = Literal["free", "premium", "sales_navigator", "recruiter"]
#: What is counted together, and what the service refuses together.
Bucket = Literal["invite", "message", "inmail", "profile", "withdraw", "read"]
Window = Literal["day", "week"]

#: Windows roll: they end now.
WINDOWS: dict[Window, timedelta] = {"day": timedelta(days=1), "week": timedelta(days=7)}

#: The bucket each kind of action counts in.
BUCKET_OF_KIND: dict[str, Bucket] = {
    "invite": "invite",
    "message": "message",
    "inmail": "inmail",
    "view_profile": "profile",
    "withdraw": "withdraw",
}

_INVITES: dict[Tier, dict[Window, int]] = {
    "free": {"day": 10, "week": 50},
    "premium": {"day": 15, "week": 80},
    "sales_navigator": {"day": 20, "week": 100},
    "recruiter": {"day": 25, "week": 100},
}
_MESSAGES: dict[Tier, int] = {"free": 30, "premium": 50, "sales_navigator": 50, "recruiter": 50}
_INMAILS: dict[Tier, int] = {"free": 5, "premium": 15, "sales_navigator": 25, "recruiter": 30}

#: Most of each bucket, for each tier and window. `profile` are profiles read, visited or looked
#: at before an action; `read` are pages of connections and of invitations that are out.
CAPS: dict[Tier, dict[Bucket, dict[Window, int]]] = {
    tier: {
        "invite": invites,
        "message": {"day": _MESSAGES[tier]},
        "inmail": {"day": _INMAILS[tier]},
        "profile": {"day": 50},
        "withdraw": {"day": 25},
        "read": {"day": 100},
    }
    for tier, invites in _INVITES.items()
}

#: Notes that may go with invitations in 30 days (linkedin.com/help/linkedin/answer/a550555 for
#: free accounts); None: as many as invitations.
NOTES_A_MONTH: dict[Tier, int | None] = {
    "free": 5,
    "premium": None,
    "sales_navigator": None,
    "recruiter": None,
}
NOTES_WINDOW = timedelta(days=30)
