import type { Texts } from '../en.ts';

export const home: Texts['home'] = {
  title: 'الحفلات',
  nothingOnSale: 'لا يوجد شيء للبيع الآن.',
  states: {
    scheduled: 'لم يُفتح البيع بعد',
    lobby: 'غرفة الانتظار مفتوحة',
    open: 'البيع مفتوح الآن',
    paused: 'البيع مفتوح، والدخول متوقف مؤقتًا',
    soldOut: 'نفدت التذاكر',
    closed: 'انتهى البيع',
  },
  left: {
    plenty: 'لا تزال مقاعد كثيرة متاحة.',
    limited: 'عدد المقاعد المتبقية محدود.',
    few: 'لم يبقَ سوى مقاعد قليلة.',
    none: 'لا يوجد مقعد متاح الآن.',
  },
  opens: (day) => `يبدأ البيع ${day}.`,
  codeNeeded: 'لمن لديه رمز دخول.',
  from: (price) => `ابتداءً من ${price}.`,
};
