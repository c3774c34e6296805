// A dialog is sent once: what is pressed while its answer is awaited, or while the page behind it opens, is dropped.
(() => {
  const dialog = (event) => event.detail.elt.closest?.("#dialog form");
  document.addEventListener("htmx:confirm", (event) => {
    const form = dialog(event);
    if (!form) return;
    if (form.dataset.sent) event.preventDefault();
    else form.dataset.sent = "yes";
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.xhr.getResponseHeader("HX-Redirect")) delete dialog(event)?.dataset.sent;
  });
})();
