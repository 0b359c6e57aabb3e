/**
 * What counts as the same e-mail address when seats per buyer are counted: without regard to case, and without a tag
 * (`ada+1@…`), which reaches the same person at most providers. Dots stay: at most providers they make another person.
 * Tickets go to the address as it was written.
 */
export function emailKey(email: string): string {
  const [local = '', domain = ''] = email.trim().normalize('NFKC').toLowerCase().split('@');
  return `${local.replace(/(?<=.)\+.*$/, '')}@${domain}`;
}
