import type { Texts } from '../en.ts';

export const order: Texts['order'] = {
  unclear: {
    title: 'لم تتضح نتيجة الدفع بعد',
    text: 'لم نعرف بعد ما آل إليه. لا تدفع مرة أخرى: تحقق بعد ثوانٍ. لن تدفع أكثر من مرة واحدة.',
    look: 'التحقق من النتيجة',
  },
  payment: 'الدفع',
  titles: {
    inProgress: 'جارٍ الحجز',
    confirmed: 'تذاكرك',
    failed: 'لم يتم هذا الحجز',
    refunded: 'أُعيد ثمن هذا الطلب',
  },
  number: 'الطلب {order}',
  code: 'رمز التذكرة {code}',
  priced: (seat, price) => `${seat}: ${price}`,
  total: (price) => `المجموع: ${price}`,
  sentTo: 'أرسلنا التذاكر إلى {email}.',
  moneyBack: (price) => `يُعاد إليك ${price}. لم تعد التذاكر صالحة للدخول.`,
  booking: 'نحجز مقاعدك الآن.',
  showsByItself: 'تظهر النتيجة في هذه الصفحة تلقائيًا.',
  needNotWait: 'لا حاجة إلى الانتظار هنا: حالما يتم الحجز تُرسل التذاكر إلى {email}.',
  offline: 'يبدو أنك غير متصل بالإنترنت. الحجز مستمر رغم ذلك.',
  unreachable: 'لا يمكننا رؤية ذلك الآن. الحجز مستمر رغم ذلك.',
  failures: {
    declined: 'رُفض الدفع.',
    lost: 'ذهبت المقاعد إلى شخص آخر قبل أن يتم الدفع.',
    unreachable: 'تعذّر الوصول إلى خدمة الدفع.',
    other: 'لم يتم الدفع.',
  },
  notCharged: 'لم يُخصم منك شيء.',
  stillHeld: 'مقاعدك لا تزال محجوزة لك: يمكنك الدفع مرة أخرى.',
  lookAround: 'يمكنك أن ترى ما يتوفر غيرها.',
  backToSeats: 'العودة إلى مقاعدك',
  otherSeats: 'اختيار مقاعد أخرى',
};
