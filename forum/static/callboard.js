/* Callboard works without this file. It makes leaving quicker, warns before
   typed words are lost, moves focus to an error summary and can show a password.
   It keeps nothing in the browser's storage: phones are shared. */
(function () {
  'use strict';
  var doc = document, root = doc.documentElement;
  var exit = doc.querySelector('[data-leave]');
  var leaving = false;

  function leave() {
    if (leaving || !exit) return;
    leaving = true;
    root.classList.add('gone');
    doc.title = exit.getAttribute('data-leave');
    var go = function () { location.replace(exit.href); };
    var token = doc.querySelector('input[name=csrf_token]');
    if (!token || !window.fetch) return go();
    setTimeout(go, 600);
    fetch(exit.href, {
      method: 'POST', keepalive: true, redirect: 'manual', credentials: 'same-origin',
      body: new URLSearchParams({ csrf_token: token.value })
    }).then(go, go);
  }

  doc.addEventListener('click', function (event) {
    if (!event.target.closest || !event.target.closest('[data-leave]')) return;
    event.preventDefault();
    leave();
  });

  var presses = [];
  doc.addEventListener('keydown', function (event) {
    if (event.repeat) return;
    if (event.key !== 'Shift') { presses = []; return; }
    presses = presses.concat(event.timeStamp).slice(-3);
    if (presses.length === 3 && presses[2] - presses[0] < 5000) leave();
  });

  doc.addEventListener('pointerdown', function () { presses = []; });

  window.addEventListener('pageshow', function (event) {
    if (event.persisted && leaving) location.replace(exit.href);
  });

  var sending = false;
  doc.addEventListener('submit', function () { sending = true; });
  window.addEventListener('beforeunload', function (event) {
    if (leaving || sending || doc.body.classList.contains('is-sensitive')) return;
    var typed = [].some.call(doc.querySelectorAll('textarea:not([readonly])'), function (box) {
      return box.value !== box.defaultValue;
    });
    if (typed) { event.preventDefault(); event.returnValue = ''; }
  });

  var summary = doc.querySelector('.errors');
  if (summary) summary.focus();

  [].forEach.call(doc.querySelectorAll('input[type=password][data-show]'), function (box) {
    var button = doc.createElement('button');
    button.type = 'button';
    button.className = 'minor';
    button.textContent = box.dataset.show;
    button.setAttribute('aria-controls', box.id);
    button.addEventListener('click', function () {
      var hidden = box.type === 'password';
      box.type = hidden ? 'text' : 'password';
      button.textContent = hidden ? box.dataset.hide : box.dataset.show;
      box.focus();
    });
    box.form && box.form.addEventListener('submit', function () { box.type = 'password'; });
    box.parentNode.appendChild(button);
  });
})();
