"""Words and phrases by which people opt out, by language; `optout` compares them.

A phrase is a row of places, one blank apart, written as people write it; case, accents and
punctuation do not count:

    a|b     one of these; `_` stands for a blank within one, `*` for any ending
    a|b?    the same, or nothing
    ..2     up to two words, whichever
    ^  $    the sentence begins, or ends
    !a|b    none of these follows
    <a|b    none of these stands right before
"""

# ruff: noqa: E501, RUF001 - a phrase stands in one line, in its own script

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """How people opt out in one language.

    Attributes:
        code: Two letters (ISO 639-1).
        alone: What is an opt-out where it is all that is said; parted by commas.
        phrases: Phrases that are one wherever they stand, a line each.
        turned: Phrases that turn round what stands right behind them.
    """

    code: str
    alone: str
    phrases: str
    turned: str = ""


#: Words that say nothing by themselves, in all languages.
FILLERS = """
please pls plz thanks thank you thx just now ok okay it this all bitte danke jetzt merci svp stp s'il
vous te plaît graag por
favor gracias ya grazie per favore obrigado obrigada aub alstublieft alsjeblieft dank bedankt proszę
dziękuję lütfen teşekkürler teşekkür ederim لطفا ممنون مرسی شکرا رجاء من فضلک пожалуйста спасибо tack
snälla
"""
#: Words a greeting begins with, or that say no; a name may follow.
GREETINGS = """
hi hello hey dear hallo guten liebe lieber hola buenas bonjour salut ciao buongiorno olá bom hoi
beste dzień witam cześć merhaba selam سلام درود مرحبا السلام здравствуйте привет hej no nein non nie
nej não nee hayır
"""

_LISTS = "list|lists|database|crm|campaign*|sequence*|system|records|mailing*|contacts|outreach"
_ENGLISH = Language(
    "en",
    """stop, unsubscribe, unsub, opt out, optout, opt me out, remove me, remove, take me off,
    stop messaging, stop messages, stop writing, stop contacting, stop spamming, stop spam, go away,
    do not contact, don't contact, i opt out, do not solicit, get lost, bugger off, no more messages, no further messages, no more emails,
    no further contact, no more contact, no more, leave me alone, unsuscribe, unsubcribe, cease and desist, fuck off, piss off""",
    f"""
    unsubscribe|opt_out|remove|delete me $
    unsubscribe me|us from
    please unsubscribe $
    want|wish|like to unsubscribe|opt_out !of_meetings
    how do|can i unsubscribe|opt_out
    opt me out !of_meetings
    i|im am? unsubscribing|opting_out
    kindly|please stop the? messages|messaging|emails|outreach|spam
    please block me
    dont|do_not consent to being|be|your
    not have my consent|permission
    opting out of your|these|this|all|any
    remove|take|get|delete|drop|strike me|us|my_name|my_profile|my_contact*|my_email|my_details|my_info* ..2 from|off|out_of of? your|this|the|any|all ..2 {_LISTS}
    remove|take me|my_name from|off your|this|the|any|all future|further ..2
    be removed|taken from|off of? your|this|the ..2 {_LISTS}
    stop|quit all? messag*|msging|contacting|emailing|mailing|writing|writing_to|texting me|us
    stop|quit all? spamming|bothering|pestering|harassing|reaching_out_to|following_up_with|annoying me|us
    stop|quit sending me|us !the|those_slides|this_to
    ^ please|just|kindly? stop sending these|those|this|them please? $
    stop|quit bugging me|us
    <to|we|i|they stop sending|with these|those|your|this|any ..1 messag*|invit*|spam|*mails|dms
    <to|we|i|they stop spamming|reaching_out
    <to|we|i|they stop all|any|further|your contact|communication*|messages|outreach|spam
    <you|they|to do_not|dont|never|please_not ever? contact|message|msg|dm|bother me|us $
    <you|they|to do_not|dont|never ever? write|write_to|reach_out_to me|us $
    <you|they|to do_not|dont|never ever? contact|message|bother me|us please|thanks|again|any*|ever
    <you|they do_not|dont|never ..1 contact|message|msg|email|write|reach_out ..4 again|anymore|ever
    refrain from contacting|messaging|writing|sending|reaching_out ..1
    harassment stop $
    do_not|dont|no_longer ever? want|wish|care to? get|receive|hear|have ..3 messag*|*mails|invit*
    do_not|dont|no_longer ever? want|wish|care to? get|receive|hear ..3 from_you|communication*
    do_not|dont|no_longer want|wish|care|like to be contacted|messaged|approached !until|before|by|on
    do_not|dont want|wish any_more|any_further|more|further|your messag*|*mails|contact|outreach
    prefer|rather|like|want|wish|ask not to? be contacted|messaged|approached !until|before|by|on
    ^ please? no more|further messag*|*mails|contact|outreach|follow_ups|invit* ..2 $
    do_not|dont send me|us any_more|any_further|more|further|another|such|these ..1 messag*|*mails
    do_not|dont send me|us messages|emails anymore|any_more
    do_not|dont send me|us anything|any anymore|any_more|again|else|further|messages $
    <you|they do_not|dont ever? send me|us messages|emails|spam|inmails|invit* $
    leave me|us alone
    deletion|erasure of my ..1 data|details|information
    <to delete|erase|remove my|all_my personal? data|details|contact_details|information
    you|that_you|to_have to? delete|erase|deleted|erased my|all_my personal? data|details
    i hereby? object to ..3 processing|use|contact*|direct_marketing|marketing|messag*|outreach
    withdraw|revoke my consent
    cease all? contact*|and_desist
    """,
    """
    dont|do_not|never|not|cant|cannot|wont|didnt|will_not|would_not please|ever|to|want_to|going_to?
    dont|do_not|not want|ask|asking|need|tell|telling you|them to
    did|have|had|why_do|why_did|when_did|if|unless|when you|they|we|i just|ever|already?
    if|unless|when|because|that people|customers|prospects|leads|users|clients|they ..2
    people|customers|prospects|leads|users|clients|recruiters|they ..2
    """,
)

_NACHRICHT = (
    "nachricht*|anfrage*|mail*|email*|e_mail*|werbung|kontaktaufnahme*|kontaktversuche|zuschriften|"
    "einladung*|inmail*|angebote|werbenachrichten|spam|kontakt"
)
_LISTE = "*liste*|verteiler*|datenbank*|kartei|kontakten|system|crm|datenbestand"
_GERMAN = Language(
    "de",
    """stopp, stop, abmelden, abbestellen, austragen, aufhören, löschen, in Ruhe lassen,
    keine Nachrichten mehr, keine weiteren Nachrichten, keine weitere Kontaktaufnahme, abmeldung, newsletter abbestellen,
    nicht mehr kontaktieren, nicht mehr schreiben, nicht mehr anschreiben, nicht mehr melden,
    hören Sie auf, hör auf, von der Liste streichen""",
    f"""
    ^ bitte ..1 keine|keinen weitere*|solche*|neue*? {_NACHRICHT} mehr? !sondern|lieber|vor|bis|am|im
    bitte ..2 keine|keinen weitere*|solche* {_NACHRICHT} !sondern|lieber|vor|bis
    bitte ..3 keine|keinen {_NACHRICHT} mehr !sondern|lieber|vor|bis
    keine|keinen weitere*|solche*? {_NACHRICHT} mehr? bitte|danke $
    ^ keine|keinen weitere* {_NACHRICHT} mehr? ..2 $
    möchte*|will|wollen|wünsche* ..2 keine|keinen ..1 {_NACHRICHT} ..3 erhalten|bekommen|haben
    möchte*|will|wollen|wünsche* ..2 keine|keinen weitere*|solche*? {_NACHRICHT} mehr? $
    bitte nicht mehr kontaktieren|schreiben|anschreiben|anrufen|melden !vor|bis
    <sie|du|ihr|er schreib*|kontaktier*|belästig* sie? mir|mich|uns ..1 nicht_mehr|nie_*|nicht_w*
    <sie|du|ihr|er schreib*|kontaktier*|belästig* sie? mir|mich|uns bitte? nicht $
    <sie|du|ihr|er schick*|send* sie? mir|uns ..1 keine|nichts weitere*|mehr|solche*? {_NACHRICHT} $
    <sie|du|ihr|er schick*|send* sie? mir|uns ..1 nichts|keine_* mehr
    <sie|du|ihr|er schick*|send* sie? mir|uns ..1 keine|keinen weitere*|solche* {_NACHRICHT}
    mir|mich|uns ..1 nicht|nie mehr|wieder|weiter|länger ..2 schreiben|kontaktieren|anschreiben|senden
    mir|mich|uns ..1 nicht|nie mehr|wieder|weiter|länger ..2 belästigen|anzuschreiben|zu_*
    mir|mich|uns ..1 keine ..1 {_NACHRICHT} mehr zu? schreiben|senden|schicken|zusenden|zuzusenden
    nicht|nie mehr|wieder|weiter|länger ..3 kontaktiert|angeschrieben|belästigt werden
    hör*|hören sie? ..2 auf ..4 schreiben|kontaktieren|belästigen|nerven|senden|schicken|spammen
    streich*|lösch*|loesch*|entfern*|nehm*|nimm|trag* sie? mich|mein* ..3 aus|von ..2 {_LISTE}
    mich|meinen_namen ..2 aus|von ..2 {_LISTE} ..1 streichen|löschen|entfernen|nehmen|austragen
    mich|meinen_namen ..2 aus|von ..2 {_LISTE} zu streichen|löschen|entfernen|nehmen
    löschung|loeschung meiner ..1 *daten
    lösch*|loesch*|entfern* sie? bitte? alle? meine|meinen ..1 *daten|kontakt|adresse|eintrag
    meine ..1 *daten ..2 zu? löschen|loeschen|entfernen|gelöscht_haben
    widerspreche|widerspruch ..6 nutzung|*verarbeitung|verwendung|werbung|kontaktaufnahme|*daten
    melden sie mich ..1 ab
    tragen sie mich ..1 aus
    möchte|will mich ..3 abmelden|austragen
    lassen|lass|lasst sie? mich|uns ..2 in_ruhe|in_frieden
    unterlassen sie es ..3 kontaktieren|schreiben|anzuschreiben
    verschon* sie? mich|uns mit
    unterlassen sie ..4 {_NACHRICHT}|anschreiben|zusendung*
    von weitere* ..1 {_NACHRICHT} ..2 absehen|abzusehen|ab $
    """,
    """
    warum|wieso|weshalb|wenn|falls|ob ..3
    nicht|nie
    """,
)

_MESSAGE = (
    "messag*|mail*|e_mail*|email*|courriel*|invitation*|sollicitation*|inmail*|prospection|"
    "relance*|publicite*|pub|spam|demarchage"
)
_ME_WRITE = (
    "me_contacter|mecrire|me_solliciter|menvoyer|me_deranger|me_demarcher|me_relancer|me_harceler|"
    "mimportuner|me_spammer|nous_contacter|nous_ecrire|nous_solliciter"
)
_BASE = "liste*|base*|fichier*|crm|contacts|campagne*|sequence*|mailing*|envois"
_FRENCH = Language(
    "fr",
    """stop, arrêtez, arrête, merci darrêter, lâchez-moi, ne plus contacter, je me désabonne, désabonner, désabonnement, désabonnez-moi, désinscription,
    désinscrire, me désinscrire, me désabonner, ne plus contacter, plus de messages,
    ne me contactez plus, laissez-moi tranquille""",
    f"""
    désabonn*|désinscri* moi
    <pas|jamais|failli|sans me désabonner|désinscrire
    retirez|retire|enlevez|enlève|supprimez|supprime|rayez|ôtez moi|mon_* ..1 de|du|des ..3 {_BASE}
    me|mon_nom retirer|enlever|supprimer|rayer de|du|des ..3 {_BASE}
    retirer|enlever|supprimer|rayer mon nom|contact|profil de|du|des ..3 {_BASE}
    ne plus {_ME_WRITE}
    ne plus jamais {_ME_WRITE}
    <vous|tu|il|elle ne me|nous contact*|recontact*|sollicit*|dérang*|relanc*|démarch*|écrivez plus|jamais
    <vous|tu|il|elle ne mécrivez|mécris|menvoyez|menvoie|mimportunez plus|jamais
    <vous|tu|il|elle ne me contactez|contacte|recontactez|sollicitez|sollicite|démarchez pas|pas_svp $
    <vous|tu|il|elle ne mécrivez|mécris pas $
    arrête*|darrêter|cess* de {_ME_WRITE}
    <on arrêtez|arrête|cessez|cesse vos|ces|tes|tout|toute|les ..1 {_MESSAGE}|contact|communication*
    ne souhaite|souhaitons|veux|voulons|désire|voudrais plus de|recevoir|être_contact*|être_sollicit*
    ne souhaite|souhaitons|veux|désire pas|plus ..1 être contact*|sollicit*|démarch* !par|avant
    ne souhaite|souhaitons|veux|désire pas ..1 recevoir vos|tes|de_vos|dautres|de|ce|ces ..2 {_MESSAGE}
    ^ plus de|aucun|aucune autre*? {_MESSAGE} ..4 $
    ^ merci de ne plus me contacter|écrire|solliciter|relancer
    laisse*|fiche*|fous|foutez moi tranquille|en_paix|la_paix
    supprim*|suppression|effac* ..2 mes|toutes_mes ..1 données|coordonnées|informations
    moppose ..5 traitement|utilisation|lutilisation|prospection|démarchage|sollicitation*|messag*
    refuse tout|toute démarchage|prospection|sollicitation
    à être retiré*|supprimé*|désinscrit* de|du|des ..3 {_BASE}
    droit dopposition|à_leffacement|deffacement
    """,
    """
    pas|jamais|pourquoi|si_vous|si_tu de?
    """,
)

_MENSAJE = (
    "mensaje*|correo*|email*|mail*|invitacion*|solicitud*|publicidad|spam|inmail*|propaganda|"
    "comunicacion*|nada"
)
_SPANISH = Language(
    "es",
    """stop, basta, baja, darme de baja, dame de baja, desuscribir, desuscribirme,
    darse de baja, dar de baja, no más, elimíname, bórrame, deje de molestar, deja de escribir,
    deje de escribir, solicito la baja, cancelar suscripción, no más mensajes, no contactar, no me contacten, no molestar, parar""",
    f"""
    no me|nos escriba|escribas|escriban|escribáis|contacte|contactes|contacten|moleste|molestes $
    no me|nos escriba|escribas|escriban|contacte|contactes|contacten|moleste* más|nunca|por_favor
    no me|nos mande*|envíe* más|ningún|ninguna|estos|estas|este? ..1 {_MENSAJE}
    no me|nos mande*|envíe* más|nunca
    no me|nos vuelva|vuelvas|vuelvan|volváis a contactar|escribir|molestar|enviar|mandar
    no vuelva|vuelvas|vuelvan|volver a contactarme|escribirme|molestarme|enviarme|mandarme
    deje|deja|dejen|dejad|pare|para|paren de escribirme|contactarme|molestarme|enviarme|mandarme
    deje|deja|dejen|pare|paren de enviar|mandar|escribir ..2 {_MENSAJE}
    no quiero|deseo|queremos|deseamos seguir|volver_a? recib* ..2 {_MENSAJE}
    no quiero|deseo|queremos ..1 que me|nos contact*|escrib*|molest*|envi*|mand*
    no quiero|deseo ..1 ser contactad*|molestad*
    no quiero|deseo más {_MENSAJE}
    quiero|deseo|quisiera dejar de recibir
    dame|deme|denme|dadme|darme|darnos de ..1 baja
    elimin*me|elimínam*|bórrame|bórreme|quít*me|sácame|sáque*|retír*me de ..3 lista*|base*|crm|contactos
    elimin*|borr*|quit*|suprim* de|todos? mis ..1 datos
    ^ no más {_MENSAJE} ..2 $
    me opongo al|a ..4 tratamiento|uso|comunicaciones|publicidad|contacto
    déjame|déjeme|déjenme en_paz|tranquilo|tranquila
    cancel*|anul* mi suscripción
    desuscríb*me|desinscríb*me|desuscribirme
    """,
    """
    si|cuando|por_qué ..1
    """,
)

_ITALIAN = Language(
    "it",
    """stop, basta, cancellami, cancellatemi, rimuovimi, rimuovetemi, disiscrivimi, disiscrivermi,
    disiscrizione, non contattarmi, non contattatemi, non scrivermi, niente più messaggi,
    lasciatemi in pace, smettetela, smettila, la smetta, smetta""",
    """
    non mi|ci scriva|scrivete|scrivere|contatti|contattate|contattare|disturbi|disturbate più|mai_più
    non mi|ci scriva|contatti|contattate|scrivete|disturbi $
    non scriver*|contattar*|contattatemi|scrivetemi|disturbar* più|mai_più
    non contattarmi|scrivermi|contattatemi|scrivetemi|disturbarmi|disturbatemi $
    non mandar*|inviar*|mandatemi|inviatemi|mi_mandi|mi_invii più|altri|altre|nessun*
    non voglio|desidero|vogliamo|intendo|vorrei più ricevere
    non voglio|desidero|intendo|vorrei ricevere più|altri|altre|vostri|i_vostri|i_tuoi|questi ..1
    non voglio|desidero|intendo|vorrei più? essere più? contattat*|disturbat*
    smetti|smetta|smettete|smettila|smettetela di scriver*|contattar*|mandar*|inviar*|disturbar*
    basta con? i|questi? messaggi|mail|email|spam
    ^ niente|nessun|nessuna più|altri|altro|altra messagg*|mail|email|comunicazione ..2 $
    cancella*|rimuov*|togli*|elimin* ..1 da|dal|dalla|dalle|dai ..3 lista|liste|mailing* !ho|abbiamo
    mi cancelli|rimuova|tolga|elimini da|dal|dalla|dalle|dai ..3
    disiscriv*mi|disiscrivetemi
    voglio|vorrei|desidero|posso disiscrivermi|cancellarmi
    cancell*|elimin* ..1 i_miei|miei|il_mio dati|contatto|nominativo
    essere rimoss*|cancellat*|tolt* da|dal|dalla ..2 lista|liste|mailing*|database
    mi oppongo al|alla|a ..4 trattamento|utilizzo|uso|comunicazioni|marketing
    lasciami|lasciatemi|mi_lasci in_pace|stare
    """,
    """
    se|perché|quando ..1
    """,
)

_MENSAGEM = (
    "mensage*|email*|e_mail*|mail*|convite*|contato*|contacto*|spam|inmail*|publicidade|nada"
)
_PORTUGUESE = Language(
    "pt",
    """stop, parar, pare, parem, sair, descadastrar, remover, cancelar inscrição, não contactar,
    chega de mensagens, cancelar, sem mais mensagens, me remova, remova-me""",
    f"""
    não me|nos escreva*|contate|contatem|contacte|contactes|contactem|incomode* mais|nunca_mais|novamente
    não me|nos escreva*|contate|contatem|contacte|contactes|contactem|incomode* $
    favor|por_favor ..1 não enviar|mandar|contatar|contactar mais
    favor remover|excluir|retirar ..1 meu|meus|o_meu|os_meus
    ser removid*|retirad*|excluíd* da|de|do ..2 lista*|base*|crm
    não me|nos mande*|envie* mais|nenhum|nenhuma|estas|essas? ..1 {_MENSAGEM}
    não quero|desejo|queremos|gostaria mais? de? continuar_a? receber mais? ..2 {_MENSAGEM}
    não quero|desejo|gostaria mais? de? ser mais? contactad*|contatad*|incomodad*
    não quero mais {_MENSAGEM}
    não entre*|entrar mais em contato|contacto
    não entre*|entrar em contato|contacto mais|novamente|outra_vez
    não volte*|voltar a contactar|contatar|escrever|mandar|enviar|incomodar
    não me volte* a
    pare*|deixe|deixem|deixa de me|nos? enviar|mandar|escrever|contactar|contatar|incomodar ..1
    pare*|chega com|de as|os|essas|estas? {_MENSAGEM}
    remov*|retir*|tir*|exclu*|apag* me|meu_*|o_meu_* ..1 de|da|do|das|dos|dessa ..3 lista*|base*|banco*|crm
    me remov*|retir*|tire*|tira|exclua* de|da|do|das|dos|dessa ..2 lista*|base*|banco*|crm|contatos
    quero|desejo|gostaria de? sair da|dessa|desta|de lista*
    cancel* minha|a_minha|a inscrição|subscrição|assinatura
    descadastr* me
    me descadastr*
    apag*|elimin*|exclu*|remov* os? meus ..1 dados
    oponho me ao|a|à ..3
    me oponho ao|a|à ..3 tratamento|uso|contato|marketing
    deixe|deixa|deixem me em_paz
    me deixe|deixa|deixem em_paz
    """,
    """
    se|quando|por_que ..1
    não|nunca
    """,
)

LANGUAGES = (_ENGLISH, _GERMAN, _FRENCH, _SPANISH, _ITALIAN, _PORTUGUESE)
