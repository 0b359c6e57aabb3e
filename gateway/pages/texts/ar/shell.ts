import type { Texts } from '../en.ts';

// Counts stand after a colon or alone, where they need no form of their own.
export const shell: Texts['shell'] = {
  goOn: 'المتابعة',
  position: 'ترتيبك: {n}',
  ahead: 'أمامك: {n}',
  next: 'أنت التالي',
  rate: 'الدخول في الدقيقة: نحو {n}',
  wait: 'انتظارك: {n}',
  waitUnknown: 'انتظارك: غير معروف بعد',
  held: 'بقية المقاعد في السلال، وقد يتاح أولها في {n}',
  paused: 'أوقف المنظِّم الدخول مؤقتًا. لن يتقدّم عليك أحد.',
  safe: 'مكانك محفوظ',
  away: 'نحاول الوصول إلى الطابور',
  rules: (grace, claim) => `يمكنك إغلاق الصفحة أو هاتفك: مكانك محفوظ (${grace})، ومهلة دورك (${claim}).`,
  lobbyRule: 'لمن هنا حينها مكان بالقرعة بلا أفضلية لمن سبق، ومن تأخر فخلفهم.',
  draw: 'التحقق من القرعة',
  drawing: 'القرعة جارية الآن.',
  beacon: 'القرعة فور معرفة «{name}».',
  updated: 'آخر تحديث {n}. تحديث',
  more: 'خيارات أخرى',
  prices: 'الأسعار شاملة الرسوم',
};
