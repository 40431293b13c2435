"""Names of made-up people and companies, the awkward ones among them."""

_FIRST = (
    "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara "
    "Richard Susan Joseph Jessica Thomas Sarah Charles Karen Daniel Nancy Matthew Lisa Anthony "
    "Betty Mark Sandra Donald Ashley Steven Emily Andrew Kimberly Paul Donna Joshua Carol Kenneth "
    "Michelle Kevin Amanda Brian Melissa George Deborah Timothy Stephanie Ronald Rebecca Priya "
    "Wei Yuki Fatima Omar Ingrid Pierre Giulia Hiroshi Aisha Carlos Olga Mateus Leila Anneke"
)
_LAST = (
    "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez "
    "Gonzalez Wilson Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris "
    "Sanchez Clark Ramirez Lewis Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill "
    "Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell Carter Roberts Gomez Phillips "
    "Evans Turner Diaz Parker Cruz Edwards Collins Reyes Stewart Morris Morales Murphy Cook Rogers"
)
FIRST = _FIRST.split()
LAST = _LAST.split()
# A person's two spellings: composed and decomposed, with and without marks, another script,
# words that a CSV reader takes for null, quotes and separators.
SPELLINGS = (
    (("Zoë", "Brontë"), ("Zoe", "Bronte")),
    (("José", "Núñez"), ("José", "Núñez")),
    (("Łukasz", "Wałęsa"), ("Lukasz", "Walesa")),
    (("Søren", "Ångström"), ("Soren", "Angstrom")),
    (("李", "雷"), ("李", "雷")),
    (("מרים", "כהן"), ("מרים", "כהן")),
    (("İpek", "Y\u0131ld\u0131z"), ("Ipek", "Yildiz")),
    (("Siobhán", "O'Brien"), ("Siobhan", "O\u2019Brien")),
    (("Jean-Luc", 'd"Arc, fils'), ("Jean Luc", 'd"Arc, fils')),
    (("Null", "NA"), ("Null", "NA")),
    (("Ana\u00a0María", "Straße"), ("Ana Maria", "STRASSE")),
    (("Kim 🦄", "N/A"), ("Kim 🦄", "N/A")),
)
NICKNAMES = (
    ("Robert", "Bob"),
    ("William", "Bill"),
    ("Elizabeth", "Liz"),
    ("Michael", "Mike"),
    ("Jennifer", "Jen"),
    ("Katherine", "Kate"),
)
_COMPANY = (
    "Northwind Acme Globex Initech Umbrella Hooli Stark Wayne Wonka Cyberdyne Tyrell Aperture "
    "Vandelay Soylent Gringotts Oceanic Massive Pied Vehement Bluth Dunder Sterling Prestige"
)
COMPANY = _COMPANY.split()
KIND = ("Systems", "Industries", "Labs", "Group", "Holdings", "Software", "Logistics", "Energy")
TITLES = (
    "Chief Executive Officer",
    "VP Sales",
    "Head of Operations",
    "Software Engineer",
    "Director of Marketing",
    "Data Analyst",
    "Account Manager",
    "Procurement Lead",
)
CITIES = (
    ("Paris", "75001", "France"),
    ("Berlin", "10115", "Germany"),
    ("Austin", "78701", "United States"),
    ("São Paulo", "01310-100", "Brazil"),
    ("東京", "100-0001", "Japan"),
)


def family_name(number: int) -> str:
    """The n-th family name; behind the simple ones come double ones, then numbered ones."""
    rest, at_first = divmod(number, len(LAST))
    if not rest:
        return LAST[at_first]
    rest, at_second = divmod(rest - 1, len(LAST))
    return f"{LAST[at_first]}-{LAST[at_second]}" + (f" {rest + 1}" if rest else "")
