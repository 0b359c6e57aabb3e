const CHECK_INTERVAL_MS = 500;

/**
 * Calls back once when the npm that runs this process is gone without having passed on why: killed with SIGKILL, it
 * could not. Started without npm, a process may well outlive whoever started it.
 */
export function whenNpmIsGone(callback) {
  if (!process.env.npm_lifecycle_event) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    callback();
  }, CHECK_INTERVAL_MS);
  timer.unref();
}
