// Keyboard shortcuts, active while their buttons are visible: of the review and of judging while no
// field has focus; Ctrl+Enter, which previews a rule, also in its fields.
(() => {
  const buttons = {
    a: ['review-accept'], arrowright: ['review-accept'],
    r: ['review-reject'], arrowleft: ['review-reject'],
    s: ['review-skip', 'judge-skip'], u: ['review-undo', 'judge-undo'],
    0: ['judge-0'], 1: ['judge-1'], 2: ['judge-2'], 3: ['judge-3'],
  };
  document.addEventListener('keydown', (event) => {
    if (event.altKey || event.repeat) return;
    const previews = (event.ctrlKey || event.metaKey) && event.key === 'Enter';
    if (!previews && (event.ctrlKey || event.metaKey)) return;
    const focused = document.activeElement;
    if (!previews && focused?.closest('input, textarea, select, [contenteditable]')) return;
    const button = (previews ? ['rule-preview'] : buttons[event.key.toLowerCase()] ?? [])
      .map((id) => document.getElementById(id))
      .find((found) => found && found.offsetParent !== null && !found.disabled);
    if (!button) return;
    event.preventDefault();
    button.click();
  });
})();
