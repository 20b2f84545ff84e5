// Keyboard shortcuts of the review and of judging, active while the buttons are visible and no field
// has focus.
(() => {
  const buttons = {
    a: ['review-accept'], arrowright: ['review-accept'],
    r: ['review-reject'], arrowleft: ['review-reject'],
    s: ['review-skip', 'judge-skip'], u: ['review-undo', 'judge-undo'],
    0: ['judge-0'], 1: ['judge-1'], 2: ['judge-2'], 3: ['judge-3'],
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const focused = document.activeElement;
    if (focused?.closest('input, textarea, select, [contenteditable]')) return;
    const button = (buttons[event.key.toLowerCase()] ?? [])
      .map((id) => document.getElementById(id))
      .find((found) => found && found.offsetParent !== null && !found.disabled);
    if (!button) return;
    event.preventDefault();
    button.click();
  });
})();
