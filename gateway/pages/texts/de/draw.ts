import type { Texts } from '../en.ts';

export const draw: Texts['draw'] = {
  title: 'Die Auslosung',
  none: 'Dieser Verkauf hat keinen Vorraum, also keine Auslosung: Es gilt die Reihenfolge der Ankunft.',
  back: 'Zurück zur Warteschlange',
  explained: {
    seedBefore:
      'Bevor der Vorraum öffnet, wählen wir eine geheime Zahl, die Startzahl, und veröffentlichen ihren Fingerabdruck, sodass wir sie nicht austauschen können.',
    seed: 'Wir wählen eine geheime Zahl, die Startzahl, und veröffentlichen ihren Fingerabdruck, sodass wir sie nicht austauschen können.',
    lobby:
      'Wenn der Verkauf öffnet, wird die Liste aller im Vorraum geschlossen und bekommt ebenfalls einen Fingerabdruck.',
    order: 'Allein Startzahl und Liste bestimmen die Reihenfolge, sodass jeder sie nachrechnen kann.',
    orderWithBeacon:
      'Allein Startzahl, Liste und ein öffentlicher Wert, den vor der Öffnung niemand kennen konnte, bestimmen die Reihenfolge, sodass jeder sie nachrechnen kann.',
  },

  areIn: { one: 'Ein Fan ist im Vorraum.', other: '{n} Fans sind im Vorraum.' },
  keepPlaces: 'Alle darin behalten einen Platz vor allen, die später kamen.',
  standing: {
    neverDrawn: {
      title: 'Es wird nichts ausgelost',
      text: 'Der Verkauf wurde beendet, bevor er öffnete. Niemand im Vorraum hat eine Nummer, und niemand kommt an die Reihe.',
    },
    committed: {
      title: 'Der Vorraum entscheidet noch nichts',
      text: 'Ausgelost wird, wenn der Verkauf öffnet, {day}. Früher zu kommen hilft nicht. Wer die Auslosung nachprüfen will, notiert jetzt den Fingerabdruck der Startzahl.',
    },
    frozen: { title: 'Der Vorraum ist geschlossen', text: 'Sein Fingerabdruck wird berechnet.' },
    tooLate: {
      title: 'Die Auslosung wartet auf den Veranstalter',
      text: 'Der Fingerabdruck des Vorraums wurde veröffentlicht, als „{name}“ schon bekannt sein konnte; dieser Wert würde nichts beweisen und wird nicht genommen. Der Veranstalter muss ohne ihn auslosen und sagen, warum; der Grund wird hier stehen.',
    },
    awaitingBeacon: {
      title: 'Die Auslosung wartet auf ihren öffentlichen Wert',
      text: 'Ausgelost wird, sobald „{name}“ bekannt ist, ab {from}. Wer die Auslosung nachprüfen will, notiert jetzt den Fingerabdruck des Vorraums.',
    },
    drawing: {
      title: 'Die Reihenfolge wird geschrieben',
      text: 'Die Nummern werden in diesen Sekunden vergeben.',
    },
    unproven: {
      title: 'Diese Auslosung lässt sich nicht beweisen',
      text: 'Dieser Shop hat Daten verloren, nachdem der Vorraum geschlossen war, und damit, wer darin war oder wie ausgelost wurde. Nummern, die Fans schon gesehen hatten, bleiben ihnen; wer sonst zurückkam, bekam durch Zufall eine der anderen. Niemand kann diese Reihenfolge nachrechnen, und niemand kann sagen, ob sie ausgesucht wurde.',
    },
    empty: {
      title: 'Niemand war im Vorraum',
      text: 'Es galt die Reihenfolge der Ankunft.',
    },
    drawn: { title: 'Die Reihenfolge ist ausgelost', text: 'Wer später kam, steht dahinter.' },
  },
  haveNumbers: {
    one: 'Ein Fan hat die Nummer 1.',
    other: '{n} Fans haben die Nummern 1 bis {n}.',
  },

  published: {
    title: 'Was veröffentlicht ist',
    seedPrintBefore: 'Fingerabdruck der Startzahl (SHA-256), hier schon bevor der Vorraum öffnete:',
    seedPrintAt: 'Fingerabdruck der Startzahl (SHA-256), veröffentlicht {time}:',
    recommitted:
      'Dieser Shop hat Daten verloren, nachdem der Vorraum geöffnet hatte, und damit die Startzahl, deren Fingerabdruck vorher hier stand: Diese wurde seither gewählt. Ob dabei jemand nachgesehen hat, wer im Vorraum ist, kann niemand sagen.',
    lobbyPrint:
      'Fingerabdruck des Vorraums (SHA-256 der Kennungen in der Ordnung ihrer Bytes, durch Zeilenvorschübe verbunden):',
    lobbyPrintAt:
      'Fingerabdruck des Vorraums (SHA-256 der Kennungen in der Ordnung ihrer Bytes, durch Zeilenvorschübe verbunden), veröffentlicht {time}:',
    seed: 'Startzahl:',
    seedAt: 'Startzahl, veröffentlicht {time}:',
    beacon:
      'Öffentlicher Wert, genannt bevor der Vorraum öffnete: „{name}“, bekannt ab {from}. Was zählt: {rule}.',
    source: 'Seine Quelle',
    beaconAt: '{value}, veröffentlicht {time}',
    rule: 'Die Reihenfolge ist aufsteigend nach HMAC-SHA256 der Kennung. Der Schlüssel sind die 32 Bytes der Startzahl, dann die 32 Bytes vom Fingerabdruck des Vorraums.',
    ruleWithBeacon:
      'Die Reihenfolge ist aufsteigend nach HMAC-SHA256 der Kennung. Der Schlüssel sind die 32 Bytes der Startzahl, dann die 32 Bytes vom Fingerabdruck des Vorraums, dann der öffentliche Wert, wie er hier steht.',
    all: 'All das, mit den Kennungen in ihrer Reihenfolge, steht unter {address}.',
    atOpening: 'wenn der Verkauf öffnet',
    afterDraw: 'nach der Auslosung',
    lost: 'nicht veröffentlicht: diese Auslosung ging verloren',
    never: 'nicht veröffentlicht: der Verkauf wurde beendet, bevor er öffnete',
    notUsed: 'nicht verwendet',
    notKnown: 'noch nicht bekannt',
  },

  recompute: {
    title: 'Selbst nachrechnen',
    idOfPlace: 'Die Kennung eines Platzes, um ihn zu finden',
    idOfYours: 'Die Kennung eines Platzes: Das ist Ihre',
    compute: 'Reihenfolge nachrechnen',
    progress: 'Wie viel schon gerechnet ist',
    needsScript: 'Mit JavaScript würde Ihr Browser das hier tun.',
    yourId: 'Die Kennung Ihres Platzes ist {id}.',
    otherwise:
      'Oder mit dem Befehl {command}, oder mit zehn eigenen Zeilen: Mehr als die Regel hier unten braucht es nicht.',
  },
  said: {
    computing: 'Ihr Browser rechnet …',
    holds: 'Die Auslosung ist, was sie sagt: Ihr Browser hat dieselbe Reihenfolge errechnet.',
    broken:
      'Diese Auslosung ist NICHT, was sie sagt. Bewahren Sie auf, was hier veröffentlicht ist, und fragen Sie den Veranstalter danach.',
    unreadable: 'Die Auslosung ließ sich nicht lesen. Bitte versuchen Sie es noch einmal.',
    findId: 'Diese Kennung finden',
    place: 'In der veröffentlichten Reihenfolge ist die Kennung {id} Nummer {number} von {count}.',
    noPlace: 'Die Kennung {id} ist nicht in dieser Auslosung. Wer nach der Öffnung kam, steht dahinter.',
  },
  steps: {
    otherSale: 'Das ist die Auslosung des Verkaufs {given}, nicht die von {sale}.',
    unpublished: 'Es heißt, es sei ausgelost, und Startzahl und Kennungen sind nicht veröffentlicht.',
    seed: 'Die Startzahl ist die, deren Fingerabdruck veröffentlicht ist.',
    wrongSeed: 'Die Startzahl ist nicht die, deren Fingerabdruck veröffentlicht wurde.',
    recommitted:
      'Niemand kann sagen, ob die Startzahl gewählt wurde, bevor jemand im Vorraum war: Der Shop hat Daten verloren, nachdem der Vorraum geöffnet hatte, und dieser Fingerabdruck ist von {at}.',
    closedAgain:
      'Niemand kann sagen, wer im Vorraum war, als er zum ersten Mal geschlossen wurde: Der Shop hat das mit seinen Daten verloren und ihn noch einmal geschlossen, mit denen, die zurückkamen.',
    order: 'Startzahl und Vorraum ergeben genau diese Reihenfolge.',
    orderWithBeacon: 'Startzahl, Vorraum und öffentlicher Wert ergeben genau diese Reihenfolge.',
    wrongOrder: 'Nummer {number} steht, wo die Regel sie nicht hinstellt.',
    wrongCount: 'Im Vorraum bei der Öffnung: {entries}. Ausgelost: {drawn}.',
    notAnId: 'Was als Nummer {number} ausgelost wurde, ist keine Kennung.',
    ids: 'Die Kennungen, insgesamt {drawn}, sind die, deren Fingerabdruck veröffentlicht ist.',
    wrongIds: 'Die Kennungen sind nicht die, deren Fingerabdruck bei der Öffnung veröffentlicht wurde.',
    noBeacon: 'Für diese Auslosung wurde kein öffentlicher Wert genannt, und keiner ist eingerechnet.',
    unnamedBeacon: 'Es ist ein öffentlicher Wert eingerechnet, der nicht genannt worden war.',
    withoutBeacon:
      'Niemand kann sagen, ob das Ergebnis ausgesucht wurde: „{name}“ wurde genannt und nicht verwendet, aus diesem Grund: „{reason}“',
    withdrawnBeacon: '„{name}“ soll nicht verwendet sein, und doch ist ein Wert davon eingerechnet.',
    missingBeacon: '„{name}“ wurde genannt, und kein Wert davon ist eingerechnet.',
    beaconAfter:
      'Der Vorraum war geschlossen und sein Fingerabdruck veröffentlicht, bevor der öffentliche Wert bekannt sein konnte.',
    beaconBefore:
      'Der öffentliche Wert konnte ab {from} bekannt sein, und der Vorraum wurde um {late} geschlossen oder sein Fingerabdruck dann veröffentlicht: Wer den Verkauf betreibt, konnte das Ergebnis aussuchen.',
    beaconBeforeUntold:
      'Der öffentliche Wert konnte ab {from} bekannt sein, und wann der Vorraum geschlossen oder sein Fingerabdruck veröffentlicht wurde, ist nicht gesagt: Wer den Verkauf betreibt, konnte das Ergebnis aussuchen.',
    beaconTooEarly: 'Der öffentliche Wert wurde um {at} angegeben, bevor ihn jemand kennen konnte.',
  },

  limits: {
    title: 'Was das nicht beweist',
    noted:
      'Dass die Fingerabdrücke hier standen, wann wir es sagen: Das weiß, wer sie notiert hat. Und dass hinter jedem im Vorraum ein eigener Mensch steht.',
    closedAgain:
      'Wer im Vorraum war, als er zum ersten Mal geschlossen wurde: Dieser Shop hat das mit seinen Daten verloren und ihn noch einmal geschlossen, mit denen, die zurückkamen.',
    withoutBeacon:
      'Dass, wer diesen Verkauf betreibt, das Ergebnis nicht ausgesucht hat: Ein öffentlicher Wert war genannt, und ausgelost wurde ohne ihn. Der Grund, der angegeben wurde: „{reason}“',
    isTheirs: 'Dass der öffentliche Wert der ist, den „{name}“ hat: Sehen Sie dort nach.',
    noBeacon:
      'Dass, wer diesen Verkauf betreibt, nicht mehrere Startzahlen oder Vorräume ausprobiert und sich einen ausgesucht hat: Dazu bräuchte es einen öffentlichen Wert von nach der Öffnung, und für diesen Verkauf war keiner genannt.',
  },
};
