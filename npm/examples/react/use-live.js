/**
 * A hook that shows a live query: the component is drawn again when a key that the command read has changed.
 *
 *     const top = useLive(store, ['ZREVRANGE', 'board', 0, 9, 'WITHSCORES']);
 *
 * `undefined` until the first reply is there. An error is thrown while drawing, where error boundaries catch it.
 */
import { useEffect, useState } from 'react';

export function useLive(store, command, options) {
  const [state, setState] = useState({});
  // The same words are the same query, however often the list is made anew.
  const words = JSON.stringify([command, options]);
  useEffect(() => {
    const query = store.live(command, options);
    (async () => {
      for await (const reply of query) setState({ words, reply });
    })().catch((error) => setState({ words, error }));
    return () => void query.return();
  }, [store, words]);
  // What is left of another command is not shown for this one.
  if (state.words !== words) return undefined;
  if (state.error) throw state.error;
  return state.reply;
}
