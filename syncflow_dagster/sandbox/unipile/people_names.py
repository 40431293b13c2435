"""Names of made-up members of LinkedIn by language, and what their profiles add to them."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from syncflow_dagster.sandbox.salesforce import people_names

if TYPE_CHECKING:
    from collections.abc import Mapping

# Language: given names, family names, place, country.
ABROAD: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], str, str]] = {
    "de": (
        ("Jürgen", "Anke", "Björn", "Käthe", "Sören", "Ulrike"),
        ("Müller", "Schröder", "Groß", "Weiß-Köhler", "Jäger", "von der Heide"),
        "Köln, Deutschland",
        "DE",
    ),
    "es": (
        ("José", "María José", "Íñigo", "Núria", "Raúl", "Begoña"),
        ("Núñez", "García Márquez", "Ibáñez", "Peña", "Domínguez", "de la Cruz"),
        "Málaga, España",
        "ES",
    ),
    "fr": (
        ("François", "Chloé", "Hélène", "Jean-Noël", "Anaïs", "Gaël"),
        ("Lefèvre", "d'Aubigné", "Noël", "Le Gall", "Brontë", "Gonçalves"),
        "Genève, Suisse",
        "CH",
    ),
    "it": (
        ("Niccolò", "Giulia", "Desirée", "Salvatore", "Zoë", "Noè"),
        ("D'Angelo", "De Nicolò", "Forlì", "Bianchi", "Lo Presti", "Papà"),
        "Forlì, Italia",
        "IT",
    ),
    "nl": (
        ("Anneke", "Daniël", "Renée", "Joost", "Loïs", "Noé"),
        ("van den Berg", "de Vries", "'t Hart", "Coëlho", "Jansen", "IJzerman"),
        "Utrecht, Nederland",
        "NL",
    ),
    "pt": (
        ("João", "Conceição", "Luís", "Antónia", "Estêvão", "Inês"),
        ("Gonçalves", "Araújo", "Magalhães", "Conceição", "Sá", "dos Santos"),
        "São Paulo, Brasil",
        "BR",
    ),
    "fa": (
        ("لیلا", "محمد رضا", "آرش", "نسرین", "سارا", "کامران"),
        ("حسینی", "رضایی", "کریمی", "احمدی", "موسوی", "نجفی"),
        "تهران",
        "IR",
    ),
}
PLACES = (
    ("Austin, Texas, United States", "US"),
    ("Leeds, England, United Kingdom", "GB"),
    ("Toronto, Ontario, Canada", "CA"),
    ("Dublin, Ireland", "IE"),
)
POSITIONS = (
    "Head of Operations",
    "Chief Operating Officer",
    "VP Operations",
    "Director, Business Systems",
    "RevOps Lead",
    "Operations & Data Manager",
)
# How people decorate a first name of theirs: (before, after).
DECORATIONS = (("🚀 ", ""), ("Dr. ", ""), ("", " 🦄"), ("", " (she/her)"), ("", ", MBA"))


def name(number: int) -> tuple[str, str]:
    """A first and a last name that no other number has."""
    # Two lists whose lengths have no common factor meet in every pair once before they repeat.
    again, place = divmod(number, len(people_names.FIRST) * len(people_names.LAST))
    first = people_names.FIRST[place % len(people_names.FIRST)]
    last = place % len(people_names.LAST)
    return first, people_names.family_name(last + again * len(people_names.LAST))


def company(number: int) -> str:
    """The n-th company's name."""
    rest, at_name = divmod(number, len(people_names.COMPANY))
    kind = people_names.KIND[rest % len(people_names.KIND)]
    return f"{people_names.COMPANY[at_name]} {kind}"


def slug(first_name: str, last_name: str, number: int, *, plain: bool) -> str:
    """The public part of a profile's address, such as `jane-doe-00042`.

    Args:
        first_name: As it is called.
        last_name: The same.
        number: Makes it the only one.
        plain: In ASCII, as LinkedIn makes most; else the name's own letters stay.
    """
    whole = f"{first_name} {last_name}".casefold()
    if plain:
        apart = unicodedata.normalize("NFKD", whole.replace("ß", "ss"))
        whole = apart.encode("ascii", "ignore").decode()
    words = re.findall(r"\w+", unicodedata.normalize("NFC", whole))
    return "-".join([*(words or ["member"]), f"{number:05d}"])
