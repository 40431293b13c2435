"""More languages of `optout_words`: Dutch, Swedish, Polish, Turkish, Russian, Persian, Arabic."""

# ruff: noqa: E501, RUF001 - a phrase stands in one line, in its own script

from __future__ import annotations

from syncflow_dagster.core.outreach.optout_words import Language

_BERICHT = "bericht*|mail*|email*|e_mail*|uitnodiging*|inmail*|spam|reclame|aanbieding*"
_LIJST = "*lijst*|*bestand|database|crm|systeem"
_DUTCH = Language(
    "nl",
    """stop, stoppen, afmelden, uitschrijven, meld me af, schrijf me uit, laat me met rust,
    geen berichten meer, niet meer contacteren, niet meer mailen, niet meer sturen""",
    f"""
    stuur|stuurt|zend me|mij|ons ..2 geen|niets|nooit ..1 {_BERICHT} meer
    stuur|stuurt|zend me|mij|ons ..2 niets meer
    stuur geen {_BERICHT} meer
    ^ graag|aub|alstublieft|alsjeblieft? geen {_BERICHT} meer
    <heb|had|hebben|hadden geen {_BERICHT} meer ..1 sturen|te_sturen
    wil|willen|wens|wensen|hoef ..2 geen ..1 {_BERICHT} ..3 ontvangen|krijgen|hebben|van_jullie|van_je
    wil|willen|wens|wensen niet meer|langer ..2 benaderd|gecontacteerd|gemaild|lastiggevallen
    contacteer|benader|mail|schrijf|bericht|app|bel me|mij|ons ..1 niet|nooit meer|opnieuw|weer
    contacteer|benader|mail|schrijf|bericht me|mij|ons ..1 niet $
    geen contact meer met|op
    wil|willen|wens ..1 geen {_BERICHT} meer
    me|mij|ons ..1 niet meer|langer te? contacteren|benaderen|mailen|schrijven|berichten|lastig*
    stop|hou|houd alsjeblieft|aub|nu|eens|toch|op? met ..3 sturen|mailen|contacteren|benaderen|berichten|schrijven|spammen
    haal|verwijder|schrap me|mij|mijn_* ..1 van|uit ..2 {_LIJST}
    me|mij ..1 van|uit ..2 {_LIJST} ..1 halen|verwijderen|schrappen
    verwijder ..2 mijn ..1 *gegevens|data
    schrijf|meld me|mij ..1 uit|af $
    me|mij ..2 uitschrijven|afmelden
    laat me|mij|ons ..1 met_rust
    val me|mij|ons ..1 niet lastig|meer_lastig
    wil|willen|wens ..1 geen contact meer|met
    stoppen met me|mij|ons|het ..2 berichten|mailen|schrijven|sturen|contacteren
    maak bezwaar tegen
    """,
    """
    als|waarom ..2
    niet|nooit
    """,
)

_MEDDELANDE = "meddelande*|mejl*|mail*|inbjudning*|förfrågning*|inmail*|reklam|spam|utskick"
_SWEDISH = Language(
    "sv",
    """stopp, stop, stoppa, sluta, avregistrera, avregistrera mig, avanmäl, avanmäl mig, ta bort mig, sluta skriva,
    kontakta mig inte, kontakta inte mig, inga fler meddelanden, lämna mig ifred""",
    f"""
    skicka ..1 inga|inte|inget fler|mer|ytterligare|flera ..2
    skicka ..1 inga|inte {_MEDDELANDE} ..2 mer|längre|tack|hit?
    kontakta|stör|mejla|maila|besvära mig|oss ..1 inte|aldrig mer|igen|längre|tack
    kontakta|stör|mejla|maila|besvära mig|oss ..1 inte|aldrig $
    kontakta inte|aldrig mig|oss ..2 $
    skriv inte|aldrig till mig|oss ..2 $
    skriv inte|aldrig mer|igen
    hör inte av ..3 mer|igen
    <inte|aldrig|vi|jag sluta kontakta|mejla|maila|spamma|störa
    <inte|aldrig|vi|jag sluta skicka|skriva ..3 mig|oss|{_MEDDELANDE}
    vill inte|ej längre? ha|få|ta_emot|motta ..3 {_MEDDELANDE}
    vill|önskar inte|ej längre? bli|vara ..1 kontaktad*
    vill inte|ej att ni|du kontaktar|skriver|mejlar|hör_av
    undanber mig|oss
    ^ inga fler|mer {_MEDDELANDE} ..2 $
    ta_bort|radera|stryk mig|mina_*|mitt_*|min_* från|ur ..2 *lista*|*register*|*databas*|crm|utskick*
    ta_bort|radera ..1 mina ..1 *uppgifter|data
    avregistrera|avanmäl|avprenumerera mig
    lämna mig|oss ifred|i_fred
    motsätter mig ..4 behandling*|marknadsföring|kontakt*|utskick*
    """,
    """
    om|varför|inte|aldrig ..1
    """,
)

_WIADOMOSC = "wiadomosc*|mail*|e_mail*|zaprosz*|ofert*|reklam*|spam*|inmail*"
_POLISH = Language(
    "pl",
    """stop, rezygnuję, wypisz mnie, wypisz, wypisuję się, usuń mnie, proszę nie pisać,
    nie pisz, nie pisz więcej, proszę przestać, przestań, proszę mnie wypisać, proszę więcej nie pisać, proszę nie kontaktować się, odczep się""",
    f"""
    proszę|prosimy|prosiłbym|prosiłabym ..3 nie ..1 pisać|kontaktować|wysyłać|przesyłać do_mnie|się
    proszę|prosimy ..3 nie ..1 pisać|kontaktować|wysyłać|przesyłać ..2 więcej|już
    proszę|prosimy ..2 więcej|już nie|do_mnie_nie pisać|kontaktować|wysyłać|przesyłać
    proszę|prosimy ..2 nie wysyłać|przesyłać ..2 {_WIADOMOSC}
    nie pisz|piszcie|pisać ..1 do_mnie|do_nas|więcej !przed|w
    nie kontaktuj|kontaktujcie|kontaktować się? ..1 ze_mną|z_nami|więcej !przed|w|do
    nie wysyłaj*|wysyłać|przysyłaj*|przesyłaj*|przysyłać mi|nam? ..2 {_WIADOMOSC}
    nie chcę|chcemy|życzę|życzymy sobie? ..2 otrzymywać|dostawać ..2 {_WIADOMOSC}
    się ze_mną|z_nami ..1 nie kontaktować
    do_mnie|do_nas ..1 nie pisać|wysyłać
    usunięcie mnie? z listy|bazy
    niekontaktowanie się ..2
    proszę ..3 nie niepokoić
    nie zgadzam się na kontakt*|otrzymywanie|przetwarzanie
    nie chcę|chcemy ..2 więcej|już ..1 {_WIADOMOSC}
    nie chcę|życzę ..2 być kontaktowan*
    nie życzę|życzymy sobie ..3 kontakt*|{_WIADOMOSC}
    przestań|przestańcie|przestać ..3 pisać|wysyłać|kontaktować|spamować|przysyłać
    zaprzestanie|zaprzestać ..3 wysył*|kontakt*|przesył*
    usuń|usuńcie|usunąć|wypisz*|wypisać|wykreśl*|skreśl* mnie|mój_*|moje_* z|ze ..3 list*|bazy|crm|systemu
    mnie ..1 usunąć|wypisać|wykreślić z|ze ..3
    usuń|usuńcie|usunąć|usunięcie ..1 moje|moich ..1 dane|danych
    sprzeciw ..4 przetwarzani*|wobec|marketing*
    cofam|wycofuję|odwołuję ..1 zgodę
    daj|dajcie mi|nam ..1 spokój
    """,
    """
    jeśli|dlaczego|czemu|jeżeli ..2
    """,
)

_MESAJ = "mesaj*|mail*|e_posta*|eposta*|davet*|reklam*|ileti*"
_NOT_SEND = (
    "atma|atmayın|atmayınız|gönderme|göndermeyin|göndermeyiniz|yollama|yollamayın|yazma|yazmayın"
)
_TURKISH = Language(
    "tr",
    """stop, durdur, durdurun, iptal, abonelikten çık, beni çıkar, beni çıkarın, yazma, yazmayın, yazmayınız,
    mesaj atma, mesaj atmayın, mesaj göndermeyin, mesaj göndermeyiniz, mesaj istemiyorum, yeter artık, beni aramayın, rahatsız etmeyin""",
    f"""
    bana|bize ..3 yazma|yazmayın|yazmayınız|ulaşmayın|ulaşmayınız
    bana|bize ..3 {_MESAJ} ..1 {_NOT_SEND}
    artık|lütfen|bir_daha|daha_fazla|başka ..2 {_MESAJ} ..1 {_NOT_SEND}
    bir_daha|artık ..3 yazma|yazmayın|aramayın|ulaşmayın|iletişime_geçmeyin
    benimle|bizimle ..2 iletişim* ..1 geçme|geçmeyin|geçmeyiniz|kurma|kurmayın
    iletişime geçmeyin|geçmeyiniz
    beni|bizi ..2 rahatsız etme|etmeyin|etmeyiniz
    rahatsız etmeyin|etmeyiniz
    beni|bizi rahat bırak|bırakın
    artık|daha_fazla|başka|bir_daha ..2 {_MESAJ} ..2 istemiyorum|istemiyoruz
    {_MESAJ} ..1 almak istemiyorum|istemiyoruz
    mesajlarınızı|maillerinizi|iletilerinizi ..1 istemiyorum|istemiyoruz
    iletişime geçmenizi|geçilmesini istemiyorum|istemiyoruz
    liste*|veritaban*|veri_taban*|sistem*|rehber* ..2 çıkar|çıkarın|çıkarınız|çıkarır|sil|silin|siliniz|siler
    liste*|veritaban*|veri_taban* ..2 çıkmak istiyorum
    abone*|üyeli* ..2 iptal
    abonelikten|üyelikten çık*
    *verilerimi|*bilgilerimi ..1 sil|silin|siliniz|siler|silinmesini|kaldırın
    {_MESAJ} göndermeyi|atmayı|yazmayı bırak*|kes|kesin|durdurun
    """,
)

_PISMO = "сообщени*|писем|письм*|рассыл*|предложени*|спам*|приглашени*"
_RUSSIAN = Language(
    "ru",
    """стоп, stop, отписка, отписаться, отпишите, отпишите меня, отстаньте, отстань, не пишите,
    не пиши, не пишите мне, не беспокоить, не беспокойте, удалите меня, прекратите, больше не пишите,
    хватит писать""",
    f"""
    больше ..1 не пиши|пишите|беспокой|беспокойте|присылай*|отправляй*|связывайтесь|звоните
    больше не надо|нужно ..1 писать|присылать|беспокоить
    не пиши|пишите|беспокой|беспокойте мне|меня|нам|нас больше !до|пока|в|на|по
    не пиши|пишите|беспокой|беспокойте мне|меня|нам|нас больше|пожалуйста? $
    не пиши|пишите больше
    не присылай*|отправляй*|шли|шлите мне|нам? ..3 {_PISMO}
    не присылай*|отправляй*|шли|шлите мне|нам? больше|ничего
    не связывай* больше? со_мной|с_нами !до|пока|по
    прошу|просьба|пожалуйста ..3 не писать|беспокоить|присылать|отправлять !до|пока
    не надо|нужно ..2 писать|присылать мне|больше
    не надо|нужно мне больше? писать|присылать
    не хочу|хотим|желаю|хотел*_бы ..2 получать ..3 {_PISMO}
    прекратите|перестаньте|перестань|хватит ..1 мне|нам? писать|присылать|слать|отправлять|спамить
    прекратите ..2 {_PISMO}
    удалите|удали|удалить|уберите|убери|убрать|исключите|исключить|вычеркните меня|мо* ..1 из|с ..3 списк*|баз*|рассыл*|crm
    удалите|удали|удалить|сотрите все? мои ..1 данные|контакт*
    отпишите|отписать|отпиши меня
    хочу|хотел*_бы|как|прошу отписаться|отписать_меня
    отзываю ..2 согласие
    возражаю против ..2 обработк*|использован*|рассыл*
    оставьте|оставь меня|нас в_покое
    отстаньте|отстань от_меня|от_нас
    """,
    """
    почему|если|когда|зачем ..2
    """,
)

_PAYAM = "پیام*|پیغام*|ایمیل*|دایرکت|دعوت*"
_NADEH = "ندهید|ندید|نده|ندین|نفرستید|نفرست|نفرستین|نزنید|نزن|ارسال_نکنید|ارسال_نکن|ارسال_نفرمایید"
_PERSIAN = Language(
    "fa",
    """لغو, لغو11, استاپ, نفرست, نفرستید, پیام نده, پیام ندهید, دیگر پیام ندهید, دیگه پیام نده,
    تماس نگیرید, مزاحم نشوید, مزاحم نشید, لغو عضویت, حذفم کنید""",
    f"""
    دیگر|دیگه|لطفا ..4 {_PAYAM} ..1 {_NADEH} !تا|قبل
    به_من|بهم|برایم|برام|برای_من ..3 {_PAYAM}|چیزی ..1 {_NADEH} !تا|قبل
    {_PAYAM} ..1 {_NADEH} لطفا? $
    دیگر|دیگه ..2 {_PAYAM} ..1 نمیخواهم|نمیخوام $
    از ارسال ..3 خودداری
    ارسال ..2 {_PAYAM} ..2 متوقف|قطع کنید|کن|نمایید
    دیگر|دیگه ..3 تماس نگیرید|نگیر|نگیرین
    با_من|باهام ..3 تماس نگیرید|نگیر|نگیرین !تا|قبل
    تمایلی|تمایل|مایل|علاقه*|راغب به ..1 دریافت ..3 نیستم|ندارم|نداریم|نیستیم
    تمایل|تمایلی ندارم ..2 {_PAYAM} ..2 دریافت|بگیرم
    نمیخواهم|نمیخوام|نمیخواهیم ..3 {_PAYAM} ..3 بگیرم|دریافت_کنم|بدهید|بدید|بدین|بفرستید|داشته_باشم
    نمیخواهم|نمیخوام ..2 به_من|با_من|بهم|باهام ..2 {_PAYAM}|تماس ..1 بدهید|بدید|دهید|بفرستید|بگیرید
    مایل نیستم|نیستیم ..2 {_PAYAM} ..2 دریافت|بگیرم|داشته_باشم
    عضویت|اشتراک ..2 لغو|کنسل کنید|کن|نمایید
    مرا|منو|من_را|من_رو|بنده_را|ما_را|اسمم*|نامم*|نام_*|اسم_* ..1 از ..3 لیست*|فهرست*|بانک*|دیتابیس* ..3 حذف|خارج|پاک
    از ..3 لیست*|فهرست*|بانک*|دیتابیس* ..2 حذفم|خارجم|پاکم
    لغو|کنسل ..1 عضویت*|اشتراک*
    مزاحم|مزاحمم ..1 نشوید|نشید|نشو|نشین
    اطلاعات|اطلاعاتم*|داده_*|دادههای|اطلاعات_* ..3 حذف|پاک کنید|کن|شود
    راحتم|ولم بگذارید|بذارید|بذار|کنید|کن
    دست از سرم|سر_من بردار*
    """,
    """
    اگر|اگه|چرا ..3
    """,
)

_RISALA = "رسائل*|رسالة|الرسائل|رسالات|بريد*|ايميلات|دعوات|عروض*"
_ARABIC = Language(
    "ar",
    """توقف, توقفوا, قف, كفى, إيقاف, أوقف, إلغاء, إلغاء الاشتراك, إلغاء اشتراكي, ألغ الاشتراك,
    احذفني, احذفوني, لا تراسلني, لا تراسلوني, ستوب, اتركني وشأني""",
    f"""
    لا تراسلني|تراسلوني|تراسلنا|تراسلونا|تزعجني|تزعجوني|تكلمني !قبل|حتى|الا|على|عبر
    لا ترسل|ترسلوا|ترسلي|تبعث|تبعثوا|ترسلو لي|إلي|لنا|المزيد|أي ..2 {_RISALA}|المزيد|شيء
    لا ترسل|ترسلوا|تكتب|تكتبوا لي|إلي|لنا ..1 مرة|بعد أخرى|الآن|اليوم
    لا تكتب|تكتبوا لي|إلي|لنا $
    لا ترسل|ترسلوا ..1 {_RISALA}
    لا تتواصل|تتواصلوا|تتصل|تتصلوا معي|بي|معنا|بنا !قبل|حتى|الا|على|عبر
    عدم مراسلتي|إزعاجي|الإزعاج|مراسلتنا|إزعاجنا
    عدم التواصل|الاتصال|التواصل_معي معي|بي|معنا|بنا|مرة !قبل|حتى|على|عبر
    عدم إرسال ..3 {_RISALA}
    توقف|التوقف|توقفوا|توقفي|كف|كفوا|الكف عن ..1 مراسلتي|إرسال|إزعاجي|التواصل|الكتابة|مراسلة|مراسلتنا
    أوقف|أوقفوا|إيقاف|وقف ..1 {_RISALA}|المراسلة|الإرسال
    لا أريد|أرغب|نريد|أود|نرغب|ارغب في|أن|ب? ..2 استلام|تلقي|استقبال ..3 {_RISALA}|المزيد
    لا أريد|نريد|أود أي|المزيد|هذه|مزيد? ..1 {_RISALA}
    لا أريد|أرغب|أود أن|في? ..1 تراسلني|تراسلوني|تتواصل*|التواصل|يتواصل* ..1 معي|مني?
    بإزالتي|بحذفي|بشطبي من ..1 قائم*|قوائم*|القائمة|قاعدة
    لا أريد|أرغب|نرغب بالتواصل|التواصل|في_التواصل
    احذف*|أزل*|أزيلوني|اشطب*|شطب*|إزالة|إزالتي|حذف|حذفي ..2 من ..1 قائم*|قوائم*|القائمة|قاعدة
    ألغ|الغي|ألغوا|إلغاء|أرغب_في_إلغاء|أريد_إلغاء ..1 اشتراك*|الاشتراك
    احذف|احذفوا|امسح|حذف|مسح ..1 بياناتي|معلوماتي
    اتركني|اتركوني|دعني|دعوني وشأني|بسلام|في_حالي|لحالي
    """,
    """
    لماذا|إذا|لم ..2
    """,
)

MORE_LANGUAGES = (_DUTCH, _SWEDISH, _POLISH, _TURKISH, _RUSSIAN, _PERSIAN, _ARABIC)
