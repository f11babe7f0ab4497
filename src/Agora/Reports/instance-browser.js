'use strict';
// Leafs through the sample of instances in the page. Texts come from models: they are only ever set as text, never as markup.
document.addEventListener('DOMContentLoaded', () => {
  const source = document.getElementById('browser-data');
  if (!source) return;
  const { sets, instances } = JSON.parse(source.textContent);
  const form = document.getElementById('browser');
  const list = document.getElementById('browser-list');
  const state = document.getElementById('browser-state');
  const pages = document.getElementById('browser-pages');
  const length = 8;
  let page = 0;

  const element = (name, text, parent) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  };
  const offer = (select, values) => {
    for (const value of new Set(values)) element('option', value, form.elements[select]).value = value;
  };
  offer('generator', sets.map(set => set.generator));
  offer('setting', sets.map(set => set.setting));
  const names = new Set(instances.flatMap(one => one.verdicts.filter(verdict => verdict[1] !== null).map(verdict => verdict[0])));
  for (const name of names) {
    for (const [sign, words] of [['+', 'least first'], ['-', 'greatest first']]) {
      element('option', `${name}, ${words}`, form.elements.order).value = sign + name;
    }
  }

  const valueOf = (one, name) => {
    const verdict = one.verdicts.find(verdict => verdict[0] === name);
    return verdict === undefined ? null : verdict[1];
  };
  const chosen = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const words = wanted.words.toLowerCase();
    const found = instances.filter(one =>
      (!wanted.generator || sets[one.set].generator === wanted.generator) &&
      (!wanted.setting || sets[one.set].setting === wanted.setting) &&
      (!words || one.instruction.toLowerCase().includes(words) || one.response.toLowerCase().includes(words)));
    if (!wanted.order) return found;
    const [sign, name] = [wanted.order[0] === '+' ? 1 : -1, wanted.order.slice(1)];
    return found.filter(one => valueOf(one, name) !== null).sort((left, right) => sign * (valueOf(left, name) - valueOf(right, name)));
  };
  const pair = (definitions, name, text) => {
    element('dt', name, definitions);
    const shown = element('pre', text, element('dd', undefined, definitions));
    shown.dir = 'auto';
    return shown;
  };
  const show = () => {
    const found = chosen();
    const last = Math.max(0, Math.ceil(found.length / length) - 1);
    page = Math.min(Math.max(page, 0), last);
    list.replaceChildren();
    for (const one of found.slice(page * length, (page + 1) * length)) {
      const box = element('article', undefined, list);
      box.className = 'sample';
      element('h3', `${sets[one.set].generator}, ${sets[one.set].setting}: instance ${one.index}`, box);
      if (one.verdicts.length > 0) {
        const verdicts = element('ul', undefined, box);
        verdicts.className = 'verdicts';
        for (const [name, , text] of one.verdicts) {
          const entry = element('li', undefined, verdicts);
          element('span', name, entry);
          element('b', ` ${text}`, entry);
        }
      }
      const definitions = element('dl', undefined, box);
      for (const [name, text] of [['instruction', one.instruction], ['response', one.response], ['origin', one.origin.map(([name, text]) => `${name}: ${text}`).join('\n')]]) {
        const shown = pair(definitions, name, text);
        // What scrolls must be reached by keyboard, too.
        if (shown.scrollHeight > shown.clientHeight) shown.tabIndex = 0;
      }
    }
    state.textContent = found.length === 0 ? 'No instance of the sample fits.'
      : `${page * length + 1} to ${Math.min(found.length, (page + 1) * length)} of ${found.length} that fit; ${instances.length} instances are in the page.`;
    pages.hidden = last === 0;
    for (const button of pages.querySelectorAll('button')) {
      button.disabled = page + Number(button.dataset.step) < 0 || page + Number(button.dataset.step) > last;
    }
  };
  form.addEventListener('input', () => { page = 0; show(); });
  form.addEventListener('submit', event => event.preventDefault());
  pages.addEventListener('click', event => {
    if (!event.target.dataset.step) return;
    page += Number(event.target.dataset.step);
    show();
    state.scrollIntoView({ block: 'nearest' });
  });
  form.hidden = false;
  show();
});
