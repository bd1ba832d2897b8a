/**
 * Shows the first rows of a long table in the order that it has now, and more where somebody asks: a browser lays a table out
 * as a whole, which takes seconds for thousands of rows. The table's `data-window` says how many. Returns what has to be called
 * after rows were sorted or filtered; `onShow` is told of each row that is shown.
 */
export function windowRows(table: HTMLTableElement, onShow: (row: HTMLTableRowElement) => void): () => void {
  const step = Number(table.dataset['window']);
  const note = document.createElement('p');
  table.parentElement?.after(note);
  let limit = step;

  const draw = () => {
    let count = 0;
    for (const row of table.tBodies[0]?.rows ?? []) {
      // What was opened below a row goes with it.
      const isDetail = row.classList.contains('detail');
      if (!isDetail && !row.hidden) count++;
      const isBeyond = count > limit;
      if (!isDetail && !row.hidden && !isBeyond) onShow(row);
      row.classList.toggle('beyond', isBeyond);
    }

    table.classList.add('windowed');
    note.hidden = count <= limit;
    if (!note.hidden) note.replaceChildren(...offer(count));
  };

  const extend = (title: string, rows: number) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = title;
    button.addEventListener('click', () => {
      limit += rows;
      draw();
    });
    return button;
  };

  const offer = (count: number) => {
    const [shown, all] = [limit, count].map((rows) => rows.toLocaleString('en'));
    const next = Math.min(step, count - limit).toLocaleString('en');
    return [
      `The first ${shown} of ${all} are shown. `,
      extend(`Show ${next} More`, step),
      ' ',
      extend('Show All', Infinity),
    ];
  };

  return draw;
}
