// The script of a confirmed order: a button that prints it. The browser's own menu does the same.

const button = document.querySelector<HTMLButtonElement>('[data-print]');

if (button) {
  button.hidden = false;
  button.addEventListener('click', () => print());
}
