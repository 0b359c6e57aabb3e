import type { Texts } from '../en.ts';

// Counts stand after a colon or alone, where they need no form of their own.
export const shell: Texts['shell'] = {
  goOn: 'المتابعة',
  position: 'ترتيبك: {n}',
  ahead: 'عدد من أمامك: {n}',
  next: 'دورك هو التالي',
  rate: 'عدد الداخلين في الدقيقة: نحو {n}',
  wait: 'مدة انتظارك: {n}',
  waitUnknown: 'مدة انتظارك: غير معروفة بعد',
  held: 'بقية المقاعد في السلال، وقد يتاح أولها في {n}',
  paused: 'أوقف المنظِّم الدخول مؤقتًا. لن يتقدّم عليك أحد.',
  safe: 'مكانك محفوظ',
  away: 'لا اتصال بالطابور الآن',
  rules: (grace, claim) =>
    `يمكنك إغلاق الصفحة أو هاتفك: مكانك محفوظ (${grace})، أما دورك إن حان فمهلته (${claim}).`,
  lobbyRule: 'لمن هنا حينها مكان بالقرعة بلا أفضلية لمن سبق، ومن تأخر يقف خلفهم.',
  draw: 'التحقق من القرعة',
  drawing: 'تُجرى القرعة الآن.',
  beacon: 'تُجرى القرعة حالما تُعرف «{name}».',
  updated: 'آخر تحديث {n}. تحديث',
  more: 'خيارات أخرى',
  prices: 'الأسعار شاملة الرسوم',
};
