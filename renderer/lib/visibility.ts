// What is done only while somebody can see the page: a hidden window and a tab behind others cost
// nothing.

/** Runs `start` whenever the page comes into view, and what that gave when it goes. Gives the end. */
export function whileVisible(start: () => () => void): () => void {
  let stop: (() => void) | undefined;
  const look = (): void => {
    const visible = document.visibilityState === 'visible';
    if (visible && stop === undefined) stop = start();
    else if (!visible && stop !== undefined) {
      stop();
      stop = undefined;
    }
  };
  document.addEventListener('visibilitychange', look);
  look();
  return () => {
    document.removeEventListener('visibilitychange', look);
    stop?.();
    stop = undefined;
  };
}
