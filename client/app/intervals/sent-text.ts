/** What became of a ride on its way to intervals.icu, and when a workout is planned, in words. Pure. */

/** `code` and `sentence` of what came in the place of an answer. Only what is known to be so is said to be so. */
export function notSentText(code: string, sentence: string): string {
  switch (code) {
    case 'intervals-key-refused':
      return 'Not sent: intervals.icu does not take your key. Look at it in your profile.';
    case 'unreachable':
      return 'No answer in time, from the service or from intervals.icu, or you are offline. Try again; it will not be there twice.';
    case 'intervals-away':
      return 'No answer from intervals.icu. Try again; it will not be there twice.';
    case 'bad-request':
      return 'Not sent: the service does not take it as this page writes it. Reload the page and try again.';
    case 'not-found':
      return 'Not sent: this service has nothing to do with intervals.icu any more.';
    default:
      return `Not sent: ${sentence}`;
  }
}

/** `Today`, `Tomorrow`, `Wed 2 Dec`: a day as `2026-12-02`, seen from another. */
export function plannedDayText(day: string, today: string): string {
  const atMs = Date.parse(day);
  const daysAhead = Math.round((atMs - Date.parse(today)) / 86_400_000);
  if (daysAhead === 0) return 'Today';
  if (daysAhead === 1) return 'Tomorrow';
  return new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    timeZone: 'UTC',
  }).format(atMs);
}
