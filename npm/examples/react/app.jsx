/** A leaderboard that all tabs see, on one engine in a SharedWorker. */
import { createRoot } from 'react-dom/client';
import { Store } from 'redstart';
import { useLive } from './use-live.js';

const store = await Store.open({ shared: 'board' });

function Board() {
  const top = useLive(store, ['ZREVRANGE', 'board', 0, 9, 'WITHSCORES']);
  const players = useLive(store, ['ZCARD', 'board']);
  if (!top) return <p>…</p>;
  return (
    <>
      <ol>
        {top.map(([name, score]) => (
          <li key={name}>
            {name}: {score} <button onClick={() => store.zincrby('board', 10, name)}>+10</button>
          </li>
        ))}
      </ol>
      <p>{players} players</p>
      <button onClick={() => store.zadd('board', 0, `Player ${players + 1}`)}>Another player</button>
    </>
  );
}

createRoot(document.querySelector('#root')).render(<Board />);
