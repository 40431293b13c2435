"""Short forms of given names, and the names they stand for.

A short form may stand for several names; two of these are not made equal by it.
"""

from __future__ import annotations

from collections import defaultdict

_SHORT_FORMS = {
    "abigail": "abby abbie gail",
    "albert": "al bert bertie",
    "alexander": "alex al sandy sasha xander",
    "alexandra": "alex lexi sandra sandy sasha",
    "alfred": "al alf fred freddie",
    "amanda": "mandy",
    "andrea": "andie",
    "andrew": "andy drew",
    "angela": "angie",
    "anthony": "tony ant",
    "barbara": "barb babs",
    "benjamin": "ben benny benji",
    "bernard": "bernie",
    "bradley": "brad",
    "cameron": "cam",
    "catherine": "cathy cate kate katie kitty",
    "charles": "charlie chuck chas",
    "christina": "chris chrissy tina",
    "christine": "chris chrissy tina",
    "christopher": "chris kit topher",
    "cynthia": "cindy",
    "daniel": "dan danny",
    "david": "dave davey",
    "deborah": "deb debbie",
    "dennis": "denny",
    "donald": "don donnie",
    "dorothy": "dot dottie dolly",
    "douglas": "doug",
    "edward": "ed eddie ned ted teddy",
    "elizabeth": "liz lizzie beth betsy betty eliza lisa libby",
    "eugene": "gene",
    "florence": "flo",
    "frances": "fran frankie",
    "francis": "frank frankie",
    "franklin": "frank",
    "frederick": "fred freddie rick",
    "gabriel": "gabe",
    "gerald": "gerry jerry",
    "gregory": "greg",
    "harold": "hal harry",
    "henry": "hank harry hal",
    "isabella": "bella izzy",
    "jacob": "jake",
    "james": "jim jimmy jamie",
    "janet": "jan",
    "jeffrey": "jeff",
    "jennifer": "jen jenny",
    "jeremy": "jerry jez",
    "jessica": "jess jessie",
    "johannes": "hans hannes",
    "john": "johnny jack",
    "jonathan": "jon jonny",
    "joseph": "joe joey",
    "joshua": "josh",
    "judith": "judy",
    "katherine": "kathy kate katie kat",
    "kathleen": "kathy kath",
    "kenneth": "ken kenny",
    "kimberly": "kim",
    "lawrence": "larry laurie",
    "leonard": "len lenny leo",
    "louis": "lou louie",
    "margaret": "maggie meg peggy marge greta",
    "martin": "marty",
    "matthew": "matt",
    "maximilian": "max",
    "michael": "mike mick micky",
    "michelle": "shelly",
    "nancy": "nan",
    "nathan": "nate",
    "nathaniel": "nate nat",
    "nicholas": "nick nicky",
    "nicole": "nicky nikki",
    "oliver": "ollie",
    "pamela": "pam",
    "patricia": "pat patty tricia trish",
    "patrick": "pat paddy",
    "peter": "pete",
    "philip": "phil",
    "rachel": "rach",
    "raymond": "ray",
    "rebecca": "becky becca",
    "richard": "rich rick ricky dick",
    "robert": "rob robbie bob bobby bert",
    "ronald": "ron ronnie",
    "russell": "russ",
    "samantha": "sam",
    "samuel": "sam sammy",
    "sebastian": "seb bas",
    "solomon": "sol",
    "stephanie": "steph",
    "stephen": "steve",
    "steven": "steve",
    "susan": "sue susie",
    "theodore": "theo ted teddy",
    "theresa": "terry tess",
    "thomas": "tom tommy",
    "timothy": "tim timmy",
    "victoria": "vicky tori",
    "vincent": "vince vinny",
    "walter": "walt wally",
    "william": "will bill billy willy liam",
    "zachary": "zach zack",
}


def _stand_for() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for name, shorts in _SHORT_FORMS.items():
        for short in shorts.split():
            found[short].add(name)
    return {short: frozenset(names) for short, names in found.items()}


_STANDS_FOR = _stand_for()


def names_meant(word: str) -> frozenset[str]:
    """Return a given name (folded) and the names it may be short for."""
    return _STANDS_FOR.get(word, frozenset()) | {word}
