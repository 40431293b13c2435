"""The key pair of the sandbox's JWT logins: the same in every sandbox, and of use nowhere else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

# RSA of 2048 bits, PKCS 8, base64.
_BODY = (
    "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDOXjCN0JRvJP8s+WLHRs+nnIpQ9lzk"
    "GIHzT1CxoRoea9oa5ZGSDGIbyOHYFyJMK+rGnsIHmTmutpNs0kWVAejH5EewvGn4XCAOwpgg7TyUQD5Q"
    "Y0sNFy3ZW15emWiAY64cn+qc/N1fJaUJ021Wpglaf4ggA/soHgKe3h5W52rupJ1e5aLJHGqy7L5Mg8AX"
    "7tQOUn1yLT24O5fksMIRb49S82Aei/tDRWQhUTlVZuyIuHv+KDWOFI39oOPyX91BRjFN+N2X+tPIOP3m"
    "pEnPLJMMw3DI9AzJXLdJRJfyzLH79kbYgpQYNGEC6oF/PnnFMpp+x9WW2xuDtKT5ygTNaR6BAgMBAAEC"
    "ggEAANozgaM+Dj0hZYxGE0DuZwAjs6S82ZTLmUZ7tLBg3rjL0O905ovw+u1/hsQswt+Lw0d7niz7sChl"
    "Y9n9WPM5Ju0BOyF99OO7UdTSBjNTCxRPlQs/8cGMCS6JtfYDrfbfsyQiJclYLoY9Q0gksFEDV+kHXp7h"
    "2v8lZsqckSsFfVxVbFqLis+iZC2VHPYZAG/OWabFTZWRm3vVm/aUZf8yGX1+oJAmceZsSjgdECQZGg06"
    "zjgM/Zy1OHI92RU1qrhh+77nL4ojQwgtmUp++j9Fl7YhxcSLiMnOxQr98MuM9v060EjJzSdo7yZ1ZNIf"
    "A2+RL/izFxg/VbxDEAl3dQlD9QKBgQD6xnVLfgXBIvpg3tgpf0jhF0e4xTCJ/W3CnkLJerKuT3krivMm"
    "TJBmwsDfc1JSBM7n+JbRV9NBY4G53sdxE0esaT54c2gUVEZJ31EeJWe+oziehmvFJSNu22rV64Gu8nsn"
    "UzerQbF0O8UAX6hXByz7rL0sFfXTZyL/SZsro5ePZQKBgQDSquEkT7KVX904TDI0QKd5gdvq6ToO1cQN"
    "G8FH8a17d/fhM3Nve+ZJ63phDQHaWp3A3het8+1xZ1rUxyPDlh9FM5XX7tECOGgS5rePhopEAueZZ5LS"
    "suwJ6gRlPxXFst7p0e2v+VH+S9vFzgA/oOU00/ILsak2yf3kA7JsjnkG7QKBgQCx35SREHlabcn0bfwb"
    "Kwpxhga8Wzm7lsOEuKacrGgS1ZIXvX4MG2CNUvRlSjIItRphVWT8ZfQVPFRml0sVvFwpQZkq7IjVapVU"
    "jo7F+Dgm8zUU1Dma42XHmuCjjWE1yw5pbVBeK8GHtWFdi3wnBpL0jKi9nXH5Gf2r3/StNmMpNQKBgB4h"
    "HFQSJethK4VquF9qw8kH/ojpVElc3040ov8EHJik/smxjxfps3Ts/bK1pocxIJC98ssJMPNgIch+tqm5"
    "Zb2C9DJO0Iutv4y8fJJFXq79b1wsSP5jYojEdF56mEWPIHx2brUVRlnFRahTnwt6mm1kxqBPh3DzkKE0"
    "uib2dW69AoGBAJ6svhqI7FwNwXDXiqrbD2iPp4Q+SNDAA48iPVn0anBF1uF7eesMHyHwN5zTCJUSWsMf"
    "Fbbr1GJrzt3LSH959rgi8HFjAsHIw6cL6eWd+NFilvy9h2O8qwOaLnjuoQOnoX7QIts9qE7KvqSgiHqy"
    "lSFcYyp4r0IxSOLEckSbctG7"
)
_LINE = 64


def private_pem() -> str:
    """The key that clients sign with, in PEM."""
    lines = [_BODY[at : at + _LINE] for at in range(0, len(_BODY), _LINE)]
    begin, end = (f"-----{word} PRIVATE KEY-----" for word in ("BEGIN", "END"))
    return "\n".join([begin, *lines, end, ""])


@cache
def public_key() -> RSAPublicKey:
    """The key that signatures are checked with."""
    # Imported here: a sandbox that nobody logs in to starts without it.
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    private: Any = load_pem_private_key(private_pem().encode("ascii"), password=None)
    public: RSAPublicKey = private.public_key()
    return public
