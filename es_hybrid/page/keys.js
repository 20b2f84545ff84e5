// Keyboard shortcuts of the review, active while its buttons are visible and no field has focus.
(() => {
  const buttons = {
    a: 'review-accept', arrowright: 'review-accept',
    r: 'review-reject', arrowleft: 'review-reject',
    s: 'review-skip', u: 'review-undo',
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const focused = document.activeElement;
    if (focused?.closest('input, textarea, select, [contenteditable]')) return;
    const button = document.getElementById(buttons[event.key.toLowerCase()]);
    if (!button || button.offsetParent === null || button.disabled) return;
    event.preventDefault();
    button.click();
  });
})();
