"""Words and phrases by which people opt out, by language.

Phrases are patterns over folded text (`optout.folded_text`): small letters without accents or
punctuation, one blank between words. `turned` is what, right before a phrase, makes it say something
else.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """How people opt out in one language.

    Attributes:
        code: Two letters (ISO 639-1).
        alone: Words that are an opt-out where a sentence says nothing else, as people write them.
        phrases: Patterns that are one wherever they stand.
        turned: Patterns of words that turn round the phrase right behind them.
    """

    code: str
    alone: tuple[str, ...]
    phrases: tuple[str, ...]
    turned: tuple[str, ...]


#: Words that say nothing by themselves, of all languages, folded.
FILLERS = frozenset(
    "please pls plz thanks thank you thx just now ok okay it this all bitte danke jetzt merci svp stp "
    "por favor gracias ya grazie per favore obrigado obrigada aub alstublieft dank bedankt prosze "
    "dziekuje lutfen tesekkurler tesekkur ederim لطفا ممنون مرسی شکرا رجاء пожалуиста спасибо tack "
    "snalla va".split()
)
#: Words a greeting begins with.
GREETINGS = frozenset(
    "hi hello hey dear hallo guten liebe lieber hola buenas bonjour salut ciao buongiorno ola bom "
    "hoi beste dzien witam czesc merhaba selam سلام درود مرحبا السلام здравствуите привет hej "
    "no nein non nie nej nao nee hayir".split()
)

_EN = Language(
    "en",
    (
        "stop",
        "unsubscribe",
        "opt out",
        "optout",
        "opt me out",
        "remove me",
        "take me off",
        "stop messaging",
        "stop writing",
        "stop contacting",
        "stop spamming",
        "go away",
        "cease and desist",
        "remove",
        "do not contact",
        "don't contact",
        "no more messages",
        "no further messages",
        "no more emails",
        "no further contact",
        "do not contact me",
        "fuck off",
        "piss off",
        "leave me alone",
        "unsub",
        "end",
    ),
    (
        r"unsubscribe me",
        r"please unsubscribe",
        r"opt me out",
        r"opting out of (your|these|this|all)",
        r"(want|wants|like|wish) to (unsubscribe|opt out)(?! of meetings)",
        r"how (do|can) i (unsubscribe|opt out)",
        r"(remove|take|get|delete|drop|strike|scrub) (me|my (name|profile|details|data|info|information|contact|contacts)) "
        r"(from|off)( of)? (your|this|the|any|all|future|ur)( \w+){0,2} "
        r"(lists?|database|crm|campaigns?|sequences?|system|records|mailings?|contacts|messages|outreach|funnel)",
        r"(remove|take) me (from|off)( of)? (it|this|that|here)$",
        r"please remove me$",
        r"be (removed|taken) (from|off)( of)? (your|this|the)( \w+){0,2} (lists?|database|crm|campaigns?|records)",
        r"(stop|quit) (all )?(messaging|contacting|emailing|mailing|writing|writing to|texting|spamming|bothering|"
        r"pestering|harassing|sending|reaching out to|following up with|dming|approaching|annoying) (me|us)",
        r"stop reaching out",
        r"stop spamming",
        r"(?<!to )stop (sending|with) (these|those|your|this) (\w+ )?(messages?|invites?|invitations?|spam|dms?|mails?|"
        r"emails?|requests?|inmails?)",
        r"(?<!to )stop (your|this|the) (spam|spamming|harassment|messages)",
        r"(?<!you )(?<!they )(do not|dont|never|don t|please not) (ever )?"
        r"(contact|message|email|text|dm|approach|bother|spam|write|write to|reach out to) (me|us)"
        r"(?! (until|till|before|yet|unless|without|during|here|on|at|via|through|by|this|today|tomorrow|next|in|if|for|about|but|after|over|with))",
        r"(?<!you )(?<!they )(do not|dont|never|don t) (ever )?(contact|message|email|text|dm|approach|bother|spam|write|write to|"
        r"reach out to|write to|reach out|get in touch|follow up)( to me| with me| me)? (again|anymore|any more|any further|further|ever)",
        r"(do not|dont|don t|no longer|never) (ever )?(want|wish|wanna|care)( to)? (get|receive|be sent|hear|have|see|getting|receiving|hearing)"
        r"( (any|more|further|anymore|these|such|your|other|unsolicited|sales))* (messages?|emails?|mails?|inmails?|invit\w+|communications?|outreach|from you)",
        r"(do not|dont|don t|no longer|never) (ever )?(want|wish|like|care) to be (contacted|messaged|approached|emailed)"
        r"(?! (until|before|by phone|on))",
        r"(prefer|rather|like|want|wish) not (to )?be (contacted|messaged|approached)",
        r"^(please )?no (more|further) (messages|emails|contact|outreach|communications?|follow ?ups|dms|inmails|spam)( please| from you| thanks| thank you)*$",
        r"(do not|dont|don t) send (me|us) (any more|any further|more|further|another|such|these|unsolicited|any|anymore|spam|anything)"
        r"( (more|messages?|emails?|inmails?|mails?|requests?|spam|stuff|things|ever|again|anymore)){1,3}",
        r"leave me alone",
        r"(please|just) go away",
        r"((?<!to )|you to |that you )(delete|erase|remove) (all )?(of )?my (personal )?(data|details|information|contact details|contact data|info)",
        r"i (hereby )?object to (the |any |further |this |your |being )*(processing|use|contact\w*|direct marketing|marketing|messages?|outreach|approached)",
        r"(withdraw|revoke) my consent",
        r"cease (and desist|all contact|contacting)",
    ),
    (
        r"(dont|do not|don t|never|not|cant|cannot|wont|didnt|doesnt|would not|wouldnt|will not|shouldnt|should not)( (\w+)){0,2}",
        r"(did|have|had|why did|why do|why would|has|when did|if) (you|they|he|she|we|i)( \w+)?",
        r"(if|unless|when|once) (you|they|people|customers|prospects|leads|users|clients)( \w+){0,2}",
        r"(people|customers|prospects|leads|users|clients|they|we|our)( \w+){0,2}",
    ),
)

LANGUAGES: tuple[Language, ...] = (_EN,)
