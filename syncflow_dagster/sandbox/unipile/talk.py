"""What people say: answers, refusals, absences and opt-outs in several languages.

The lists are the sandbox's own: a program that looks for opt-outs is judged by words that it was
not written from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

Tone = Literal["positive", "negative", "out_of_office", "opt_out", "first", "owner"]
LANGUAGES = ("en", "de", "es", "fr", "it", "nl", "pt", "fa")

# Some mention stopping and mean something else.
_EN: Mapping[Tone, tuple[str, ...]] = {
    "positive": (
        "Thanks for reaching out! Happy to talk, how about Tuesday?",
        "Sounds interesting. Can you send me a few details?",
        "Good timing, we cannot stop talking about exactly this. Let's have a call 🙂",
    ),
    "negative": (
        "Thanks, but this is not a topic for us right now.",
        "We already have something for that.",
        "Sorry, wrong person. I left operations last year.",
    ),
    "out_of_office": (
        "I am out of office until Monday with limited access to messages.",
        "Automatic reply: I am on parental leave. Please contact my colleagues.",
    ),
    "opt_out": (
        "STOP",
        "Please stop messaging me.",
        "Not interested. Take me off your list and do not contact me again.",
        "unsubscribe",
        "No thanks, please remove me.",
    ),
    "first": (
        "Thanks for connecting! What made you think of me?",
        "Hi! Have we met somewhere?",
    ),
    "owner": (
        "Great to see you yesterday! I will call you about it.",
        "Writing this one myself: congratulations on the new job!",
    ),
}
_DE: Mapping[Tone, tuple[str, ...]] = {
    "positive": ("Danke für Ihre Nachricht, gern. Passt Ihnen Donnerstag?", "Klingt spannend!"),
    "negative": ("Vielen Dank, derzeit ist das bei uns kein Thema.", "Dafür haben wir etwas."),
    "out_of_office": ("Ich bin bis zum 14. nicht im Büro. Nachrichten werden nicht gelesen.",),
    "opt_out": (
        "Bitte keine weiteren Nachrichten.",
        "Kein Interesse. Bitte schreiben Sie mir nicht mehr.",
        "Ich widerspreche der Nutzung meiner Daten. Bitte löschen Sie meinen Kontakt.",
    ),
    "first": ("Danke fürs Vernetzen! Worum geht es?",),
    "owner": ("Schön, dass wir gestern gesprochen haben. Ich melde mich noch einmal persönlich.",),
}
_ES: Mapping[Tone, tuple[str, ...]] = {
    "positive": (
        "Gracias por escribir. ¿Hablamos el jueves?",
        "Me interesa, ¿puedes contarme más?",
    ),
    "negative": ("Gracias, pero ahora no es prioridad para nosotros.",),
    "out_of_office": ("Estoy de vacaciones hasta el día 20. Responderé a mi regreso.",),
    "opt_out": ("No me escribas más.", "Por favor, deja de enviarme mensajes.", "Dame de baja."),
    "first": ("¡Gracias por conectar! ¿Nos conocemos?",),
    "owner": ("¡Qué bueno verte ayer! Te llamo mañana.",),
}
_FR: Mapping[Tone, tuple[str, ...]] = {
    "positive": ("Merci, avec plaisir ! Mardi vous conviendrait ?",),
    "negative": ("Merci, mais ce n'est pas d'actualité chez nous.",),
    "out_of_office": ("Je suis absente jusqu'à lundi et lirai votre message à mon retour.",),
    "opt_out": (
        "Désabonnez-moi.",
        "Merci de ne plus me contacter.",
        "Arrêtez de m'envoyer des messages, s'il vous plaît.",
    ),
    "first": ("Merci pour l'invitation ! On se connaît ?",),
    "owner": ("Ravi de vous avoir vue hier, je vous rappelle.",),
}
_IT: Mapping[Tone, tuple[str, ...]] = {
    "positive": ("Grazie, volentieri. Sentiamoci giovedì!",),
    "negative": ("Grazie, ma al momento non ci serve.",),
    "out_of_office": ("Sono fuori ufficio fino al 3. Risponderò al mio rientro.",),
    "opt_out": ("Non scrivermi più, per favore.", "Cancellatemi dalla lista."),
    "first": ("Grazie del collegamento! Ci conosciamo?",),
    "owner": ("È stato bello vederti ieri, ti chiamo io.",),
}
_NL: Mapping[Tone, tuple[str, ...]] = {
    "positive": ("Bedankt voor je bericht, stuur gerust wat meer info!",),
    "negative": ("Bedankt, maar dit speelt nu niet bij ons.",),
    "out_of_office": ("Ik ben afwezig tot maandag en lees mijn berichten daarna.",),
    "opt_out": ("Stuur me geen berichten meer.", "Graag afmelden, geen interesse."),
    "first": ("Leuk om te connecten! Waar gaat het over?",),
    "owner": ("Goed je gisteren te spreken, ik bel je nog.",),
}
_PT: Mapping[Tone, tuple[str, ...]] = {
    "positive": ("Obrigado pelo contato! Podemos falar na quinta?",),
    "negative": ("Obrigada, mas não é o momento para nós.",),
    "out_of_office": ("Estou de férias até o dia 10. Respondo quando voltar.",),
    "opt_out": ("Não me mande mais mensagens.", "Por favor, pare de me escrever."),
    "first": ("Obrigado por conectar! Já nos conhecemos?",),
    "owner": ("Foi bom te ver ontem, eu ligo amanhã.",),
}
_FA: Mapping[Tone, tuple[str, ...]] = {
    "positive": ("ممنون از پیام شما، خوشحال می‌شوم صحبت کنیم.",),
    "negative": ("ممنون، فعلاً نیازی به این نداریم.",),
    "out_of_office": ("تا شنبه در مرخصی هستم و بعد از آن پاسخ می‌دهم.",),
    "opt_out": ("لطفاً دیگر به من پیام ندهید.", "لطفا دیگه پیام نفرستید"),
    "first": ("ممنون از درخواست ارتباط! همدیگر را می‌شناسیم؟",),
    "owner": ("دیدار دیروز عالی بود، خودم تماس می‌گیرم.",),
}
PHRASES: Mapping[str, Mapping[Tone, tuple[str, ...]]] = {
    "en": _EN,
    "de": _DE,
    "es": _ES,
    "fr": _FR,
    "it": _IT,
    "nl": _NL,
    "pt": _PT,
    "fa": _FA,
}


def say(tone: Tone, language: str, chance: random.Random) -> str:
    """A sentence of this tone; people of a language that is not here speak English.

    Args:
        tone: What is meant.
        language: Two letters.
        chance: Which of the sentences.
    """
    return chance.choice(PHRASES.get(language, _EN)[tone])
